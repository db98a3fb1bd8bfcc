/* SPDX-License-Identifier: MIT */
/* A program that goes round for ever while others look on (spin.sh), and leaves for the VMM on its way. */
#ifndef TESTS_SYSTEM_GUEST_SPIN_H
#define TESTS_SYSTEM_GUEST_SPIN_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* With a VMM there is one below: CPUID exits always. Inline, as a call is an entry on a shadow stack. */
static inline __attribute__((always_inline)) void exit_to_vmm(void)
{
	uint32_t eax = 0, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
}

/* map_word() - the first word of file @name, which is made: rounds are counted there. NULL: it has none. */
static inline volatile uint32_t *map_word(const char *name)
{
	int file = open(name, O_RDWR | O_CREAT, 0600);
	void *word = file < 0 || ftruncate(file, 4096)
			     ? MAP_FAILED
			     : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	return word == MAP_FAILED ? NULL : word;
}

#endif
