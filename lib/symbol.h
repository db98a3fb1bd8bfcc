/* SPDX-License-Identifier: MIT */
/* Which function of which module an address lies in, from the modules' own symbol tables. */
#ifndef PLINTH_LIB_SYMBOL_H
#define PLINTH_LIB_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/boot.h>

struct symbol {
	const char *module;   /* at most 32 bytes, not always terminated */
	uint64_t offset;      /* from the module's base: the address in its file */
	const char *name;     /* of the exported function that holds it; NULL: of none */
	uint64_t name_offset; /* from there */
};

/**
 * symbol_find() - name an address.
 * @modules: as in struct plinth_boot
 * @out:     result; untouched on failure
 *
 * Reads the tables that @modules names and nothing else. Only functions a module exports
 * are in them; for all others the module's file knows the name that belongs to the offset.
 *
 * Return: false if the address is in no module.
 */
bool symbol_find(const struct plinth_boot_module *modules, uint64_t n_modules, uint64_t address,
		 struct symbol *out);

#endif
