/* SPDX-License-Identifier: MIT */
/* The kernel's addresses as names, from /proc/kallsyms. */
#ifndef PLINTHCTL_KERNEL_SYMBOLS_H
#define PLINTHCTL_KERNEL_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* kernel_symbol() - "name+0x12" for an address of the kernel, "user" for one below it, "" if nobody knows. */
const char *kernel_symbol(uint64_t address, char *text, size_t size);

#endif
