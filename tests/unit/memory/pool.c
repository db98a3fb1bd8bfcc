/* SPDX-License-Identifier: MIT */
/* The page pool: zeroed pages, each once, and what it refuses. */
#include <criterion/criterion.h>
#include <string.h>

#include "internal.h"

#define PAGES	 32u
#define RESERVED 3u

static _Alignas(4096) uint8_t pages[PAGES][MEM_PAGE];
static uint8_t map[PAGES];
static struct plinth_shared shared;

static void fresh(void)
{
	const struct plinth_boot boot = { .shared_va = (uint64_t)&shared };

	cr_assert_leq(pool_map_bytes(PAGES), sizeof(map));
	memset(pages, 0xee, sizeof(pages));
	owner_init(&boot);
	pool_init((uint64_t)pages, PAGES, map, &shared);
	pool_reserve(0, RESERVED);
}

Test(pool, every_page_once_and_zeroed)
{
	void *taken[PAGES];

	fresh();
	for (unsigned int round = 0; round < 3; round++) {
		unsigned int n = 0;

		while ((taken[n] = pool_alloc_locked(0))) {
			cr_expect_eq((uint64_t)taken[n] % MEM_PAGE, 0);
			cr_expect_geq((uint8_t *)taken[n], pages[RESERVED]);
			for (unsigned int b = 0; b < MEM_PAGE; b++)
				cr_assert_eq(((uint8_t *)taken[n])[b], 0, "round %u", round);
			memset(taken[n], 0x77, MEM_PAGE);
			n++;
		}
		cr_expect_eq(n, PAGES - RESERVED, "round %u", round);
		cr_expect_eq(pool_used(), PAGES);
		cr_expect_eq(shared.pool_used, PAGES);
		while (n--)
			cr_expect(pool_free_locked(taken[n]));
		cr_expect_eq(pool_used(), RESERVED);
	}
	cr_expect_eq(shared.pool_peak, PAGES);
}

Test(pool, refuses_what_was_not_taken)
{
	uint8_t *page;

	fresh();
	page = pool_alloc_locked(0);
	cr_expect_not(pool_free_locked(page + 1));
	cr_expect_not(pool_free_locked(pages[0]), "reserved");
	cr_expect_not(pool_free_locked(pages[PAGES - 1]), "not taken");
	cr_expect_not(pool_free_locked((void *)((uint64_t)pages - MEM_PAGE)));
	cr_expect_not(pool_free_locked((void *)((uint64_t)pages + sizeof(pages))));
	cr_expect_not(pool_free_locked(NULL));
	cr_expect(pool_free_locked(page));
	cr_expect_not(pool_free_locked(page), "twice");
	cr_expect_eq(pool_used(), RESERVED);
}
