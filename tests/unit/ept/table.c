/* SPDX-License-Identifier: MIT */
/*
 * The paging structures that all CPUs share: the largest pages that the memory types allow, split where one
 * page is decided about; what is there is never written over.
 */
#include "fake.h"

Test(ept_table, pages_as_large_as_the_types_allow)
{
	fresh(true, 39, 8);
	cr_assert_eq(direct_prepare(slat_host(), 0, 4 * PAGE_1G), 0);
	expect(0x12345000, 3, WB | LARGE | ALL);
	expect(PAGE_1G + 5 * PAGE_2M, 2, (PAGE_1G + 5 * PAGE_2M) | WB | LARGE | ALL);
	expect(HOLE, 1, HOLE | UC | ALL);
	expect(HOLE + PAGE_4K, 1, (HOLE + PAGE_4K) | WB | ALL);
	expect(3 * PAGE_1G, 3, 3 * PAGE_1G | WB | LARGE | ALL);
	down();
}

Test(ept_table, without_pages_of_a_gib)
{
	fresh(false, 39, 8);
	cr_assert_eq(direct_prepare(slat_host(), 0, 2 * PAGE_1G), 0);
	expect(0x12345000, 2, 0x12200000 | WB | LARGE | ALL);
	expect(HOLE, 1, HOLE | UC | ALL);
	expect(2 * PAGE_1G, 3, 0);
	down();
}

/*
 * Memory has its tables from the pool, whatever the guest has used up; types alone come from the spare pages.
 */
Test(ept_table, where_tables_come_from)
{
	unsigned int before;

	fresh(false, 39, 2);
	before = in_use();
	cr_assert_eq(direct_prepare(slat_host(), 0, 3 * PAGE_1G), 0);
	cr_expect_eq(in_use() - before, 4, "one for the region, one for each GiB");
	cr_assert_eq(direct_map(slat_host(), 4 * PAGE_1G), 0, "one spare page is left");
	cr_expect_eq(in_use() - before, 4);
	cr_expect_eq(direct_map(slat_host(), 5 * PAGE_1G), PLINTH_E_NOMEM);
	expect(5 * PAGE_1G, 3, 0);
	down();
}

Test(ept_table, types_without_a_page_for_a_table)
{
	fresh(false, 39, 0);
	cr_assert_eq(direct_prepare(slat_host(), 0, 2 * PAGE_1G), 0);
	expect(HOLE, 2, (HOLE & ~(PAGE_2M - 1)) | UC | LARGE | ALL);
	expect(HOLE + PAGE_2M, 2, ((HOLE + PAGE_2M) & ~(PAGE_2M - 1)) | WB | LARGE | ALL);
	down();
	fresh(true, 39, 0);
	cr_assert_eq(direct_prepare(slat_host(), 0, 2 * PAGE_1G), 0);
	expect(HOLE, 3, PAGE_1G | UC | LARGE | ALL);
	down();
}

Test(ept_table, as_far_as_the_cpu_names_addresses)
{
	static const unsigned int widths[] = {30, 36, 39, 40, 42, 46, 48, 52};

	for (size_t i = 0; i < 2 * sizeof(widths) / sizeof(widths[0]); i++) {
		unsigned int bits = widths[i / 2];
		uint64_t last = (1ull << bits) - PAGE_4K, hpa;
		uint32_t access;

		fresh(i % 2, bits, 8);
		cr_expect_eq(slat_get(slat_host(), last, &hpa, &access), 0, "%u bits", bits);
		cr_expect(hpa == last && access == ALL, "%u bits: what nobody has touched", bits);
		cr_expect_eq(direct_map(slat_host(), last), 0, "%u bits", bits);
		cr_expect_eq(direct_map(slat_host(), last + PAGE_4K), PLINTH_E_FAULT, "%u bits", bits);
		cr_assert_eq(window_follow(0, last), 0);
		cr_expect(sees(0, last), "%u bits", bits);
		cr_expect_eq(slat_map(slat_host(), last, last, 4096, SLAT_READ), 0, "%u bits", bits);
		cr_expect_eq(slat_map(slat_host(), last + PAGE_4K, 0, 4096, SLAT_READ), PLINTH_E_INVAL,
			     "%u bits", bits);
		cr_expect_eq(slat_map(slat_host(), 0, last + PAGE_4K, 4096, SLAT_READ), PLINTH_E_INVAL,
			     "%u bits", bits);
		cr_expect_eq(slat_get(slat_host(), last + PAGE_4K, &hpa, &access), PLINTH_E_FAULT);
		cr_expect_leq(in_use(), 1 + 8 + 2 * PLINTH_SLAT_SEAT_PAGES + 4,
			      "%u bits: tables for all of it", bits);
		down();
	}
}

/* No page beyond the reach is written into a table, where it would be a misconfiguration. */
Test(ept_table, nothing_beyond)
{
	fresh(true, 36, 8);
	cr_assert_eq(direct_map(slat_host(), 0), 0);
	expect((1ull << 36) - PAGE_1G, 3, ((1ull << 36) - PAGE_1G) | WB | LARGE | ALL);
	expect(1ull << 36, 3, 0);
	table_reach(1ull << 37);
	cr_assert_eq(direct_map(slat_host(), 1ull << 36), 0, "the CPU names more now");
	expect(1ull << 36, 3, 1ull << 36 | WB | LARGE | ALL);
	down();
	fresh(true, 36, 8);
	cr_assert_eq(direct_prepare(slat_host(), (1ull << 36) - PAGE_1G, 1ull << 38), 0);
	expect(1ull << 36, 3, 0);
	down();
}

Test(ept_table, one_page_decided_about)
{
	uint64_t hpa;
	uint32_t access;

	fresh(true, 39, 8);
	cr_assert_eq(direct_prepare(slat_host(), 0, 2 * PAGE_1G), 0);
	cr_assert_eq(slat_map(slat_host(), 0x5000, 0x777000, 4096, SLAT_READ), 0);
	expect(0x5000, 1, 0x777000 | WB | SLAT_READ | DECIDED);
	expect(0x6000, 1, 0x6000 | WB | ALL);
	expect(PAGE_2M, 2, PAGE_2M | WB | LARGE | ALL);
	cr_expect_eq(slat_get(slat_host(), 0x5123, &hpa, &access), 0);
	cr_expect_eq(hpa, 0x777000);
	cr_expect_eq(access, SLAT_READ);
	cr_expect_eq(slat_get(slat_host(), 0x3ff0000, &hpa, &access), 0, "in a page of 2 MiB");
	cr_expect_eq(hpa, 0x3ff0000);
	cr_expect_eq(access, ALL);
	cr_expect_eq(slat_map(slat_host(), HOLE, HOLE, 4096, SLAT_WRITE | SLAT_READ), 0);
	expect(HOLE, 1, HOLE | UC | SLAT_WRITE | SLAT_READ | DECIDED);
	down();
}

Test(ept_table, a_page_of_a_gib_is_looked_into)
{
	uint64_t hpa;
	uint32_t access;

	fresh(true, 39, 8);
	cr_assert_eq(direct_prepare(slat_host(), 0, PAGE_1G), 0);
	cr_expect_eq(slat_get(slat_host(), 0x3ff5000, &hpa, &access), 0);
	cr_expect_eq(hpa, 0x3ff5000);
	cr_expect_eq(slat_get(slat_host(), 5 * PAGE_1G + 0x123, &hpa, &access), 0,
		     "what the guest gets when it touches it");
	cr_expect_eq(hpa, 5 * PAGE_1G);
	cr_expect_eq(access, ALL);
	down();
}

/* What somebody decided about stays, whatever the guest touches around it, and before or after. */
Test(ept_table, a_trapped_page_stays_trapped)
{
	for (unsigned int large = 0; large < 2; large++) {
		for (unsigned int first = 0; first < 2; first++) {
			uint64_t gpa = 5 * PAGE_1G + 7 * PAGE_2M + 0x9000, hpa;
			uint32_t access;

			fresh(large, 39, 8);
			if (first)
				cr_assert_eq(direct_map(slat_host(), gpa + PAGE_4K), 0);
			cr_assert_eq(slat_map(slat_host(), gpa, gpa, 4096, 0), 0);
			cr_assert_eq(direct_map(slat_host(), gpa), 0);
			cr_assert_eq(direct_map(slat_host(), gpa + PAGE_4K), 0);
			cr_assert_eq(direct_map(slat_host(), gpa + PAGE_2M), 0);
			cr_assert_eq(direct_prepare(slat_host(), 5 * PAGE_1G, 6 * PAGE_1G), 0);
			expect(gpa, 1, gpa | WB | DECIDED);
			expect(gpa + PAGE_4K, 1, (gpa + PAGE_4K) | WB | ALL);
			expect(gpa + PAGE_2M, 2, ((gpa + PAGE_2M) & ~(PAGE_2M - 1)) | WB | LARGE | ALL);
			cr_expect_eq(slat_get(slat_host(), gpa, &hpa, &access), 0);
			cr_expect_eq(access, 0);
			cr_expect_eq(slat_map(slat_host(), gpa, gpa, 4096, ALL), 0, "and is given free");
			expect(gpa, 1, gpa | WB | ALL | DECIDED);
			down();
		}
	}
}

Test(ept_table, refuses)
{
	uint64_t hpa;
	uint32_t access;

	fresh(true, 48, 0);
	cr_expect_eq(slat_map(slat_host(), 0x5001, 0x5000, 4096, SLAT_READ), PLINTH_E_INVAL);
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5010, 4096, SLAT_READ), PLINTH_E_INVAL);
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5000, 4096, 8), PLINTH_E_INVAL);
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5000, 4096, SLAT_WRITE), PLINTH_E_INVAL,
		     "a misconfiguration");
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5000, 4096, SLAT_WRITE | SLAT_EXECUTE), PLINTH_E_INVAL,
		     "a misconfiguration");
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5000, 4096, SLAT_EXECUTE), PLINTH_E_NOTSUP);
	cr_expect_eq(table_find(slat_host(), 0x5000, &access), 0, "nothing was made");
	down();
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5000, 4096, SLAT_READ), PLINTH_E_INVAL,
		     "there is no table");
	cr_expect_eq(slat_get(slat_host(), 0x5000, &hpa, &access), PLINTH_E_FAULT);
	clean(true, 48);
	kind.execute_only = true;
	cr_assert_eq(up(0, 1), 0);
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5000, 4096, SLAT_EXECUTE), 0);
	expect(0x5000, 1, 0x5000 | WB | SLAT_EXECUTE | DECIDED);
	down();
}

Test(ept_table, a_page_that_cannot_be_translated_is_no_table)
{
	fresh(true, 39, 4);
	untranslatable = true;
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5000, 4096, SLAT_READ), PLINTH_E_NOMEM);
	cr_expect_eq(direct_map(slat_host(), 0), 0, "where a spare page lies is known");
	down();
	clean(true, 39);
	untranslatable = true;
	cr_expect_eq(up(0, 1), PLINTH_E_NOMEM);
	down();
}

/* At every page: what there is stays valid, and all of it is freed. */
Test(ept_table, memory_runs_out)
{
	unsigned int n = 0;
	int err;

	do {
		clean(false, 39);
		left = n;
		err = up(3, 2);
		if (!err)
			err = direct_prepare(slat_host(), 0, 3 * PAGE_1G);
		if (!err)
			err = slat_map(slat_host(), 0x5000, 0x5000, 4096, SLAT_READ);
		if (err)
			cr_expect_eq(err, PLINTH_E_NOMEM, "%u pages", n);
		down();
		cr_assert_lt(n++, PAGES);
	} while (err);
	cr_expect_eq(n - 1, 1 + 3 + 2 * PLINTH_SLAT_SEAT_PAGES + 4 + 1);
}

/* A split must not change what another CPU translates meanwhile. */
Test(ept_table, a_split_that_fails_leaves_the_large_page)
{
	fresh(true, 39, 0);
	cr_assert_eq(direct_prepare(slat_host(), 0, PAGE_1G), 0);
	left = 0;
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5000, 4096, SLAT_READ), PLINTH_E_NOMEM);
	expect(0x5000, 3, WB | LARGE | ALL);
	left = 1;
	cr_expect_eq(slat_map(slat_host(), 0x5000, 0x5000, 4096, SLAT_READ), PLINTH_E_NOMEM);
	expect(0x5000, 2, WB | LARGE | ALL);
}

/* -- types that change ------------------------------------------------------------------------ */

Test(ept_table, types_that_change)
{
	fresh(true, 39, 8);
	cr_assert_eq(direct_prepare(slat_host(), 0, 3 * PAGE_1G), 0);
	cr_assert_eq(slat_map(slat_host(), 0x5000, 0x777000, 4096, SLAT_READ), 0);
	cr_assert_eq(slat_map(slat_host(), 0x6000, 0x6000, 4096, 0), 0);
	usual = TYPE_WT;
	odd = TYPE_WB;
	hole = 2 * PAGE_1G + PAGE_2M;
	spaces_retype();
	expect(0x5000, 1, 0x777000 | WT | SLAT_READ | DECIDED);
	expect(0x6000, 1, 0x6000 | WT | DECIDED);
	expect(0x7000, 1, 0x7000 | WT | ALL);
	expect(HOLE, 1, HOLE | WT | ALL);
	expect(PAGE_1G + 7 * PAGE_2M, 2, (PAGE_1G + 7 * PAGE_2M) | WT | LARGE | ALL);
	expect(hole, 2, 0);
	cr_assert_eq(direct_map(slat_host(), hole), 0, "once somebody touches it");
	expect(hole, 1, hole | WB | ALL);
	expect(hole + PAGE_2M, 2, ((hole + PAGE_2M) & ~(PAGE_2M - 1)) | WT | LARGE | ALL);
	expect(3 * PAGE_1G, 3, 3 * PAGE_1G | WT | LARGE | ALL);
	down();
}

/*
 * As often as a guest likes: in the end there is no page for a table, and the types stay right or uncached.
 */
Test(ept_table, types_that_change_for_ever)
{
	fresh(true, 39, 4);
	cr_assert_eq(direct_prepare(slat_host(), 0, 64 * PAGE_1G), 0);
	for (unsigned int i = 0; i < 64; i++) {
		unsigned int level;
		uint64_t entry;

		hole = i * PAGE_1G + 5 * PAGE_2M;
		spaces_retype();
		cr_assert_eq(direct_map(slat_host(), hole), 0);
		entry = walk(hole, &level);
		cr_expect_eq(entry & (7 << 3), UC, "GiB %u", i);
		entry = walk(((i + 1) % 64) * PAGE_1G, &level);
		cr_expect_eq(entry & (7 << 3), WB, "GiB %u", i);
	}
	down();
}

Test(ept_table, what_cannot_be_hidden)
{
	unsigned int pages;

	fresh(true, 39, 0);
	cr_expect_eq(hidden_add(slat_host(), 1ull << 39, PAGE_4K, 0x99000, SLAT_READ), PLINTH_E_INVAL);
	pages = in_use();
	left = 0;
	cr_expect_eq(hidden_add(slat_host(), 4 * PAGE_2M - PAGE_4K, 2 * PAGE_4K, 0x99000, SLAT_READ),
		     PLINTH_E_NOMEM);
	cr_expect_eq(in_use(), pages);
	left = PAGES - pages;
	down();
}
