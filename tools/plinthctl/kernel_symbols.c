/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "kernel_symbols.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kallsyms.h"

#define KERNEL_HALF 0xffff800000000000ull

struct symbol {
	uint64_t address;
	char name[56];
};

static struct {
	bool read;
	struct symbol *list;
	size_t n, room;
} symbols;

static void add_symbol(uint64_t address, const char *name)
{
	if (symbols.n == symbols.room) {
		size_t room = symbols.room ? symbols.room * 2 : 4096;
		struct symbol *list = realloc(symbols.list, room * sizeof(*list));

		if (!list)
			return;
		symbols.list = list;
		symbols.room = room;
	}
	symbols.list[symbols.n].address = address;
	snprintf(symbols.list[symbols.n++].name, sizeof(symbols.list->name), "%.55s", name);
}

static int by_address(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

/* Without the privilege all addresses in the file are 0: then there are no symbols. */
static void read_symbols(void)
{
	FILE *file = fopen(KALLSYMS_FILE, "re");
	struct kallsyms_line line;

	symbols.read = true;
	while (file && kallsyms_next(file, &line))
		if (line.address && strchr("tTwW", line.type))
			add_symbol(line.address, line.name);
	if (file)
		fclose(file);
	if (symbols.n)
		qsort(symbols.list, symbols.n, sizeof(*symbols.list), by_address);
}

/* The last symbol at or below the address. */
static const struct symbol *symbol_at(uint64_t address)
{
	size_t low = 0, high = symbols.n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (symbols.list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &symbols.list[low - 1] : NULL;
}

const char *kernel_symbol(uint64_t address, char *text, size_t size)
{
	const struct symbol *symbol;

	snprintf(text, size, "user");
	if (address < KERNEL_HALF)
		return text;
	if (!symbols.read)
		read_symbols();
	symbol = symbol_at(address);
	if (symbol)
		snprintf(text, size, "%s+%#" PRIx64, symbol->name, address - symbol->address);
	else
		*text = '\0';
	return text;
}
