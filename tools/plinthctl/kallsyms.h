/* SPDX-License-Identifier: MIT */
/* Lists of a kernel's symbols in the form of /proc/kallsyms, which is System.map's too. */
#ifndef PLINTHCTL_KALLSYMS_H
#define PLINTHCTL_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define KALLSYMS_FILE "/proc/kallsyms"

struct kallsyms_line {
	uint64_t address; /* 0 of all of them: not shown to this user */
	char type;
	char name[512];
	bool of_module;
};

/* kallsyms_next() - the next line that is a symbol's; false: there is none. */
bool kallsyms_next(FILE *file, struct kallsyms_line *line);

struct kernel_address {
	const char *name;
	bool needed;
	char type; /* 0: there is no such symbol */
	uint64_t address;
};

/*
 * kallsyms_find() - where symbols of the kernel itself are; of several with one name the first counts
 * Returns 0, or -1 after a line saying why not: no such file, hidden addresses, a symbol that is needed and
 * not there.
 */
int kallsyms_find(const char *file, struct kernel_address *list, size_t n);

#endif
