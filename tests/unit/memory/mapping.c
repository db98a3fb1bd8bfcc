/* SPDX-License-Identifier: MIT */
/* Stacks and mappings: guards, permissions, addresses that are used again, and memory that runs out. */
#include <pagetable.h>

#include "fixture.h"

#define WINDOW	  8192u /* pages of addresses, as in modules/memory/space.c */
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
		cr_expect_not(leaf.user);
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
	cr_expect(!logged("never freed"));
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
	char *va[WINDOW / MAP_MAX];

	for (unsigned int i = 0; i < WINDOW / MAP_MAX; i++)
		cr_assert(va[i] = mem_map(0x80000000, MAP_MAX, MEM_R), "mapping %u", i);
	cr_expect_null(mem_map(0x80000000, 1, MEM_R));
	cr_expect_null(mem_stack_alloc(1));
	mem_unmap(va[5] + 3 * MEM_PAGE, 2);
	cr_expect_null(mem_map(0x80000000, 3, MEM_R), "not in a row");
	cr_expect_null(mem_stack_alloc(1), "a stack and its guards are three");
	cr_expect_eq(mem_map(0x80000000, 2, MEM_R), va[5] + 3 * MEM_PAGE);
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

/* No page for a page table: what was mapped of it is not any more. */
Test(mapping, page_tables_run_out, .init = up)
{
	void *list[PAGES];
	unsigned int n = 0;

	while ((list[n] = mem_page_alloc()))
		n++;
	for (unsigned int given = 0; given < 5; given++) {
		uint64_t used = pages_used();
		void *stack = mem_stack_alloc(2);

		cr_assert_eq(stack != NULL, given >= 5, "%u pages", given);
		cr_expect_leq(pages_used() - used, 3, "but for tables");
		mem_page_free(list[--n]);
	}
	cr_expect(mem_stack_alloc(2), "two pages and three tables");
}
