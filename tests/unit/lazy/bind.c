/* SPDX-License-Identifier: MIT */
/* One jump slot after the other: each is written once, and after the last one nothing can be written. */
#include "bind.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include <plinth/intrinsics.h>
#include <plinth/shared.h>

#define SLOTS 3u
#define PAGES 2u
#define ENTRY 0x8000000000000063ull /* present, writable, not executable */

static uint64_t got[SLOTS], entry[PAGES];
static uint8_t claimed[SLOTS];
static uint32_t bound, flushes;
static struct plinth_lazy_use use;
static struct plinth_lazy_slot slots[SLOTS];
static uint64_t *entries[PAGES] = {&entry[0], &entry[1]};
static struct plinth_lazy_table table;

void cpu_invlpg(uint64_t va)
{
	cr_expect_eq(va, 0x7000 + flushes * 4096ull);
	cr_expect_eq(entry[flushes], ENTRY & ~2ull, "first the entry, then what the CPU remembers of it");
	flushes++;
}

static void fresh(void)
{
	memset(got, 0x77, sizeof(got));
	memset(claimed, 0, sizeof(claimed));
	for (unsigned int i = 0; i < SLOTS; i++)
		slots[i] = (struct plinth_lazy_slot){.at = (uint64_t)&got[i], .value = 0x1000 + i};
	entry[0] = entry[1] = ENTRY;
	table = (struct plinth_lazy_table){.slots = SLOTS,
					   .pages = PAGES,
					   .pages_va = 0x7000,
					   .slots_va = (uint64_t)slots,
					   .claimed_va = (uint64_t)claimed,
					   .bound_va = (uint64_t)&bound,
					   .entries_va = (uint64_t)entries,
					   .use_va = (uint64_t)&use};
}

Test(lazy_bind, once_each_and_sealed_after_the_last, .init = fresh)
{
	static const uint64_t order[] = {2, 0, 2, 1, 0};
	static const uint32_t bound_then[] = {1, 2, 2, 3, 3};

	for (unsigned int i = 0; i < 5; i++) {
		cr_expect_eq(lazy_bind(&table, order[i]), 0x1000 + order[i]);
		cr_expect_eq(got[order[i]], 0x1000 + order[i]);
		cr_expect_eq(bound, bound_then[i]);
		cr_expect_eq(use.bound, bound_then[i]);
		cr_expect_eq(flushes, bound == SLOTS ? PAGES : 0);
		cr_expect_eq(use.sealed, flushes);
	}
}

/* A slot that was claimed is the claimer's to write: who comes second only goes where it leads. */
Test(lazy_bind, a_slot_that_somebody_else_writes, .init = fresh)
{
	claimed[1] = 1;
	cr_expect_eq(lazy_bind(&table, 1), 0x1001);
	cr_expect_eq(got[1], 0x7777777777777777);
	cr_expect_eq(bound, 0);
}

Test(lazy_bind, nobody_counts, .init = fresh)
{
	table.use_va = 0;
	for (unsigned int i = 0; i < SLOTS; i++)
		cr_expect_eq(lazy_bind(&table, i), 0x1000 + i);
	cr_expect_eq(flushes, PAGES);
	cr_expect_eq(use.bound, 0);
}

Test(lazy_bind, a_slot_that_does_not_exist, .init = fresh, .signal = SIGILL)
{
	lazy_bind(&table, SLOTS);
}
