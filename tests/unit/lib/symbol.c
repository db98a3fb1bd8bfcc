/* SPDX-License-Identifier: MIT */
/* Addresses get the name of the function they lie in, and no other. */
#include <criterion/criterion.h>
#include <string.h>

#include "symbol.h"

/* ELF's symbol. */
struct elf_symbol {
	uint32_t name;
	uint8_t info, other;
	uint16_t section;
	uint64_t value, size;
};

#define FUNCTION 0x12 /* global, STT_FUNC */
#define OBJECT	 0x11

static const char names[] = "\0first\0second\0data\0absent";
static const struct elf_symbol symbols[] = {
	{0},
	{.name = 1, .info = FUNCTION, .section = 1, .value = 0x1000, .size = 0x20},
	{.name = 7, .info = FUNCTION, .section = 1, .value = 0x1040, .size = 0x10},
	{.name = 14, .info = OBJECT, .section = 2, .value = 0x2000, .size = 0x100},
	{.name = 19, .info = FUNCTION, .section = 0, .value = 0x1080, .size = 0x10},
	{.name = 1000, .info = FUNCTION, .section = 1, .value = 0x10c0, .size = 0x10},
};

static struct plinth_boot_module modules[] = {
	{.name = "empty", .base_va = 0x100000, .bytes = 0x1000},
	{.name = "full", .base_va = 0x200000, .bytes = 0x3000},
};

static void fill(void)
{
	modules[1].dynsym_va = (uint64_t)symbols;
	modules[1].dynsym_count = sizeof(symbols) / sizeof(symbols[0]);
	modules[1].dynstr_va = (uint64_t)names;
	modules[1].dynstr_bytes = sizeof(names);
}

Test(lib_symbol, names_what_holds_the_address, .init = fill)
{
	static const struct {
		uint64_t address;
		const char *module; /* NULL: of none */
		uint64_t offset;
		const char *name;
		uint64_t name_offset;
	} cases[] = {
		{0, NULL, 0, NULL, 0},
		{0x0fffff, NULL, 0, NULL, 0},
		{0x100000, "empty", 0, NULL, 0},
		{0x100fff, "empty", 0xfff, NULL, 0},
		{0x101000, NULL, 0, NULL, 0},
		{0x200fff, "full", 0xfff, NULL, 0},
		{0x201000, "full", 0x1000, "first", 0},
		{0x20101f, "full", 0x101f, "first", 0x1f},
		{0x201020, "full", 0x1020, NULL, 0}, /* of a function that is not exported */
		{0x201041, "full", 0x1041, "second", 1},
		{0x201085, "full", 0x1085, NULL, 0}, /* undefined here */
		{0x2010c1, "full", 0x10c1, NULL, 0}, /* a name out of the table */
		{0x202010, "full", 0x2010, NULL, 0}, /* data */
		{UINT64_MAX, NULL, 0, NULL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct symbol s = {.name_offset = 42};

		cr_expect_eq(symbol_find(modules, 2, cases[i].address, &s), cases[i].module != NULL,
			     "case %zu", i);
		if (!cases[i].module)
			continue;
		cr_expect_str_eq(s.module, cases[i].module);
		cr_expect_eq(s.offset, cases[i].offset);
		cr_expect_eq(s.name_offset, cases[i].name_offset);
		cr_expect(cases[i].name ? s.name && !strcmp(s.name, cases[i].name) : !s.name, "case %zu", i);
	}
}

Test(lib_symbol, leaves_the_result_alone, .init = fill)
{
	struct symbol out = {.offset = 42};

	cr_expect_not(symbol_find(modules, 2, 0x300000, &out));
	cr_expect_not(symbol_find(modules, 0, 0x100000, &out));
	cr_expect_eq(out.offset, 42);
	cr_expect(symbol_find(modules, 2, 0x201040, &out));
	cr_expect_str_eq(out.module, "full");
	cr_expect_eq(out.name_offset, 0);
}
