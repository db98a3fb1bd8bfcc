/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error_line.h"
#include "elf_symbols.h"
#include "read_file.h"
#include "rtld.h"

struct view {
	const char *bytes;
	size_t n_bytes;
};

/* Something that lies in the file, or NULL if it does not quite. */
static const void *at(const struct view *file, uint64_t offset, uint64_t bytes)
{
	return offset <= file->n_bytes && bytes <= file->n_bytes - offset ? file->bytes + offset : NULL;
}

static const Elf64_Shdr *sections(const struct view *file, uint16_t *n)
{
	const Elf64_Ehdr *header = at(file, 0, sizeof(*header));

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shoff % sizeof(uint64_t))
		return NULL;
	*n = header->e_shnum;
	return at(file, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr));
}

/* A file without its full table still has the one of its exports. */
static const Elf64_Shdr *symbol_section(const Elf64_Shdr *list, uint16_t n)
{
	const Elf64_Shdr *found = NULL;

	for (uint16_t i = 0; i < n; i++)
		if (list[i].sh_type == SHT_SYMTAB || (!found && list[i].sh_type == SHT_DYNSYM))
			found = &list[i];
	return found && found->sh_link < n && found->sh_offset % sizeof(uint64_t) == 0 ? found : NULL;
}

static int by_value(const void *left, const void *right)
{
	const struct elf_function *a = left, *b = right;

	return a->value < b->value ? -1 : a->value > b->value;
}

static bool collect_symbols(struct elf_functions *out, const struct view *file)
{
	uint16_t n_sections;
	const Elf64_Shdr *list = sections(file, &n_sections),
			 *table = list ? symbol_section(list, n_sections) : NULL;
	const Elf64_Shdr *strings = table ? &list[table->sh_link] : NULL;
	const Elf64_Sym *symbols = table ? at(file, table->sh_offset, table->sh_size) : NULL;
	const char *names = strings ? at(file, strings->sh_offset, strings->sh_size) : NULL;

	if (!symbols || !names || !strings->sh_size || names[strings->sh_size - 1])
		return false;
	out->list = calloc(table->sh_size / sizeof(*symbols) + 1, sizeof(*out->list));
	for (size_t i = 0; out->list && i < table->sh_size / sizeof(*symbols); i++)
		if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_shndx != SHN_UNDEF &&
		    symbols[i].st_name < strings->sh_size)
			out->list[out->n++] = (struct elf_function){symbols[i].st_value, symbols[i].st_size,
								    names + symbols[i].st_name};
	if (out->list)
		qsort(out->list, out->n, sizeof(*out->list), by_value);
	return out->list;
}

int elf_functions_read(struct elf_functions *out, const char *path)
{
	struct view file = {0};
	const char *why;

	*out = (struct elf_functions){.file = read_file(path, RTLD_MAX_FILE, &file.n_bytes, &why)};
	file.bytes = out->file;
	if (!out->file)
		error_line("symbols: %s: cannot be read: %s", path, why);
	else if (!collect_symbols(out, &file))
		error_line("symbols: %s: not a module with a symbol table", path);
	else
		return 0;
	elf_functions_free(out);
	return -1;
}

void elf_functions_free(struct elf_functions *functions)
{
	free(functions->list);
	free(functions->file);
	*functions = (struct elf_functions){0};
}

const struct elf_function *elf_function_at(const struct elf_functions *functions, uint64_t address)
{
	for (size_t i = 0; i < functions->n; i++)
		if (address - functions->list[i].value < functions->list[i].bytes)
			return &functions->list[i];
	return NULL;
}
