/* SPDX-License-Identifier: MIT */
/*
 * Spaces: regions that are mapped, trapped and restored; pages that are split and become one again; other
 * guests'.
 */
#include "fake.h"

#define VMM	  (5 * PAGE_2M + 7 * PAGE_4K) /* a page of the VMM's */
#define SCRATCH	  0x99000ull
#define ELSEWHERE (PAGE_1G + 64 * PAGE_2M)

static struct slat_space *other;

static void host_up(void)
{
	fresh(true, 39, 8);
	cr_assert_eq(direct_prepare(slat_host(), 0, 2 * PAGE_1G), 0);
	cr_assert_eq(hidden_add(slat_host(), VMM, PAGE_4K, SCRATCH, SLAT_READ | SLAT_WRITE), 0);
}

/* ... of one memory type: no table but those of the test. */
static void plain_up(void)
{
	fresh(true, 39, 8);
	odd = usual;
	cr_assert_eq(direct_prepare(slat_host(), 0, 2 * PAGE_1G), 0);
}

static void both_up(uint32_t pages)
{
	host_up();
	cr_assert_eq(slat_create(pages, &other), 0);
}

static void both_down(void)
{
	slat_destroy(other);
	down();
}

static void leads(struct slat_space *space, uint64_t gpa, uint64_t hpa, uint32_t access)
{
	uint64_t to = ~0ull;
	uint32_t may = ~0u;

	cr_expect_eq(slat_get(space, gpa, &to, &may), 0, "0x%llx", (unsigned long long)gpa);
	cr_expect_eq(to, hpa, "0x%llx leads to 0x%llx", (unsigned long long)gpa, (unsigned long long)to);
	cr_expect_eq(may, access, "0x%llx: access %u", (unsigned long long)gpa, may);
}

static void leads_nowhere(struct slat_space *space, uint64_t gpa)
{
	uint64_t hpa;
	uint32_t access;

	cr_expect_eq(slat_get(space, gpa, &hpa, &access), PLINTH_E_FAULT, "0x%llx", (unsigned long long)gpa);
}

/* -- the host's ------------------------------------------------------------------------------ */

Test(ept_space, a_region_is_mapped_in_the_largest_pages_there_are)
{
	const uint64_t start = 3 * PAGE_2M - 2 * PAGE_4K;

	host_up();
	cr_assert_eq(
		slat_map(slat_host(), start, start + 8 * PAGE_2M, 2 * PAGE_4K + PAGE_2M + PAGE_4K, SLAT_READ),
		0);
	expect(start - PAGE_4K, 1, (start - PAGE_4K) | WB | ALL);
	expect(start, 1, (start + 8 * PAGE_2M) | WB | SLAT_READ | DECIDED);
	expect(3 * PAGE_2M, 2, (11 * PAGE_2M) | WB | LARGE | SLAT_READ | DECIDED);
	expect(4 * PAGE_2M, 1, (12 * PAGE_2M) | WB | SLAT_READ | DECIDED);
	expect(4 * PAGE_2M + PAGE_4K, 1, (4 * PAGE_2M + PAGE_4K) | WB | ALL);
	down();
}

Test(ept_space, a_page_has_the_memory_type_of_where_it_leads)
{
	host_up();
	cr_assert_eq(slat_map(slat_host(), 0x5000, HOLE, PAGE_4K, ALL), 0);
	expect(0x5000, 1, HOLE | UC | ALL | DECIDED);
	cr_assert_eq(slat_map(slat_host(), 8 * PAGE_2M, HOLE & ~(PAGE_2M - 1), PAGE_2M, ALL), 0);
	expect(8 * PAGE_2M + (HOLE & (PAGE_2M - 1)), 1, HOLE | UC | ALL | DECIDED);
	expect(8 * PAGE_2M + PAGE_4K, 1, ((HOLE & ~(PAGE_2M - 1)) + PAGE_4K) | WB | ALL | DECIDED);
	cr_assert_eq(slat_map(slat_host(), 10 * PAGE_2M, ELSEWHERE + PAGE_4K, PAGE_2M, ALL), 0);
	expect(10 * PAGE_2M, 1, (ELSEWHERE + PAGE_4K) | WB | ALL | DECIDED);
	down();
}

/* Where nobody has been yet. */
Test(ept_space, a_trap_of_more_than_one_memory_type)
{
	const uint64_t start = 3 * PAGE_1G;

	host_up();
	hole = start + 5 * PAGE_4K;
	cr_assert_eq(slat_trap(slat_host(), start, 2 * PAGE_2M, SLAT_READ), 0);
	expect(start, 1, start | WB | SLAT_READ | DECIDED);
	expect(hole, 1, hole | UC | SLAT_READ | DECIDED);
	expect(start + PAGE_2M, 2, (start + PAGE_2M) | WB | LARGE | SLAT_READ | DECIDED);
	down();
}

Test(ept_space, a_trap_leaves_where_a_region_leads)
{
	host_up();
	cr_assert_eq(slat_map(slat_host(), 8 * PAGE_2M, ELSEWHERE, PAGE_2M, ALL), 0);
	cr_assert_eq(slat_trap(slat_host(), 8 * PAGE_2M + PAGE_4K, 2 * PAGE_4K, SLAT_READ), 0);
	leads(slat_host(), 8 * PAGE_2M, ELSEWHERE, ALL);
	leads(slat_host(), 8 * PAGE_2M + PAGE_4K, ELSEWHERE + PAGE_4K, SLAT_READ);
	leads(slat_host(), 8 * PAGE_2M + 2 * PAGE_4K, ELSEWHERE + 2 * PAGE_4K, SLAT_READ);
	leads(slat_host(), 8 * PAGE_2M + 3 * PAGE_4K, ELSEWHERE + 3 * PAGE_4K, ALL);
	cr_assert_eq(slat_trap(slat_host(), 9 * PAGE_2M, PAGE_2M, 0), 0);
	expect(9 * PAGE_2M, 2, (9 * PAGE_2M) | WB | LARGE | DECIDED);
	down();
}

/* Whatever it took: afterwards the tables are as if nobody had been there, and their pages serve again. */
Test(ept_space, what_is_restored_is_one_page_again)
{
	unsigned int pages;

	plain_up();
	cr_assert_eq(slat_trap(slat_host(), 8 * PAGE_2M + PAGE_4K, PAGE_4K, 0), 0);
	cr_assert_eq(slat_restore(slat_host(), 8 * PAGE_2M, PAGE_2M), 0);
	expect(8 * PAGE_2M + PAGE_4K, 2, (8 * PAGE_2M) | WB | LARGE | ALL);
	pages = in_use();
	for (unsigned int i = 0; i < 100; i++) {
		const uint64_t gpa = (8 + i % 50) * PAGE_2M + i * PAGE_4K;

		cr_assert_eq(slat_trap(slat_host(), gpa, PAGE_4K, 0), 0);
		cr_assert_eq(slat_trap(slat_host(), gpa + PAGE_4K, PAGE_4K, SLAT_READ), 0);
		cr_assert_eq(slat_restore(slat_host(), gpa, PAGE_4K), 0);
		expect(gpa, 1, gpa | WB | ALL);
		cr_assert_eq(slat_restore(slat_host(), gpa + PAGE_4K, PAGE_4K), 0);
		expect(gpa, 2, (gpa & ~(PAGE_2M - 1)) | WB | LARGE | ALL);
	}
	cr_expect_eq(in_use(), pages, "%u pages more", in_use() - pages);
	down();
}

/* Another CPU may walk it. */
Test(ept_space, a_table_does_not_serve_again_before_all_have_flushed)
{
	unsigned int pages;
	uint64_t *t;

	plain_up();
	cr_assert_eq(slat_trap(slat_host(), 8 * PAGE_2M, PAGE_4K, 0), 0);
	t = table_at(slat_host(), 8 * PAGE_2M, 1);
	pages = in_use();
	flush_waits = true;
	cr_assert_eq(slat_restore(slat_host(), 8 * PAGE_2M, PAGE_4K), 0);
	cr_assert_eq(slat_trap(slat_host(), 9 * PAGE_2M, PAGE_4K, 0), 0);
	cr_expect_neq(table_at(slat_host(), 9 * PAGE_2M, 1), t);
	cr_expect_eq(in_use(), pages + 1);
	for (unsigned int i = 0; i < EPT_ENTRIES; i++)
		cr_expect_eq(t[i], (8 * PAGE_2M + i * PAGE_4K) | WB | ALL, "entry %u", i);
	flush_waits = false;
	cr_assert_eq(slat_trap(slat_host(), 10 * PAGE_2M, PAGE_4K, 0), 0);
	cr_expect_eq(table_at(slat_host(), 10 * PAGE_2M, 1), t);
	cr_expect_eq(in_use(), pages + 1);
	down();
}

/* ... nor ever, if who asked for that could not flush itself. */
Test(ept_space, a_table_of_a_flush_that_failed_is_not_used_again)
{
	uint64_t *t;

	plain_up();
	cr_assert_eq(slat_trap(slat_host(), 8 * PAGE_2M, PAGE_4K, 0), 0);
	t = table_at(slat_host(), 8 * PAGE_2M, 1);
	flush_fails = true;
	cr_assert_eq(slat_restore(slat_host(), 8 * PAGE_2M, PAGE_4K), 0);
	flush_fails = false;
	cr_assert_eq(slat_trap(slat_host(), 9 * PAGE_2M, PAGE_4K, 0), 0);
	cr_expect_neq(table_at(slat_host(), 9 * PAGE_2M, 1), t);
	down();
}

/* More tables than can wait for a flush stay where they are. */
Test(ept_space, tables_that_cannot_be_noted_stay)
{
	host_up();
	flush_waits = true;
	for (uint64_t i = 8; i < 8 + RETIRED_MAX + 2; i++)
		cr_assert_eq(slat_trap(slat_host(), i * PAGE_2M, PAGE_4K, 0), 0);
	for (uint64_t i = 8; i < 8 + RETIRED_MAX + 2; i++)
		cr_assert_eq(slat_restore(slat_host(), i * PAGE_2M, PAGE_4K), 0);
	expect((8 + RETIRED_MAX - 1) * PAGE_2M, 2, (8 + RETIRED_MAX - 1) * PAGE_2M | WB | LARGE | ALL);
	expect((8 + RETIRED_MAX) * PAGE_2M, 1, (8 + RETIRED_MAX) * PAGE_2M | WB | ALL);
	down();
}

Test(ept_space, a_table_that_memory_types_need_stays)
{
	host_up();
	cr_assert_eq(slat_trap(slat_host(), HOLE, PAGE_4K, 0), 0);
	cr_assert_eq(slat_restore(slat_host(), HOLE, PAGE_4K), 0);
	expect(HOLE, 1, HOLE | UC | ALL);
	down();
}

Test(ept_space, a_restore_splits_nothing)
{
	unsigned int pages;

	host_up();
	pages = in_use();
	cr_assert_eq(slat_restore(slat_host(), 0, 2 * PAGE_1G), 0);
	expect(0x5000, 2, WB | LARGE | ALL);
	expect(PAGE_1G + 100 * PAGE_2M, 2, (PAGE_1G + 100 * PAGE_2M) | WB | LARGE | ALL);
	cr_expect_eq(in_use(), pages);
	down();
}

Test(ept_space, what_the_vmm_hides_nobody_changes)
{
	host_up();
	cr_expect_eq(slat_trap(slat_host(), VMM, PAGE_4K, ALL), PLINTH_E_INVAL);
	cr_expect_eq(slat_map(slat_host(), VMM, VMM, PAGE_4K, ALL), PLINTH_E_INVAL);
	cr_expect_eq(slat_map(slat_host(), VMM, ELSEWHERE, PAGE_4K, ALL), PLINTH_E_INVAL);
	cr_expect_eq(slat_map(slat_host(), 0, VMM, PAGE_4K, ALL), PLINTH_E_INVAL, "nor is it had elsewhere");
	cr_expect_eq(slat_map(slat_host(), 8 * PAGE_2M, VMM & ~(PAGE_2M - 1), PAGE_2M, ALL), PLINTH_E_INVAL);
	expect(8 * PAGE_2M, 2, (8 * PAGE_2M) | WB | LARGE | ALL);
	cr_expect_eq(slat_restore(slat_host(), 0, PAGE_1G), 0);
	leads(slat_host(), VMM, SCRATCH, SLAT_READ | SLAT_WRITE);
	down();
}

/* A change of many pages that finds no memory in the middle has changed none. */
Test(ept_space, all_of_a_region_or_nothing)
{
	host_up();
	left = 2;
	cr_expect_eq(slat_trap(slat_host(), 9 * PAGE_2M - PAGE_4K, 3 * PAGE_2M, SLAT_READ), 0, "two tables");
	cr_expect_eq(slat_trap(slat_host(), 20 * PAGE_2M - PAGE_4K, 2 * PAGE_4K, SLAT_READ), PLINTH_E_NOMEM);
	leads(slat_host(), 20 * PAGE_2M - PAGE_4K, 20 * PAGE_2M - PAGE_4K, ALL);
	left = 1;
	cr_expect_eq(slat_map(slat_host(), 30 * PAGE_2M - PAGE_4K, ELSEWHERE - PAGE_4K, PAGE_2M, 0),
		     PLINTH_E_NOMEM);
	leads(slat_host(), 30 * PAGE_2M - PAGE_4K, 30 * PAGE_2M - PAGE_4K, ALL);
	leads(slat_host(), 30 * PAGE_2M, 30 * PAGE_2M, ALL);
	left = PAGES - in_use();
	down();
}

Test(ept_space, regions_that_are_none)
{
	const uint64_t reach = 1ull << 39;
	uint64_t hpa;
	uint32_t access;

	host_up();
	cr_expect_eq(slat_trap(slat_host(), 0, 0, 0), PLINTH_E_INVAL);
	cr_expect_eq(slat_trap(slat_host(), 0, 100, 0), PLINTH_E_INVAL);
	cr_expect_eq(slat_trap(slat_host(), reach - PAGE_4K, 2 * PAGE_4K, 0), PLINTH_E_INVAL);
	cr_expect_eq(slat_trap(slat_host(), PAGE_4K, ~0ull << 12, 0), PLINTH_E_INVAL);
	cr_expect_eq(slat_map(slat_host(), 0, reach - PAGE_4K, 2 * PAGE_4K, 0), PLINTH_E_INVAL);
	cr_expect_eq(slat_trap(NULL, 0, PAGE_4K, 0), PLINTH_E_INVAL);
	cr_expect_eq(slat_restore(NULL, 0, PAGE_4K), PLINTH_E_INVAL);
	cr_expect_eq(slat_get(NULL, 0, &hpa, &access), PLINTH_E_FAULT);
	cr_expect_eq(slat_get(slat_host(), reach, &hpa, &access), PLINTH_E_FAULT);
	down();
}

/* -- others' ---------------------------------------------------------------------------------- */

Test(ept_space, another_guest_has_what_it_was_given)
{
	both_up(8);
	leads_nowhere(other, 0);
	cr_assert_eq(slat_map(other, PAGE_2M, ELSEWHERE, 2 * PAGE_2M, SLAT_READ | SLAT_WRITE), 0);
	cr_assert_eq(slat_map(other, 0, 0x7000, PAGE_4K, ALL), 0);
	leads(other, 0, 0x7000, ALL);
	leads_nowhere(other, PAGE_4K);
	leads(other, 2 * PAGE_2M + 0x3000, ELSEWHERE + PAGE_2M + 0x3000, SLAT_READ | SLAT_WRITE);
	leads(slat_host(), PAGE_2M, PAGE_2M, ALL);
	cr_expect_eq(slat_trap(other, PAGE_4K, PAGE_4K, 0), PLINTH_E_FAULT, "there is nothing");
	cr_assert_eq(slat_trap(other, PAGE_2M + PAGE_4K, PAGE_4K, SLAT_READ), 0);
	leads(other, PAGE_2M + PAGE_4K, ELSEWHERE + PAGE_4K, SLAT_READ);
	leads(other, PAGE_2M + 2 * PAGE_4K, ELSEWHERE + 2 * PAGE_4K, SLAT_READ | SLAT_WRITE);
	cr_assert_eq(slat_restore(other, PAGE_2M, 2 * PAGE_2M), 0);
	leads_nowhere(other, PAGE_2M + PAGE_4K);
	leads_nowhere(other, 2 * PAGE_2M);
	cr_expect_eq(table_at(other, PAGE_2M, 1), NULL, "its table is gone");
	both_down();
}

Test(ept_space, another_guests_large_page)
{
	uint64_t hpa = 0;
	uint32_t access = 0;

	both_up(8);
	cr_expect_eq(slat_restore(other, PAGE_1G, PAGE_2M), 0, "nothing was there");
	leads_nowhere(other, PAGE_1G);
	cr_assert_eq(slat_map(other, PAGE_2M, ELSEWHERE, PAGE_2M, ALL), 0);
	cr_assert_eq(slat_trap(other, PAGE_2M, PAGE_2M, SLAT_READ), 0);
	cr_expect_eq(table_at(other, 0, 2)[1], ELSEWHERE | WB | LARGE | SLAT_READ | DECIDED);
	cr_expect_eq(spaces_ordinary(other, PAGE_2M + PAGE_4K, &hpa, &access), 0);
	cr_expect_eq(hpa, ELSEWHERE + PAGE_4K);
	cr_expect_eq(access, SLAT_READ);
	cr_expect_eq(spaces_ordinary(other, 0, &hpa, &access), PLINTH_E_FAULT);
	cr_expect_eq(hpa, ELSEWHERE + PAGE_4K, "as it was");
	both_down();
}

Test(ept_space, another_guest_never_gets_the_vmm)
{
	both_up(8);
	cr_expect_eq(slat_map(other, 0, VMM, PAGE_4K, SLAT_READ), PLINTH_E_INVAL);
	cr_expect_eq(slat_map(other, 0, 4 * PAGE_2M, 2 * PAGE_2M, SLAT_READ), PLINTH_E_INVAL);
	leads_nowhere(other, 0);
	both_down();
}

/* Its tables come from its own pages: what it does takes none of the machine's. */
Test(ept_space, another_guest_has_its_own_memory_for_tables)
{
	unsigned int pages;

	both_up(4);
	pages = in_use();
	cr_expect_eq(slat_map(other, 0, 0x7000, PAGE_4K, ALL), 0, "three tables below the top");
	cr_expect_eq(slat_map(other, PAGE_2M, 0x7000, PAGE_4K, ALL), PLINTH_E_NOMEM);
	cr_expect_eq(slat_map(other, PAGE_2M, ELSEWHERE, PAGE_2M, ALL), 0, "a large page takes none");
	cr_expect_eq(slat_restore(other, 0, PAGE_4K), 0);
	cr_expect_eq(slat_map(other, 2 * PAGE_2M, 0x7000, PAGE_4K, ALL), 0, "the table serves again");
	leads_nowhere(other, 0);
	leads_nowhere(other, 2 * PAGE_2M + PAGE_4K);
	cr_expect_eq(in_use(), pages);
	both_down();
}

Test(ept_space, memory_for_another_space_runs_out)
{
	unsigned int pages;

	host_up();
	pages = in_use();
	cr_expect_eq(slat_create(0, &other), PLINTH_E_NOMEM);
	for (left = 0; left < 5; left++) {
		const unsigned int before = left;

		cr_expect_eq(slat_create(5, &other), PLINTH_E_NOMEM, "%u pages", before);
		cr_expect_eq(left, before);
	}
	left = PAGES - pages;
	cr_expect_eq(in_use(), pages);
	cr_expect_eq(slat_create(5, &other), 0);
	both_down();
}

/* What memory types make of a page that was decided about is a matter of where it leads. */
Test(ept_space, types_that_change_do_so_in_all_spaces)
{
	both_up(8);
	cr_assert_eq(slat_map(other, 0, 0x7000, PAGE_4K, SLAT_READ), 0);
	cr_assert_eq(slat_map(other, PAGE_2M, ELSEWHERE, PAGE_2M, ALL), 0);
	cr_assert_eq(slat_map(slat_host(), 8 * PAGE_2M, ELSEWHERE, PAGE_2M, ALL), 0);
	usual = TYPE_WT;
	odd = TYPE_UC;
	hole = ELSEWHERE + 3 * PAGE_4K;
	spaces_retype();
	expect(8 * PAGE_2M, 2, ELSEWHERE | UC | LARGE | ALL | DECIDED);
	cr_expect_eq(table_at(other, 0, 1)[0], 0x7000 | WT | SLAT_READ | DECIDED);
	cr_expect_eq(table_at(other, 0, 2)[1], ELSEWHERE | UC | LARGE | ALL | DECIDED,
		     "two types in it: slow, never wrong");
	both_down();
}

/* The one that was there first goes first: the later one is not lost. */
Test(ept_space, several_others)
{
	struct slat_space *later;

	both_up(8);
	cr_assert_eq(slat_create(8, &later), 0);
	cr_assert_eq(slat_map(later, 0, 0x7000, PAGE_4K, SLAT_READ), 0);
	slat_destroy(NULL);
	slat_destroy(other);
	usual = odd = TYPE_WT;
	spaces_retype();
	cr_expect_eq(table_at(later, 0, 1)[0], 0x7000 | WT | SLAT_READ | DECIDED);
	slat_destroy(later);
	down();
}

Test(ept_space, without_second_level_translation)
{
	host_up();
	no_host = true;
	other = NULL;
	cr_expect_eq(slat_create(8, &other), PLINTH_E_NOTSUP);
	cr_expect_eq(other, NULL);
	no_host = false;
	down();
}
