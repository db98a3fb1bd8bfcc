/* SPDX-License-Identifier: MIT */
/* Stacks and mappings: guards, permissions, addresses that are used again, and memory that runs out. */
#include <string.h>

#include <pagetable.h>

#include "fixture.h"
#include "model/model.h"

#define MAP_MAX	  64u
#define STACK_MAX 16u

/* -- what is mapped ---------------------------------------------------------------------------- */

static uint64_t *table_at(void *ctx, uint64_t pa)
{
	(void)ctx;
	return mem_phys_to_virt(pa);
}

static int find(const void *va, struct pt_leaf *leaf)
{
	const struct pt pt = {.root_pa = boot.root_pgd_pa, .levels = boot.levels, .table = table_at};

	return pt_find(&pt, (uint64_t)va, leaf);
}

static void expect_mapped(const char *va, size_t n, unsigned int flags)
{
	for (size_t i = 0; i < n; i++) {
		struct pt_leaf leaf;

		cr_assert_eq(find(va + i * MEM_PAGE, &leaf), 0, "page %zu", i);
		cr_expect_eq(leaf.flags, flags, "page %zu", i);
		cr_expect_not(leaf.flags & PT_USER);
	}
}

static void expect_unmapped(const char *va, size_t n)
{
	struct pt_leaf leaf;

	for (size_t i = 0; i < n; i++)
		cr_expect_eq(find(va + i * MEM_PAGE, &leaf), PLINTH_E_FAULT, "page %zu", i);
}

static uint64_t pages_used(void)
{
	return region.head.pool_used;
}

static uint64_t stack_pa(const char *top)
{
	struct pt_leaf leaf = {0};

	cr_assert_eq(find(top - MEM_PAGE, &leaf), 0);
	return leaf.pa;
}

static void two_cpus(void)
{
	describe();
	boot.n_cpus = 2;
	boot.window_pages = WINDOW_PAGES + 2;
	log_up();
	cr_assert_eq(mem_init(&boot), 0);
}

static void stacks_with_guards(void)
{
	char *a = mem_stack_alloc(3), *b = mem_stack_alloc(STACK_MAX), *again;
	uint64_t used = pages_used();

	cr_assert(a && b);
	expect_mapped(a - 3 * MEM_PAGE, 3, PT_WRITE);
	expect_unmapped(a - 4 * MEM_PAGE, 1);
	expect_unmapped(a, 1);
	expect_mapped(b - STACK_MAX * MEM_PAGE, STACK_MAX, PT_WRITE);
	expect_unmapped(b - (STACK_MAX + 1) * MEM_PAGE, 1);
	expect_unmapped(b, 1);
	mem_stack_free(a, 3);
	expect_unmapped(a - 3 * MEM_PAGE, 3);
	cr_expect_eq(pages_used(), used - 3);
	again = mem_stack_alloc(3);
	cr_expect_eq(again, a, "addresses are used again");
	mem_stack_free(again, 3);
	mem_stack_free(b, STACK_MAX);
	mem_fini();
	cr_expect_eq(LOGGED(NULL), 0, "nothing is left");
}

Test(mapping, stacks_have_guards, .init = up)
{
	stacks_with_guards();
}

Test(mapping, stacks_in_five_levels, .init = describe)
{
	boot.levels = 5;
	log_up();
	cr_assert_eq(mem_init(&boot), 0);
	stacks_with_guards();
}

Test(mapping, stacks_that_cannot_be, .init = up)
{
	char *top = mem_stack_alloc(1);

	cr_expect_null(mem_stack_alloc(0));
	cr_expect_null(mem_stack_alloc(STACK_MAX + 1));
	mem_stack_free(NULL, 1);
	mem_stack_free(top, 0);
	mem_stack_free(top, STACK_MAX + 1);
	expect_mapped(top - MEM_PAGE, 1, PT_WRITE);
	mem_stack_free(top, 1);
	expect_unmapped(top - MEM_PAGE, 1);
}

Test(mapping, foreign_memory, .init = up)
{
	static const struct {
		enum mem_prot prot;
		unsigned int flags;
	} cases[] = {{MEM_R, 0}, {MEM_RW, PT_WRITE}, {MEM_RX, PT_EXEC}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *va = mem_map(0xfee00000, 2, cases[i].prot);
		uint64_t pa = 0;

		cr_assert_not_null(va);
		expect_mapped(va, 2, cases[i].flags);
		cr_expect_eq(mem_virt_to_phys(va + 0x1010, &pa), 0);
		cr_expect_eq(pa, 0xfee01010);
		mem_unmap(va, 2);
		expect_unmapped(va, 2);
		cr_expect_eq(mem_virt_to_phys(va, &pa), PLINTH_E_FAULT);
		cr_expect_eq(pa, 0xfee01010, "untouched");
	}
	cr_expect_null(mem_map(0x1001, 1, MEM_R));
	cr_expect_null(mem_map(0x1000, 0, MEM_R));
	cr_expect_null(mem_map(0x1000, MAP_MAX + 1, MEM_R));
	mem_unmap(NULL, 1);
	mem_unmap(pages, 0);
	cr_expect_eq(space_used(), 0);
}

/* Bits that the module never sets: should they be there, the list of what is mapped tells. */
Test(mapping, what_must_not_be_is_listed, .init = up)
{
	char *va = mem_map(0x80000000, 3, MEM_R);
	struct plinth_ctl_map row;
	uint64_t *table = table_at(NULL, boot.root_pgd_pa);

	cr_assert_not_null(va);
	for (unsigned int shift = 39; shift > 12; shift -= 9) {
		uint64_t *entry = &table[(uint64_t)va >> shift & 511];

		*entry |= PT_BIT_USER;
		table = table_at(NULL, *entry & PT_BITS_ADDRESS);
	}
	table += (uint64_t)va >> 12 & 511;
	table[1] |= PT_BIT_USER;
	table[2] |= PT_BIT_GLOBAL;
	for (unsigned int i = 0; i < 3; i++) {
		static const uint32_t flags[] = {0, PLINTH_MAP_USER, PLINTH_MAP_GLOBAL};

		cr_assert_eq(space_next(PLINTH_MAP_ROOT, (uint64_t)va + i * MEM_PAGE, &row), 0);
		cr_expect(row.va == (uint64_t)va + i * MEM_PAGE && row.bytes == MEM_PAGE, "page %u", i);
		cr_expect_eq(row.flags, flags[i], "page %u", i);
	}
}

Test(mapping, addresses_run_out_and_come_back, .init = up)
{
	char *va[WINDOW_PAGES / MAP_MAX];

	for (unsigned int i = 0; i < WINDOW_PAGES / MAP_MAX; i++)
		cr_assert(va[i] = mem_map(0x80000000, MAP_MAX, MEM_R), "mapping %u", i);
	cr_expect_null(mem_map(0x80000000, 1, MEM_R));
	cr_expect_null(mem_stack_alloc(1));
	cr_expect_eq(LOGGED(fact_decimal(WINDOW_PAGES)), 2);
	mem_unmap(va[5], MAP_MAX);
	va[5] = mem_map(0x80000000, MAP_MAX - 2, MEM_R);
	cr_assert_not_null(va[5]);
	cr_expect_null(mem_map(0x80000000, 3, MEM_R), "not in a row");
	cr_expect_null(mem_stack_alloc(1), "a stack and its guards are three");
	cr_expect_eq(mem_map(0x80000000, 2, MEM_R), va[5] + (MAP_MAX - 2) * MEM_PAGE);
}

/*
 * What is given back must have been given out, for that and with that length; else it is logged and nothing
 * changes.
 */
Test(mapping, bad_unmaps_are_refused, .init = up)
{
	char *map = mem_map(0x80000000, 4, MEM_RW), *stack = mem_stack_alloc(2);
	const struct {
		void *va;
		size_t pages;
	} bad[] = {
		{map, 3},
		{map, 5},
		{map, 0},
		{map, (size_t)-1},
		{map + MEM_PAGE, 3},
		{map + 8, 4},
		{(void *)(boot.free_va - MEM_PAGE), 1},
		{(void *)(boot.free_va + WINDOW_PAGES * MEM_PAGE), 1},
		{(void *)(boot.free_va + (WINDOW_PAGES - 1) * MEM_PAGE), 2},
		{(void *)boot.free_va, 1},
		{stack - 2 * MEM_PAGE, 2},
		{stack - 3 * MEM_PAGE, 4},
		{pages[500], 1},
	};

	cr_assert(map && stack);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t used = space_used();

		memset(region.cpu.log, 0, sizeof(region.cpu.log));
		mem_unmap(bad[i].va, bad[i].pages);
		cr_expect_eq(space_used(), used, "%zu", i);
		expect_mapped(map, 4, PT_WRITE);
		expect_mapped(stack - 2 * MEM_PAGE, 2, PT_WRITE);
		cr_expect_eq(LOGGED(fact_hex((uint64_t)bad[i].va), fact_decimal(bad[i].pages)), 1, "%zu", i);
	}
}

Test(mapping, bad_stacks_are_not_freed, .init = up)
{
	char *map = mem_map(0x80000000, 4, MEM_RW), *stack = mem_stack_alloc(2);
	const struct {
		void *top;
		size_t pages;
	} bad[] = {
		{stack, 1},
		{stack, 3},
		{stack, 0},
		{stack, (size_t)-1},
		{stack - MEM_PAGE, 1},
		{stack + MEM_PAGE, 2},
		{stack - 8, 2},
		{map + 4 * MEM_PAGE, 4},
		{map + 3 * MEM_PAGE, 2},
		{(void *)boot.free_va, 1},
		{pages[501], 1},
	};
	void *page;

	cr_assert(map && stack);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t used = space_used(), pool = pages_used();

		memset(region.cpu.log, 0, sizeof(region.cpu.log));
		mem_stack_free(bad[i].top, bad[i].pages);
		cr_expect_eq(space_used(), used, "%zu", i);
		cr_expect_eq(pages_used(), pool, "%zu", i);
		expect_mapped(map, 4, PT_WRITE);
		expect_mapped(stack - 2 * MEM_PAGE, 2, PT_WRITE);
		cr_expect_eq(LOGGED(fact_hex((uint64_t)bad[i].top), fact_decimal(bad[i].pages)), 1, "%zu", i);
	}
	page = mem_phys_to_virt(stack_pa(stack));
	mem_page_free(page);
	cr_expect_eq(LOGGED(fact_hex((uint64_t)page)), 1, "a page of a stack is not a page");
	mem_stack_free(stack, 2);
	mem_unmap(map, 4);
	cr_expect_eq(space_used(), 0u);
}

/* -- CPUs that keep translations -------------------------------------------------------------------- */

/* The address of what was unmapped is given out again only when every CPU in between has flushed. */
Test(mapping, addresses_wait_for_cpus, .init = two_cpus)
{
	char *old = mem_map(0x80000000, 4, MEM_RW), *now;

	mem_cpu_enter(0);
	mem_cpu_enter(1);
	mem_unmap(old, 4);
	now = mem_map(0x90000000, 4, MEM_RW);
	cr_expect_neq(now, old, "CPUs 0 and 1 may have it");
	mem_cpu_flush(0);
	cr_expect_neq(mem_map(0x90000000, 4, MEM_RW), old, "CPU 1 may have it");
	mem_cpu_flush(1);
	cr_expect_eq(mem_map(0x90000000, 4, MEM_RW), old);
	mem_unmap(old, 4);
	mem_cpu_flush(0);
	mem_cpu_leave(1);
	cr_expect_eq(mem_map(0x90000000, 4, MEM_RW), old, "CPU 1 has none any more");
	mem_unmap(old, 4);
	mem_cpu_enter(1);
	mem_cpu_flush(0);
	cr_expect_eq(mem_map(0x90000000, 4, MEM_RW), old, "CPU 1 came later");
}

/* A flush costs only where something was unmapped, and CPUs that are none change nothing. */
Test(mapping, flushes_only_what_was_unmapped, .init = two_cpus)
{
	char *va = mem_map(0x80000000, 1, MEM_RW);
	uint64_t before;

	mem_cpu_enter(0);
	before = model.cpu[0].cr3_loads;
	mem_cpu_flush(0);
	cr_expect_eq(model.cpu[0].cr3_loads, before, "nothing was unmapped");
	mem_unmap(va, 1);
	mem_cpu_flush(0);
	mem_cpu_flush(0);
	cr_expect_eq(model.cpu[0].cr3_loads, before + 1);
	mem_cpu_flush(1);
	mem_cpu_enter(2);
	mem_cpu_flush(2);
	mem_cpu_leave(2);
	cr_expect_eq(model.cpu[0].cr3_loads, before + 1, "CPU 1 is not in, and there is no CPU 2");
}

/* Stacks come and go while a CPU never flushes: the addresses end with a word, and come back with it. */
Test(mapping, waiting_addresses_run_out, .init = two_cpus)
{
	unsigned int n = 0;
	void *top;

	mem_cpu_enter(1);
	while ((top = mem_stack_alloc(2))) {
		mem_stack_free(top, 2);
		n++;
	}
	cr_expect_eq(n, WINDOW_PAGES / 4);
	cr_expect_eq(LOGGED(fact_decimal(WINDOW_PAGES), "0"), 1, "none is taken, all wait");
	mem_cpu_flush(1);
	cr_expect(mem_stack_alloc(2));
}

/* -- memory runs out ------------------------------------------------------------------------------- */

Test(mapping, pages_run_out, .init = up)
{
	void *list[PAGES], *stack = mem_stack_alloc(STACK_MAX);
	unsigned int n = 0;

	cr_assert_not_null(stack);
	mem_stack_free(stack, STACK_MAX);
	while ((list[n] = mem_page_alloc()))
		n++;
	for (unsigned int left = 0; left < STACK_MAX; left++) {
		uint64_t used = pages_used();

		cr_expect_null(mem_stack_alloc(STACK_MAX), "%u pages left", left);
		cr_expect_eq(pages_used(), used, "%u pages left", left);
		mem_page_free(list[--n]);
	}
	cr_expect(mem_stack_alloc(STACK_MAX), "its page tables are there");
}

#define TABLE_PAGES 512u /* whose mappings are written down in one table */

/* No page for a page table: what was mapped of it is not any more. */
Test(mapping, page_tables_run_out, .init = up)
{
	void *list[PAGES];
	unsigned int n = 0;

	/* The first table has a CPU's own address as well. */
	for (unsigned int left = TABLE_PAGES - 1, pages; left; left -= pages) {
		pages = left < MAP_MAX ? left : MAP_MAX;
		cr_assert_not_null(mem_map(0x80000000, pages, MEM_R));
	}
	while ((list[n] = mem_page_alloc()))
		n++;
	for (unsigned int given = 0; given < 3; given++) {
		uint64_t used = pages_used();

		cr_assert_null(mem_stack_alloc(2), "%u pages", given);
		cr_expect_eq(pages_used(), used, "%u pages", given);
		mem_page_free(list[--n]);
	}
	cr_expect(mem_stack_alloc(2), "two pages and a table");
}
