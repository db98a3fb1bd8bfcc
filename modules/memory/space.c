/* SPDX-License-Identifier: MIT */
/*
 * Addresses and mappings in the VMM's slot, above what the driver core placed there: a window of addresses
 * handed out first fit, so that addresses (and the page tables behind them) are used again however often
 * something comes and goes.
 *
 * Other CPUs may keep the translation of what is unmapped here: where translations carry tags, neither exits
 * nor entries flush the VMM's own (SDM, "Operations that Invalidate TLBs and Paging-Structure Caches"). So
 * such an address waits until each CPU that is in the VMM's hands has flushed.
 */
#include <string.h>

#include <pagetable.h>
#include <plinth/footprint.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>

#include "internal.h"

/* Of each page of the window. */
enum { ROOM_FREE, ROOM_WAITS, ROOM_MAP, ROOM_STACK, ROOM_MORE /* of the run that begins before it */ };

static struct {
	struct pt pt;
	uint64_t launch_pa;
	uint64_t *launch; /* the launch tables' top level: no page of the pool */
	uint64_t va;
	uint64_t pages; /* of the window */
	uint64_t used, waiting;
	uint64_t next;	 /* where the search starts: below it nothing is free */
	uint64_t tables; /* pages of the pool that became page tables, which stay */
	uint8_t *map;
	/* Which unmapping a CPU has flushed for; 0: it keeps no translations. */
	uint32_t *seen;
	uint32_t n_cpus;
	uint32_t unmapped; /* the newest unmapping; never 0 */
} space;

static int page_table_alloc(void *ctx, uint64_t *pa)
{
	void *page = pool_alloc_locked(POOL_TABLE, owner_of(page_table_alloc));

	(void)ctx;
	if (!page)
		return PLINTH_E_NOMEM;
	space.tables++;
	*pa = descriptors_pa((uint64_t)page);
	return 0;
}

static uint64_t *page_table_at(void *ctx, uint64_t pa)
{
	(void)ctx;
	return pa == space.launch_pa ? space.launch : descriptors_va(pa);
}

/* What became a table here is one no more: nothing leads to it when its page serves for something else. */
static void forget_tables(uint64_t *table, unsigned int level)
{
	for (unsigned int i = 0; level > 1 && i < PT_ENTRIES; i++) {
		uint64_t *below;

		if (!(table[i] & PT_BIT_PRESENT) || table[i] & PT_BIT_LARGE)
			continue;
		below = page_table_at(NULL, table[i] & PT_BITS_ADDRESS);
		forget_tables(below, level - 1);
		if (pool_free_locked(below, POOL_TABLE)) {
			table[i] = 0;
			space.tables--;
		}
	}
}

void space_fini(void)
{
	forget_tables(page_table_at(NULL, space.pt.root_pa), space.pt.levels);
}

/* The addresses of glance.c: nothing is mapped there yet, but nothing is missing for it either. */
static int tables_for_glances(uint64_t va, uint64_t pages)
{
	int err = pt_map(&space.pt, va, 0, pages, 0);

	pt_unmap(&space.pt, va, pages);
	return err;
}

int space_init(const struct plinth_boot *boot, uint8_t *map, uint32_t *seen)
{
	int err;

	memset(&space, 0, sizeof(space));
	memset(map, ROOM_FREE, boot->window_pages);
	memset(seen, 0, boot->n_cpus * sizeof(*seen));
	space.pt = (struct pt){
		.root_pa = boot->root_pgd_pa,
		.levels = boot->levels,
		.alloc = page_table_alloc,
		.table = page_table_at,
	};
	space.launch_pa = boot->launch_pgd_pa;
	space.launch = (uint64_t *)boot->launch_pgd_va;
	space.va = boot->free_va + (uint64_t)boot->n_cpus * MEM_PAGE;
	space.pages = boot->window_pages - boot->n_cpus;
	space.map = map;
	space.seen = seen;
	space.n_cpus = boot->n_cpus;
	space.unmapped = 1;
	err = tables_for_glances(boot->free_va, boot->n_cpus);
	if (err)
		space_fini();
	return err;
}

uint64_t *space_entry(uint64_t va)
{
	return pt_entry(&space.pt, va);
}

/* -- which addresses are free ------------------------------------------------------ */

static size_t guard_of(enum space_use use)
{
	return use == SPACE_STACK ? PLINTH_STACK_GUARDS / 2 : 0;
}

/* Can no CPU have kept what was unmapped? */
static bool all_flushed(void)
{
	for (uint32_t i = 0; i < space.n_cpus; i++) {
		uint32_t seen = __atomic_load_n(&space.seen[i], __ATOMIC_ACQUIRE);

		if (seen && seen != space.unmapped)
			return false;
	}
	return true;
}

static void end_waiting(void)
{
	if (!space.waiting || !all_flushed())
		return;
	for (uint64_t i = 0; i < space.pages; i++)
		if (space.map[i] == ROOM_WAITS)
			space.map[i] = ROOM_FREE;
	space.waiting = 0;
	space.next = 0;
}

/* First of @pages free addresses in a row, or space.pages. */
static uint64_t find_room(uint64_t pages)
{
	uint64_t run = 0;

	while (space.next < space.pages && space.map[space.next] != ROOM_FREE)
		space.next++;
	for (uint64_t i = space.next; i < space.pages; i++) {
		run = space.map[i] == ROOM_FREE ? run + 1 : 0;
		if (run == pages)
			return i + 1 - pages;
	}
	owner_refused(owner_of(NULL), PLINTH_SHORTAGE_ADDRESSES, pages);
	LOG_ERR("the VMM's %llu addresses are used up: %llu are taken, %llu wait for CPUs to forget them: "
		"stop and start",
		(unsigned long long)space.pages, (unsigned long long)space.used,
		(unsigned long long)space.waiting);
	return space.pages;
}

static void take(uint64_t first, uint64_t pages, enum space_use use)
{
	memset(&space.map[first], ROOM_MORE, pages);
	space.map[first] = use == SPACE_STACK ? ROOM_STACK : ROOM_MAP;
	space.used += pages;
}

/* A CPU that keeps translations has those of before this unmapping. */
static void let_wait(uint64_t first, uint64_t pages)
{
	memset(&space.map[first], ROOM_WAITS, pages);
	space.used -= pages;
	space.waiting += pages;
	__atomic_store_n(&space.unmapped, space.unmapped == UINT32_MAX ? 1 : space.unmapped + 1,
			 __ATOMIC_RELEASE);
}

/* -- CPUs that keep translations -------------------------------------------------------- */

/* The number is read before the flush: what is unmapped meanwhile is not taken for flushed. */
static void flush_cpu(uint32_t cpu)
{
	uint32_t unmapped = __atomic_load_n(&space.unmapped, __ATOMIC_ACQUIRE);

	cpu_write_cr3(cpu_read_cr3());
	__atomic_store_n(&space.seen[cpu], unmapped, __ATOMIC_RELEASE);
}

void mem_cpu_enter(uint32_t cpu)
{
	if (cpu < space.n_cpus)
		flush_cpu(cpu);
}

void mem_cpu_leave(uint32_t cpu)
{
	if (cpu < space.n_cpus)
		__atomic_store_n(&space.seen[cpu], 0, __ATOMIC_RELEASE);
}

void mem_cpu_flush(uint32_t cpu)
{
	if (cpu < space.n_cpus && space.seen[cpu] &&
	    space.seen[cpu] != __atomic_load_n(&space.unmapped, __ATOMIC_ACQUIRE))
		flush_cpu(cpu);
}

/* -- mappings ----------------------------------------------------------------------------- */

static void unmap(uint64_t va, size_t pages)
{
	pt_unmap(&space.pt, va, pages);
	for (size_t i = 0; i < pages; i++)
		cpu_invlpg(va + i * MEM_PAGE);
}

void *space_map_locked(const uint64_t *pa, size_t pages, enum mem_prot prot, enum space_use use)
{
	size_t guard = guard_of(use);
	uint64_t first, va;

	end_waiting();
	first = find_room(pages + 2 * guard);
	if (first == space.pages)
		return NULL;
	va = space.va + (first + guard) * MEM_PAGE;
	for (size_t i = 0; i < pages; i++) {
		if (pt_map(&space.pt, va + i * MEM_PAGE, pa[i], 1, prot)) {
			unmap(va, i);
			return NULL;
		}
	}
	take(first, pages + 2 * guard, use);
	return (void *)va;
}

bool space_is(const void *va, size_t pages, enum space_use use)
{
	uint64_t offset = (uint64_t)va - space.va, guard = guard_of(use), first = offset / MEM_PAGE - guard;
	uint64_t last = first + pages + 2 * guard;

	if ((uint64_t)va < space.va || offset % MEM_PAGE || offset / MEM_PAGE < guard || !pages ||
	    pages > space.pages || last > space.pages ||
	    space.map[first] != (use == SPACE_STACK ? ROOM_STACK : ROOM_MAP))
		return false;
	for (uint64_t i = first + 1; i < last; i++)
		if (space.map[i] != ROOM_MORE)
			return false;
	return last == space.pages || space.map[last] != ROOM_MORE;
}

void space_unmap_locked(void *va, size_t pages, enum space_use use)
{
	size_t guard = guard_of(use);

	unmap((uint64_t)va, pages);
	let_wait(((uint64_t)va - space.va) / MEM_PAGE - guard, pages + 2 * guard);
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
	out->flags = run.flags;
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
