/* SPDX-License-Identifier: MIT */
/* A kernel's structures, from its own type information (BTF). */
#ifndef PLINTHCTL_KERNEL_TYPES_H
#define PLINTHCTL_KERNEL_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define KERNEL_TYPES_FILE "/sys/kernel/btf/vmlinux"

struct kernel_member {
	const char *structure, *member;
	uint64_t offset; /* bytes */
};

/*
 * kernel_types_find() - where members lie, also those of structures and unions without a name inside
 * @file:	BTF as the kernel shows it, or a kernel's ELF file that has it
 * Returns 0, or -1 after a line saying what is missing.
 */
int kernel_types_find(const char *file, struct kernel_member *list, size_t n);

#endif
