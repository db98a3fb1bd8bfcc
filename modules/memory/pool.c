/* SPDX-License-Identifier: MIT */
/* The page pool: one byte per page, so that a freed page is known to have been taken, and by whom. */
#include <string.h>

#include "internal.h"

/* What a page is taken for begins at PAGE_TAKEN, a number for each owner. */
enum page_state { PAGE_FREE, PAGE_RESERVED, PAGE_TAKEN };

_Static_assert(PAGE_TAKEN + POOL_USES * PLINTH_MEMORY_MODULES <= 256, "fits into a byte");

static struct {
	uint64_t va, pages;
	uint8_t *map;
	uint64_t next; /* where the search starts: below it nothing is free */
	uint64_t used, reserved;
	struct plinth_shared *shared;
} pool;

void pool_init(uint64_t va, uint64_t pages, uint8_t *map, struct plinth_shared *shared)
{
	memset(map, PAGE_FREE, pages);
	pool.va = va;
	pool.pages = pages;
	pool.map = map;
	pool.next = 0;
	pool.used = 0;
	pool.reserved = 0;
	pool.shared = shared;
	shared->pool_pages = pages;
	shared->pool_used = 0;
	shared->pool_peak = 0;
}

static void pool_count(int64_t change)
{
	pool.used += (uint64_t)change;
	plinth_set(&pool.shared->pool_used, pool.used);
	if (pool.used > pool.shared->pool_peak)
		plinth_set(&pool.shared->pool_peak, pool.used);
}

void pool_reserve(uint64_t first, uint64_t pages)
{
	memset(pool.map + first, PAGE_RESERVED, pages);
	pool.reserved += pages;
	pool_count((int64_t)pages);
}

static uint8_t taken_for(enum pool_use use, uint32_t owner)
{
	return (uint8_t)(PAGE_TAKEN + (uint32_t)use * PLINTH_MEMORY_MODULES + owner % PLINTH_MEMORY_MODULES);
}

void *pool_alloc_locked(enum pool_use use, uint32_t owner)
{
	for (uint64_t i = pool.next; i < pool.pages; i++) {
		void *page = (void *)(pool.va + i * MEM_PAGE);

		if (pool.map[i] != PAGE_FREE)
			continue;
		pool.map[i] = taken_for(use, owner);
		owner_pages(owner, 1);
		pool.next = i + 1;
		pool_count(1);
		memset(page, 0, MEM_PAGE);
		return page;
	}
	pool.next = pool.pages;
	owner_refused(owner, PLINTH_SHORTAGE_PAGES, 1);
	return NULL;
}

bool pool_free_locked(void *page, enum pool_use use)
{
	uint64_t offset = (uint64_t)page - pool.va;
	uint64_t i = offset / MEM_PAGE;
	uint32_t owner;

	if ((uint64_t)page < pool.va || offset % MEM_PAGE || i >= pool.pages || pool.map[i] < PAGE_TAKEN)
		return false;
	owner = (pool.map[i] - (uint32_t)PAGE_TAKEN) % PLINTH_MEMORY_MODULES;
	if (pool.map[i] != taken_for(use, owner))
		return false;
	owner_pages(owner, -1);
	pool.map[i] = PAGE_FREE;
	if (i < pool.next)
		pool.next = i;
	pool_count(-1);
	return true;
}

uint64_t pool_taken(void)
{
	return pool.used - pool.reserved;
}
