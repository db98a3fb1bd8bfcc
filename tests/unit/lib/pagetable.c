/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pagetable.h"

#define ARENA_PAGES 64
#define ARENA_PA    0x7000000ull /* what the first page of the arena pretends to be */

static _Alignas(4096) uint8_t arena[ARENA_PAGES][PT_PAGE];
static unsigned int used, room;

static int take(void *ctx, uint64_t *pa)
{
	(void)ctx;
	if (used == room)
		return PLINTH_E_NOMEM;
	*pa = ARENA_PA + used++ * PT_PAGE;
	return 0;
}

static uint64_t *reach(void *ctx, uint64_t pa)
{
	uint64_t page = (pa - ARENA_PA) / PT_PAGE;

	(void)ctx;
	return page < used ? (uint64_t *)arena[page] : NULL;
}

static struct pt fresh(unsigned int levels)
{
	struct pt pt = {.levels = levels, .alloc = take, .table = reach};

	memset(arena, 0, sizeof(arena));
	used = 0;
	room = ARENA_PAGES;
	cr_assert_eq(take(NULL, &pt.root_pa), 0);
	return pt;
}

struct seen {
	unsigned int leaves;
	uint64_t first, last;
	int answer;
};

static int count(void *ctx, const struct pt_leaf *leaf)
{
	struct seen *seen = ctx;

	if (!seen->leaves++)
		seen->first = leaf->va;
	cr_expect(seen->leaves == 1 || leaf->va > seen->last, "the walk goes upwards");
	seen->last = leaf->va;
	cr_expect_not(leaf->flags & (PT_USER | PT_GLOBAL));
	cr_expect_neq(leaf->flags, PT_WRITE | PT_EXEC);
	return seen->answer;
}

Test(pagetable, maps_a_run_across_tables)
{
	for (unsigned int levels = 4; levels <= 5; levels++) {
		struct pt pt = fresh(levels);
		uint64_t va = (5ull << 39) + (1ull << 30) - 2 * PT_PAGE;
		struct pt_leaf leaf;
		struct seen seen = {0};

		cr_assert_eq(pt_map(&pt, va, 0x123456000, 5, PT_WRITE), 0);
		cr_expect_eq(pt_find(&pt, va - 1, &leaf), PLINTH_E_FAULT);
		cr_expect_eq(pt_find(&pt, va + 5 * PT_PAGE, &leaf), PLINTH_E_FAULT);
		cr_assert_eq(pt_find(&pt, va + 3 * PT_PAGE + 7, &leaf), 0);
		cr_expect_eq(leaf.pa, 0x123459007);
		cr_expect_eq(leaf.flags, PT_WRITE);
		cr_expect_eq(leaf.bytes, PT_PAGE - 7);
		cr_expect(leaf.entry & PT_BIT_DIRTY && leaf.entry & PT_BIT_NX);
		cr_expect_eq(pt_walk(&pt, count, &seen), 0);
		cr_expect_eq(seen.leaves, 5);
		cr_expect_eq(seen.first, va);
		cr_expect_eq(seen.last, va + 4 * PT_PAGE);
	}
}

Test(pagetable, permissions_are_what_was_asked)
{
	static const unsigned int flags[] = {0, PT_WRITE, PT_EXEC};
	struct pt pt = fresh(4);

	for (unsigned int i = 0; i < 3; i++) {
		uint64_t va = (3ull << 39) + i * PT_PAGE;
		struct pt_leaf leaf;

		cr_assert_eq(pt_map(&pt, va, 0x1000, 1, flags[i]), 0);
		cr_assert_eq(pt_find(&pt, va, &leaf), 0);
		cr_expect_eq(leaf.flags, flags[i]);
	}
}

Test(pagetable, refuses_what_it_cannot_map)
{
	static const struct {
		const char *name;
		uint64_t va, pa, pages;
		unsigned int flags;
	} bad[] = {
		{"odd address", 0x1001, 0, 1, 0},
		{"odd physical address", 0x1000, 0x10, 1, 0},
		{"physical address over 52 bits", 0x1000, 1ull << 52, 1, 0},
		{"writable and executable", 0x1000, 0, 1, PT_WRITE | PT_EXEC},
		{"unknown flag", 0x1000, 0, 1, 4},
		{"upper half", 1ull << 47, 0, 1, 0},
		{"beyond all tables", 1ull << 50, 0, 1, 0},
		{"into the upper half", (1ull << 47) - PT_PAGE, 0, 2, 0},
		{"wraps", 0x1000, 0, UINT64_MAX, 0},
	};
	struct pt pt = fresh(4);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(pt_map(&pt, bad[i].va, bad[i].pa, bad[i].pages, bad[i].flags), PLINTH_E_INVAL,
			     "%s", bad[i].name);
	cr_expect_eq(used, 1, "nothing was made");
	pt_unmap(&pt, 1ull << 47, 1);
	pt_unmap(&pt, 1ull << 40, 1);
	cr_expect_eq(used, 1, "nor to unmap where nothing is");
}

Test(pagetable, a_failure_unmaps_what_it_mapped)
{
	uint64_t va = (1ull << 39) + (1ull << 21) - PT_PAGE;

	for (unsigned int pages = 1; pages <= 5; pages++) {
		struct pt pt = fresh(4);
		struct seen seen = {0};

		room = pages; /* the root, three tables on the way, and a second last one */
		cr_expect_eq(pt_map(&pt, va, 0, 2, 0), pages == 5 ? 0 : PLINTH_E_NOMEM, "%u pages", pages);
		pt_walk(&pt, count, &seen);
		cr_expect_eq(seen.leaves, pages == 5 ? 2 : 0, "%u pages", pages);
	}
}

Test(pagetable, refuses_to_map_twice)
{
	struct pt pt = fresh(4);
	struct pt_leaf leaf;

	cr_assert_eq(pt_map(&pt, 0x5000, 0x9000, 1, PT_EXEC), 0);
	cr_expect_eq(pt_map(&pt, 0x3000, 0x20000, 4, 0), PLINTH_E_STATE);
	cr_expect_eq(pt_find(&pt, 0x3000, &leaf), PLINTH_E_FAULT);
	cr_assert_eq(pt_find(&pt, 0x5000, &leaf), 0, "what was there stays");
	cr_expect_eq(leaf.pa, 0x9000);
	pt_unmap(&pt, 0x1000, 16);
	cr_expect_eq(pt_find(&pt, 0x5000, &leaf), PLINTH_E_FAULT);
	cr_expect_eq(pt_map(&pt, 0x3000, 0x20000, 4, 0), 0);
}

/* What seals a page: its entry is the one that both finding and walking go by. */
Test(pagetable, entry_of_a_page)
{
	struct pt pt = fresh(4);
	uint64_t va = 7ull << 39, *entry;
	struct pt_leaf leaf;

	cr_assert_eq(pt_map(&pt, va, 0x123456000, 2, PT_WRITE), 0);
	entry = pt_entry(&pt, va + PT_PAGE);
	cr_assert_not_null(entry);
	*entry &= ~PT_BIT_WRITE;
	cr_assert_eq(pt_find(&pt, va + PT_PAGE, &leaf), 0);
	cr_expect_eq(leaf.flags, 0);
	cr_assert_eq(pt_find(&pt, va, &leaf), 0);
	cr_expect_eq(leaf.flags, PT_WRITE);
	cr_expect_null(pt_entry(&pt, va + (1ull << 30)), "no table there");
	cr_expect_null(pt_entry(&pt, 1ull << 47), "not the lower half");
}

Test(pagetable, understands_large_pages_of_others)
{
	struct pt pt = fresh(4);
	struct seen seen = {.answer = 0};
	struct pt_leaf leaf;
	uint64_t *table;

	cr_assert_eq(pt_map(&pt, 0, 0, 1, 0), 0);
	table = (uint64_t *)arena[1];
	table[3] = 0x80000000 | PT_BIT_LARGE | PT_BIT_PRESENT;
	cr_assert_eq(pt_find(&pt, (3ull << 30) + 0x12345, &leaf), 0);
	cr_expect_eq(leaf.pa, 0x80012345);
	cr_expect_eq(leaf.flags, PT_EXEC);
	cr_expect_eq(pt_map(&pt, 3ull << 30, 0, 1, 0), PLINTH_E_STATE);
	table[3] = 0;
	cr_expect_eq(pt_walk(&pt, count, &seen), 0);
	cr_expect_eq(seen.leaves, 1);
}

Test(pagetable, walk_stops_at_the_callback_and_at_lost_tables)
{
	struct pt pt = fresh(4);
	struct seen seen = {.answer = 42};

	cr_assert_eq(pt_map(&pt, 0x1000, 0, 3, 0), 0);
	cr_expect_eq(pt_walk(&pt, count, &seen), 42);
	cr_expect_eq(seen.leaves, 1);
	used = 2; /* the lower tables are out of reach now */
	cr_expect_eq(pt_walk(&pt, count, &seen), PLINTH_E_FAULT);
	cr_expect_eq(pt_map(&pt, 0x8000, 0, 1, 0), PLINTH_E_FAULT);
}

static const struct {
	uint64_t va, pages;
	unsigned int flags;
} mapped[] = {
	{0x1000, 3, 0},	    {0x4000, 2, PT_WRITE}, {0x200000 - 0x1000, 2, PT_EXEC},
	{0x40000000, 1, 0}, {0x7fffff000, 1, 0},
};

#define N_MAPPED (sizeof(mapped) / sizeof(mapped[0]))

Test(pagetable, runs_are_what_was_mapped)
{
	for (unsigned int levels = 4; levels <= 5; levels++) {
		struct pt pt = fresh(levels);
		struct pt_run run = {.va = 0};
		uint64_t from = 0;

		cr_expect_eq(pt_next(&pt, 0, &run), PLINTH_E_FAULT, "nothing is mapped");
		for (unsigned int i = 0; i < N_MAPPED; i++)
			cr_assert_eq(pt_map(&pt, mapped[i].va, 0x5000, mapped[i].pages, mapped[i].flags), 0);
		for (unsigned int i = 0; i < N_MAPPED; i++) {
			cr_assert_eq(pt_next(&pt, from, &run), 0, "run %u", i);
			cr_expect_eq(run.va, mapped[i].va, "run %u", i);
			cr_expect_eq(run.bytes, mapped[i].pages * PT_PAGE, "run %u", i);
			cr_expect_eq(run.flags, mapped[i].flags, "run %u", i);
			from = run.va + run.bytes;
		}
		cr_expect_eq(pt_next(&pt, from, &run), PLINTH_E_FAULT, "there are no more");
		cr_assert_eq(pt_next(&pt, 0x2000, &run), 0);
		cr_expect(run.va == 0x2000 && run.bytes == 0x2000, "from its middle");
	}
}

Test(pagetable, runs_tell_what_must_not_be)
{
	const uint64_t bits = PT_BIT_USER | PT_BIT_PRESENT | PT_BIT_WRITE;
	struct pt pt = fresh(4);
	struct pt_run run;

	cr_assert_eq(pt_map(&pt, 0, 0, 4, 0), 0);
	for (unsigned int level = 0; level < 3; level++)
		((uint64_t *)arena[level])[0] |= PT_BIT_USER;
	((uint64_t *)arena[3])[1] |= PT_BIT_USER;
	((uint64_t *)arena[3])[2] |= PT_BIT_GLOBAL;
	for (uint64_t i = 0; i < 4; i++) {
		cr_assert_eq(pt_next(&pt, i * PT_PAGE, &run), 0);
		cr_expect(run.va == i * PT_PAGE && run.bytes == PT_PAGE, "page %lu", i);
		cr_expect_eq(run.flags & (PT_USER | PT_GLOBAL),
			     i == 1   ? PT_USER
			     : i == 2 ? PT_GLOBAL
				      : 0,
			     "page %lu", i);
	}
	((uint64_t *)arena[0])[511] = 0x1000 | bits;
	((uint64_t *)arena[0])[256] = 0x1000 | bits | PT_BIT_NX;
	cr_assert_eq(pt_next(&pt, 4 * PT_PAGE, &run), 0);
	cr_expect(run.va == 0xffff800000000000 && run.flags == (PT_WRITE | PT_USER), "not looked into");
	cr_assert_eq(pt_next(&pt, run.va + run.bytes, &run), 0);
	cr_expect_eq(run.va, 0xffffff8000000000);
	cr_expect_eq(run.va + run.bytes, 0, "the last address there is");
}

/* Whatever is wrong with others' tables: an answer, and no access to what is not there. */
Test(pagetable, tables_that_are_lost)
{
	struct pt pt = fresh(4);
	struct pt_leaf leaf;

	cr_assert_eq(pt_map(&pt, 0x1000, 0x5000, 1, 0), 0);
	cr_expect_eq(pt_find(&pt, 1ull << 47, &leaf), PLINTH_E_FAULT, "the upper half");
	cr_expect_eq(pt_find(&pt, 0x1000, &leaf), 0);
	used = 2;
	cr_expect_eq(pt_find(&pt, 0x1000, &leaf), PLINTH_E_FAULT);
	pt_unmap(&pt, 0x1000, 1);
	used = ARENA_PAGES;
	cr_expect_eq(pt_find(&pt, 0x1000, &leaf), 0, "it was not reached");
}

/*
 * In a walk a large page is one leaf, of the size its level has; user pages are told where all levels allow
 * it.
 */
static int note_leaf(void *ctx, const struct pt_leaf *leaf)
{
	struct pt_leaf **next = ctx;

	*(*next)++ = *leaf;
	return 0;
}

Test(pagetable, walks_over_large_pages)
{
	struct pt pt = fresh(4);
	struct pt_leaf leaves[4], *next = leaves;
	uint64_t *directory;

	cr_assert_eq(pt_map(&pt, 0, 0, 1, PT_WRITE), 0);
	directory = (uint64_t *)arena[2];
	directory[5] = 0x40000000 | PT_BIT_LARGE | PT_BIT_PRESENT | PT_BIT_WRITE | PT_BIT_USER;
	((uint64_t *)arena[1])[7] = 0x80000000 | PT_BIT_LARGE | PT_BIT_PRESENT | PT_BIT_NX;
	((uint64_t *)arena[0])[0] |= PT_BIT_USER;
	((uint64_t *)arena[1])[0] |= PT_BIT_USER;
	cr_expect_eq(pt_walk(&pt, note_leaf, &next), 0);
	cr_assert_eq(next - leaves, 3);
	cr_expect_eq(leaves[1].va, 5ull << 21);
	cr_expect_eq(leaves[1].bytes, 1ull << 21);
	cr_expect_not(leaves[0].flags & PT_USER);
	cr_expect_eq(leaves[1].flags, PT_WRITE | PT_EXEC | PT_USER);
	cr_expect_eq(leaves[2].bytes, 1ull << 30);
	cr_expect_eq(leaves[2].pa, 0x80000000);
	cr_expect_eq(leaves[2].flags, 0);
}
