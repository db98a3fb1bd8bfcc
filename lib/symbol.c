/* SPDX-License-Identifier: MIT */
#include "symbol.h"

#define TYPE_FUNCTION 2u /* ELF's STT_FUNC */

/* A symbol as it lies in the file (gABI, "Symbol Table"). */
struct elf_symbol {
	uint32_t name;
	uint8_t info, other;
	uint16_t section;
	uint64_t value, size;
};

_Static_assert(sizeof(struct elf_symbol) == 24, "gABI: Elf64_Sym");

static bool contains(const struct plinth_boot_module *m, const struct elf_symbol *s, uint64_t offset)
{
	return (s->info & 15) == TYPE_FUNCTION && s->section && s->value <= offset &&
	       offset - s->value < s->size && s->name < m->dynstr_bytes;
}

static void find_name(const struct plinth_boot_module *m, struct symbol *out)
{
	const struct elf_symbol *symbols = (const struct elf_symbol *)m->dynsym_va;

	out->name = NULL;
	out->name_offset = 0;
	for (uint64_t i = 0; symbols && i < m->dynsym_count; i++) {
		if (!contains(m, &symbols[i], out->offset))
			continue;
		out->name = (const char *)m->dynstr_va + symbols[i].name;
		out->name_offset = out->offset - symbols[i].value;
		return;
	}
}

bool symbol_find(const struct plinth_boot_module *modules, uint64_t n_modules, uint64_t address,
		 struct symbol *out)
{
	for (uint64_t i = 0; i < n_modules; i++) {
		if (address < modules[i].base_va || address - modules[i].base_va >= modules[i].bytes)
			continue;
		out->module = modules[i].name;
		out->offset = address - modules[i].base_va;
		find_name(&modules[i], out);
		return true;
	}
	return false;
}
