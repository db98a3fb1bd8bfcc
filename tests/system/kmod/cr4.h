/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* CR4 of the CPU at hand, changed by somebody who is not the kernel. */
#ifndef PLINTH_TESTS_CR4_H
#define PLINTH_TESTS_CR4_H

#include <asm/special_insns.h>

#include "drivers/linux/kernel.h"

/* In the kernel's copy, too, where it can be told: it writes later from there. Interrupts are off. */
static inline void change_cr4(unsigned long set, unsigned long clear)
{
	kernel_show_cr4(set, clear);
	asm volatile("mov %0, %%cr4" : : "r"((__read_cr4() | set) & ~clear) : "memory");
}

#endif
