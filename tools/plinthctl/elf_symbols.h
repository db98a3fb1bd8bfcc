/* SPDX-License-Identifier: MIT */
/* The functions of a module's file, local ones included: more than is loaded of it. */
#ifndef PLINTHCTL_ELF_SYMBOLS_H
#define PLINTHCTL_ELF_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct elf_function {
	uint64_t value, bytes; /* an address of the file */
	const char *name;
};

struct elf_functions {
	size_t n;
	struct elf_function *list; /* by address */
	void *file;
};

/* elf_functions_read() - 0, or -1 with a message printed. Undo: elf_functions_free(). */
int elf_functions_read(struct elf_functions *out, const char *path);
void elf_functions_free(struct elf_functions *functions);

/* elf_function_at() - the one that holds an address of the file; NULL: none. */
const struct elf_function *elf_function_at(const struct elf_functions *functions, uint64_t address);

#endif
