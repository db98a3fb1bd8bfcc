/* SPDX-License-Identifier: MIT */
/*
 * Addresses and mappings in the VMM's slot, above what the driver core placed there:
 * a window of SPACE_PAGES addresses handed out first fit, so that addresses (and the
 * page tables behind them) are used again however often something comes and goes.
 */
#include <string.h>

#include <pagetable.h>
#include <plinth/intrinsics.h>

#include "internal.h"

#define SPACE_PAGES 8192u

static struct {
	struct pt pt;
	uint64_t launch_pa;
	uint64_t *launch; /* the launch tables' top level: no page of the pool */
	uint64_t va;
	uint64_t used;
	uint64_t tables; /* pages of the pool that became page tables, which stay */
	uint8_t map[SPACE_PAGES / 8];
} space;

static int table_alloc(void *ctx, uint64_t *pa)
{
	void *page = pool_alloc_locked(owner_of(table_alloc));

	(void)ctx;
	if (!page)
		return PLINTH_E_NOMEM;
	space.tables++;
	*pa = descriptors_pa((uint64_t)page);
	return 0;
}

static uint64_t *table_at(void *ctx, uint64_t pa)
{
	(void)ctx;
	return pa == space.launch_pa ? space.launch : descriptors_va(pa);
}

void space_init(const struct plinth_boot *boot)
{
	memset(&space, 0, sizeof(space));
	space.pt = (struct pt){
		.root_pa = boot->root_pgd_pa,
		.levels = boot->levels,
		.alloc = table_alloc,
		.table = table_at,
	};
	space.launch_pa = boot->launch_pgd_pa;
	space.launch = (uint64_t *)boot->launch_pgd_va;
	space.va = boot->free_va;
}

static bool taken(uint64_t i)
{
	return space.map[i / 8] >> (i % 8) & 1;
}

static void mark(uint64_t first, uint64_t pages, bool take)
{
	for (uint64_t i = first; i < first + pages; i++) {
		if (take)
			space.map[i / 8] |= (uint8_t)(1u << (i % 8));
		else
			space.map[i / 8] &= (uint8_t) ~(1u << (i % 8));
	}
	space.used = take ? space.used + pages : space.used - pages;
}

/* First of @pages free addresses in a row, or SPACE_PAGES. */
static uint64_t find_room(uint64_t pages)
{
	uint64_t run = 0;

	for (uint64_t i = 0; i < SPACE_PAGES; i++) {
		run = taken(i) ? 0 : run + 1;
		if (run == pages)
			return i + 1 - pages;
	}
	return SPACE_PAGES;
}

static unsigned int flags_of(enum mem_prot prot)
{
	return prot == MEM_RW ? PT_WRITE : prot == MEM_RX ? PT_EXEC : 0;
}

static void unmap(uint64_t va, size_t pages)
{
	pt_unmap(&space.pt, va, pages);
	for (size_t i = 0; i < pages; i++)
		cpu_invlpg(va + i * MEM_PAGE);
}

void *space_map_locked(const uint64_t *pa, size_t pages, enum mem_prot prot, size_t guard)
{
	uint64_t first = find_room(pages + 2 * guard);
	uint64_t va = space.va + (first + guard) * MEM_PAGE;

	if (first == SPACE_PAGES)
		return NULL;
	for (size_t i = 0; i < pages; i++) {
		if (pt_map(&space.pt, va + i * MEM_PAGE, pa[i], 1, flags_of(prot))) {
			unmap(va, i);
			return NULL;
		}
	}
	mark(first, pages + 2 * guard, true);
	return (void *)va;
}

void space_unmap_locked(void *va, size_t pages, size_t guard)
{
	unmap((uint64_t)va, pages);
	mark(((uint64_t)va - space.va) / MEM_PAGE - guard, pages + 2 * guard, false);
}

int space_translate(uint64_t va, uint64_t *pa)
{
	struct pt_leaf leaf;
	int err = pt_find(&space.pt, va, &leaf);

	if (!err)
		*pa = leaf.pa;
	return err;
}

int space_next(uint32_t table, uint64_t from, struct plinth_ctl_map *out)
{
	struct pt pt = space.pt;
	struct pt_run run;
	int err;

	if (table == PLINTH_MAP_LAUNCH)
		pt.root_pa = space.launch_pa;
	err = pt_next(&pt, from, &run);
	if (err)
		return err;
	out->va = run.va;
	out->bytes = run.bytes;
	out->flags = (run.flags & PT_WRITE ? PLINTH_MAP_WRITE : 0) |
		     (run.flags & PT_EXEC ? PLINTH_MAP_EXEC : 0) | (run.user ? PLINTH_MAP_USER : 0) |
		     (run.global ? PLINTH_MAP_GLOBAL : 0);
	return 0;
}

size_t space_used(void)
{
	return space.used;
}

uint64_t space_tables(void)
{
	return space.tables;
}
