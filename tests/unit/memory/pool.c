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
	const struct plinth_boot boot = {.shared_va = (uint64_t)&shared};

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

		while ((taken[n] = pool_alloc_locked(POOL_PAGE, 0))) {
			cr_expect_eq((uint64_t)taken[n] % MEM_PAGE, 0);
			cr_expect_geq((uint8_t *)taken[n], pages[RESERVED]);
			for (unsigned int b = 0; b < MEM_PAGE; b++)
				cr_assert_eq(((uint8_t *)taken[n])[b], 0, "round %u", round);
			memset(taken[n], 0x77, MEM_PAGE);
			n++;
		}
		cr_expect_eq(n, PAGES - RESERVED, "round %u", round);
		cr_expect_eq(shared.pool_used, PAGES);
		while (n--)
			cr_expect(pool_free_locked(taken[n], POOL_PAGE));
		cr_expect_eq(shared.pool_used, RESERVED);
	}
	cr_expect_eq(shared.pool_peak, PAGES);
}

Test(pool, refuses_what_was_not_taken)
{
	uint8_t *page;

	fresh();
	page = pool_alloc_locked(POOL_PAGE, 0);
	cr_expect_not(pool_free_locked(page + 1, POOL_PAGE));
	cr_expect_not(pool_free_locked(pages[0], POOL_PAGE), "reserved");
	cr_expect_not(pool_free_locked(pages[PAGES - 1], POOL_PAGE), "not taken");
	cr_expect_not(pool_free_locked((void *)((uint64_t)pages - MEM_PAGE), POOL_PAGE));
	cr_expect_not(pool_free_locked((void *)((uint64_t)pages + sizeof(pages)), POOL_PAGE));
	cr_expect_not(pool_free_locked(NULL, POOL_PAGE));
	cr_expect(pool_free_locked(page, POOL_PAGE));
	cr_expect_not(pool_free_locked(page, POOL_PAGE), "twice");
	cr_expect_eq(shared.pool_used, RESERVED);
}

/* A page of a stack is mapped, and a page table is in use: neither is given back as a plain page. */
Test(pool, refuses_what_was_taken_for_something_else)
{
	fresh();
	for (enum pool_use use = 0; use < POOL_USES; use++) {
		void *page = pool_alloc_locked(use, PLINTH_MEMORY_MODULES - 1);

		for (enum pool_use other = 0; other < POOL_USES; other++)
			if (other != use)
				cr_expect_not(pool_free_locked(page, other), "%d as %d", (int)use,
					      (int)other);
		cr_expect_eq(shared.memory[PLINTH_MEMORY_MODULES - 1].pages_used, 1u);
		cr_expect(pool_free_locked(page, use), "%d", (int)use);
		cr_expect_eq(shared.memory[PLINTH_MEMORY_MODULES - 1].pages_used, 0u);
	}
}
