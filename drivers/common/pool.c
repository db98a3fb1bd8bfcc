/* SPDX-License-Identifier: MIT */
/*
 * How large the pool is: what the VMM takes in whole pages, counted. The modules may
 * use it as they like; a start or an exit that finds it empty is refused or reported.
 */
#include <plinth/footprint.h>

#include "drivers/common/internal.h"

/* Once, beside books and tables: an MSR bitmap; and some that a module of a user's may take. */
#define FIXED_PAGES 4u

int pool_choose_heap(struct core *core)
{
	uint64_t bytes = core->load->heap_bytes;

	if (!bytes)
		bytes = PLINTH_CTL_DEFAULT_HEAP + (uint64_t)core->n_cpus * PLINTH_CPU_HEAP;
	if (bytes < PLINTH_CTL_MIN_HEAP || bytes > PLINTH_CTL_MAX_HEAP) {
		report_line(core->report, "heap of %llu bytes: %llu to %llu are possible",
			    (unsigned long long)bytes, PLINTH_CTL_MIN_HEAP, PLINTH_CTL_MAX_HEAP);
		return PLINTH_E_LIMIT;
	}
	core->heap_bytes = core_pages(bytes) * OS_PAGE;
	return 0;
}

/*
 * The pages themselves, the memory module's books about them, and page tables: of a pool that is larger by
 * its tables and books there is more to write down, so it grows until it fits.
 */
static uint64_t with_books(const struct core *core, uint64_t pages)
{
	uint64_t window = plinth_window_pages(core->n_cpus), all = pages, before;

	do {
		before = all;
		all = pages + space_table_pages(core, before) +
		      plinth_books_of(core->n_descriptors, core->n_cpus, before, window).pages;
	} while (all != before);
	return all;
}

void pool_free(struct core *core)
{
	struct space_region *pool = &core->space[SPACE_POOL];

	core_free(core, pool->kernel, pool->pages);
	core_free_bytes(core, core->table, core->max_tables * sizeof(*core->table));
	pool->kernel = NULL;
	pool->pages = 0;
	core->table = NULL;
}

static int alloc(struct core *core, uint64_t pages, size_t align, const char *what)
{
	struct space_region *pool = &core->space[SPACE_POOL];

	pool_free(core);
	core->max_tables = (uint32_t)space_table_pages(core, pages);
	core->table = core_alloc_bytes(core, core->max_tables * sizeof(*core->table), "page tables");
	if (!core->table)
		return PLINTH_E_NOMEM;
	pool->kernel = core_alloc(core, pages, align, what);
	pool->pages = pool->kernel ? pages : 0;
	return pool->kernel ? 0 : PLINTH_E_NOMEM;
}

/* Pages that the pool should have, as it lies. */
static int pool_wanted(struct core *core, uint64_t *pages)
{
	uint64_t slat;
	int err = slat_pages(core, &slat);

	/* The lists come last; each page of them may lie anywhere and take a table to be hidden. */
	*pages = with_books(core, core->heap_bytes / OS_PAGE + FIXED_PAGES +
					  (uint64_t)core->n_cpus * PLINTH_CPU_PAGES + slat +
					  space_list_pages(core));
	return err;
}

#define FRAME_PAGES 512u /* that one table hides */
#define MORE_PAGES  2u	 /* than were counted: it may lie across a border */
#define TRIES	    8u
#define IN_ONE	    1u /* the try that asks for it in one piece */

/* In one piece, and as large as it need be for that; else it stays as it is. */
static void shrink(struct core *core, uint64_t need)
{
	struct space_region *pool = &core->space[SPACE_POOL], before = *pool;
	bool fits;

	pool->pages = need + MORE_PAGES;
	pool->kernel = core_alloc(core, pool->pages, 2 * OS_PAGE, NULL);
	fits = pool->kernel && !pool_wanted(core, &need) && need <= pool->pages;
	core_free(core, fits ? before.kernel : pool->kernel, fits ? before.pages : pool->pages);
	if (!fits)
		*pool = before;
	(void)space_list_pages(core);
}

/*
 * The pool is part of what its own pages have to hide, and where memory is fragmented that takes more of
 * them, which lie somewhere else again: counted anew with each that turns out too small. What is in one piece
 * hides itself best, and does not need what was asked for its pieces.
 */
int pool_alloc(struct core *core)
{
	const struct space_region *pool = &core->space[SPACE_POOL];
	uint64_t need, wanted = 0;

	slat_note_memory(core);
	for (unsigned int i = 0; i < TRIES; i++) {
		int err = pool_wanted(core, &need);

		if (err)
			return err;
		if (pool->kernel && need <= pool->pages) {
			if (pool->pages - need > MORE_PAGES)
				shrink(core, need);
			return 0;
		}
		if (need > wanted)
			wanted = need + (need - wanted) / FRAME_PAGES + MORE_PAGES;
		err = alloc(core, wanted, i == IN_ONE ? 2 * OS_PAGE : OS_PAGE,
			    i == IN_ONE ? NULL : region_kinds[SPACE_POOL].what);
		if (err && i != IN_ONE)
			return err;
	}
	report_line(core->report,
		    "the VMM's %llu pages lie in too many pieces to be hidden: memory is too fragmented",
		    (unsigned long long)wanted);
	return PLINTH_E_NOMEM;
}
