/* SPDX-License-Identifier: MIT */
/* What a CPU maps for itself when there are no pages left: seats, and windows in them. */
#include "fake.h"

/* One region after the other, each reached at once, through tables that never become more. */
static void touch_regions(bool large, unsigned int bits, uint64_t step)
{
	unsigned int used;

	fresh(large, bits, 0);
	cr_assert_eq(direct_prepare(slat_host(), 0, PAGE_1G), 0);
	used = in_use();
	for (uint64_t gpa = step + 0x7000; gpa < 1ull << bits && gpa < 60 * step; gpa += step) {
		cr_assert_eq(direct_map(slat_host(), gpa), PLINTH_E_NOMEM);
		cr_assert_eq(window_open(0, gpa), 0, "%u bits, 0x%llx", bits, (unsigned long long)gpa);
		cr_expect(sees(0, gpa), "%u bits, 0x%llx", bits, (unsigned long long)gpa);
		cr_expect(sees(0, 0x12345000), "memory stays");
		cr_expect(!sees(1, gpa), "another CPU has nothing to forget");
	}
	cr_expect_eq(in_use(), used);
	cr_expect_geq(flushes, 10);
	down();
}

Test(ept_window, region_after_region)
{
	touch_regions(true, 46, REGION);
	touch_regions(true, 52, REGION);
	touch_regions(true, 52, 1ull << 48);
	touch_regions(false, 39, PAGE_1G);
	touch_regions(false, 46, PAGE_1G);
	touch_regions(false, 46, REGION);
}

/*
 * Before a table serves another region the CPU has forgotten it; that it refuses to means that it stays
 * unused.
 */
Test(ept_window, without_a_flush_no_table_is_used_again)
{
	fresh(false, 46, 0);
	cr_assert_eq(direct_prepare(slat_host(), 0, PAGE_1G), 0);
	cr_assert_eq(window_open(0, 5 * PAGE_1G), 0);
	cr_expect_eq(flushes, 1, "somebody may have had the seat before");
	no_flush = true;
	cr_expect_eq(window_open(0, 6 * PAGE_1G), PLINTH_E_VIRT);
	cr_expect(!sees(0, 5 * PAGE_1G));
	cr_expect(!sees(0, 6 * PAGE_1G));
	cr_expect(sees(0, 0));
	cr_expect_eq(window_open(0, 6 * PAGE_1G), PLINTH_E_VIRT, "and again");
	no_flush = false;
	cr_expect_eq(window_open(0, 6 * PAGE_1G), 0);
	cr_expect(sees(0, 6 * PAGE_1G));
	down();
}

/* Two at a time where a window takes one table. */
Test(ept_window, two_regions_at_once)
{
	fresh(true, 46, 0);
	cr_assert_eq(window_open(0, 5 * REGION), 0);
	cr_assert_eq(window_open(0, 6 * REGION), 0);
	cr_expect(sees(0, 5 * REGION) && sees(0, 6 * REGION));
	cr_assert_eq(window_open(0, 7 * REGION), 0);
	cr_expect(!sees(0, 5 * REGION) && sees(0, 6 * REGION) && sees(0, 7 * REGION));
	down();
}

/* What a seat has was copied; what the shared tables got since then is followed. */
Test(ept_window, gives_way_to_the_shared_tables)
{
	fresh(false, 46, 1);
	cr_assert_eq(direct_prepare(slat_host(), 0, PAGE_1G), 0);
	cr_expect_eq(window_follow(0, 0), 0, "without a seat there is nothing to follow");
	cr_assert_eq(window_open(0, 5 * PAGE_1G), 0);
	cr_assert_eq(direct_map(slat_host(), 9 * PAGE_1G), 0);
	cr_expect(!sees(0, 9 * PAGE_1G));
	cr_assert_eq(window_follow(0, 9 * PAGE_1G), 0);
	cr_expect(sees(0, 9 * PAGE_1G));
	cr_expect(!sees(0, 5 * PAGE_1G));
	cr_assert_eq(window_open(0, 5 * PAGE_1G), 0);
	cr_expect(sees(0, 9 * PAGE_1G) && sees(0, 5 * PAGE_1G) && sees(0, 0));
	cr_assert_eq(slat_map(slat_host(), 5 * PAGE_1G, 5 * PAGE_1G, 4096, 0), 0);
	cr_assert_eq(window_close(0), 0);
	cr_expect(!sees(0, 5 * PAGE_1G), "decided about, and this CPU flushes");
	cr_expect(sees(0, 5 * PAGE_1G + PAGE_4K));
	cr_expect_eq(window_close(0), 0, "and has no seat any more");
	down();
}

/* A fault that another CPU has seen to meanwhile closes nothing. */
Test(ept_window, stays_when_nothing_is_in_its_way)
{
	fresh(true, 46, 1);
	cr_assert_eq(direct_map(slat_host(), 9 * REGION), 0);
	cr_assert_eq(window_open(0, 5 * REGION), 0);
	cr_assert_eq(window_follow(0, 9 * REGION), 0);
	cr_expect(sees(0, 5 * REGION) && sees(0, 9 * REGION));
	down();
}

Test(ept_window, types_without_tables_are_uncached)
{
	unsigned int level;

	fresh(true, 46, 0);
	hole = 5 * REGION + 7 * PAGE_1G + PAGE_2M;
	cr_assert_eq(window_open(0, 5 * REGION), 0);
	cr_expect_eq(walk_from(eptp, hole, &level), 5 * REGION + 7 * PAGE_1G + (UC | LARGE | ALL));
	cr_expect_eq(walk_from(eptp, 5 * REGION, &level), 5 * REGION + (WB | LARGE | ALL));
	down();
}

/* Five levels and no pages of 1 GiB: three tables a window, which nobody has. */
Test(ept_window, too_deep)
{
	fresh(false, 52, 0);
	cr_expect_eq(window_open(0, 5 * REGION), PLINTH_E_NOMEM);
	cr_expect_eq(flushes, 0);
	down();
}

#define KEPT (PLINTH_SLAT_SEATS - 1) /* of so many CPUs */

static void crowd(void)
{
	clean(false, 46);
	cr_assert_eq(up(0, MOST_CPUS), 0);
	cr_expect_eq(in_use(), 1 + PLINTH_SLAT_SEATS * PLINTH_SLAT_SEAT_PAGES);
	for (uint32_t cpu = 0; cpu < KEPT; cpu++)
		cr_assert_eq(window_open(cpu, 5 * PAGE_1G), 0);
}

/* A seat is one CPU's until it gives it up, starts anew, or is no guest any more. */
Test(ept_window, more_cpus_than_seats)
{
	crowd();
	cr_expect_eq(window_open(KEPT, 5 * PAGE_1G), PLINTH_E_NOMEM);
	cr_assert_eq(window_close(3), 0);
	cr_expect_eq(window_open(KEPT, 5 * PAGE_1G), 0);
	cr_expect_eq(window_open(3, 5 * PAGE_1G), PLINTH_E_NOMEM);
	window_forget(0);
	window_forget(99);
	cr_expect_eq(window_open(3, 5 * PAGE_1G), 0);
	be(4, PLINTH_CPU_RESET);
	cr_expect_eq(window_open(50, 5 * PAGE_1G), 0);
	cr_expect_eq(window_open(51, 5 * PAGE_1G), PLINTH_E_NOMEM);
	down();
}

/* The last one goes round. */
Test(ept_window, one_seat_is_lent)
{
	crowd();
	for (uint32_t cpu = KEPT; cpu < 20; cpu++) {
		flushes = 0;
		cr_assert_eq(window_open(cpu, 5 * PAGE_1G), PLINTH_E_NOMEM);
		cr_expect_not(window_borrows(cpu));
		cr_assert_eq(window_borrow(cpu), 0);
		cr_expect(window_borrows(cpu));
		cr_assert_eq(window_open(cpu, (100ull + cpu) * PAGE_1G), 0);
		cr_expect_eq(flushes, 1, "what the CPU remembers of the seat");
		cr_expect(sees(0, (100ull + cpu) * PAGE_1G) && !sees(0, (99ull + cpu) * PAGE_1G));
		cr_expect_eq(window_borrow(cpu + 1), PLINTH_E_BUSY);
		cr_expect_eq(window_open(cpu + 1, 5 * PAGE_1G), PLINTH_E_NOMEM);
		cr_assert_eq(window_return(cpu), 0);
		cr_expect_eq(eptp, table_pointer_of(slat_host()->root_pa));
	}
	cr_expect_eq(in_use(), 1 + PLINTH_SLAT_SEATS * PLINTH_SLAT_SEAT_PAGES);
	down();
}

/* What makes way for the shared tables in between is still lent. */
Test(ept_window, what_was_lent_is_closed_first)
{
	crowd();
	cr_assert_eq(window_borrow(9), 0);
	cr_assert_eq(window_open(9, 5 * PAGE_1G), 0);
	cr_assert_eq(window_close(9), 0);
	cr_expect_eq(window_borrow(10), PLINTH_E_BUSY);
	cr_assert_eq(window_open(9, 6 * PAGE_1G), 0);
	no_write = true;
	cr_expect_eq(window_return(9), PLINTH_E_VIRT);
	no_write = false;
	cr_expect(window_borrows(9) && window_borrow(10) == PLINTH_E_BUSY);
	cr_expect_eq(window_return(9), 0);
	cr_expect_eq(window_borrow(10), 0);
	down();
}

/* A borrower that is gone gives nothing back. */
Test(ept_window, a_borrower_that_does_not_come_back)
{
	crowd();
	cr_assert_eq(window_borrow(9), 0);
	cr_assert_eq(window_open(9, 5 * PAGE_1G), 0);
	be(9, PLINTH_CPU_DEAD);
	cr_expect_eq(window_borrow(10), 0);
	cr_expect_eq(window_open(10, 6 * PAGE_1G), 0);
	cr_expect(!window_borrows(9) && window_borrows(10));
	window_forget(10);
	cr_expect_eq(window_borrow(11), 0, "it starts anew");
	down();
}

Test(ept_window, nothing_to_lend)
{
	fresh(false, 46, 0);
	cr_expect_eq(window_borrow(1), PLINTH_E_NOMEM, "each CPU has a seat");
	down();
	clean(false, 52);
	cr_assert_eq(up(0, MOST_CPUS), 0);
	cr_expect_eq(window_borrow(1), PLINTH_E_NOMEM, "no seat has enough tables");
	down();
}

Test(ept_window, a_vmwrite_that_fails)
{
	fresh(false, 46, 0);
	no_write = true;
	cr_expect_eq(window_open(0, 5 * PAGE_1G), PLINTH_E_VIRT);
	no_write = false;
	cr_expect_eq(window_open(0, 5 * PAGE_1G), 0);
	no_write = true;
	cr_expect_eq(window_close(0), PLINTH_E_VIRT, "the seat stays the CPU's");
	no_write = false;
	cr_expect_eq(window_close(0), 0);
	down();
}

/* An instruction that gets on may open as many as it likes. */
Test(ept_window, an_instruction_that_gets_nowhere)
{
	uint64_t where[WINDOW_WHERE] = {0x1234, 9, 8, 7, 6};
	unsigned int n = 0;

	fresh(false, 46, 0);
	cr_expect(!window_stuck(0, where), "without a seat");
	cr_assert_eq(window_open(0, 5 * PAGE_1G), 0);
	for (unsigned int i = 0; i < 100; i++) {
		where[i % WINDOW_WHERE]++;
		cr_expect(!window_stuck(0, where));
	}
	while (!window_stuck(0, where))
		cr_assert_lt(n++, 100);
	cr_expect_geq(n, 10);
	cr_expect(!window_stuck(0, where), "once it was refused it begins anew");
	down();
}
