/* SPDX-License-Identifier: MIT */
/*
 * How large the pool is: what the VMM takes in whole pages, counted. The modules may
 * use it as they like; a start or an exit that finds it empty is refused or reported.
 */
#include <plinth/footprint.h>

#include "drivers/common/internal.h"

/*
 * Once: an MSR bitmap, a scratch page, and for second-level translation two top levels, 4 GiB in large pages,
 * and what the memory types cut into smaller ones below 1 MiB and at the end of RAM.
 */
#define FIXED_PAGES 22u

/* Devices above RAM that the guest touches: a table per GiB where the CPU has no 1 GiB pages. */
#define DEVICE_PAGES 8u
#define GIB	     (1ull << 30)
#define FIRST_GIBS   4u /* in FIXED_PAGES */

/* Second-level translation hides memory page by page: a table for each frame that holds some. */
#define FRAME (2ull << 20)

static uint64_t frames_of(const struct space_region *region)
{
	uint64_t frames = 0, last = 0;

	for (uint64_t i = 0; region->kernel && i < region->pages; i++) {
		uint64_t frame = os_virt_to_phys((uint8_t *)region->kernel + i * OS_PAGE) / FRAME;

		frames += !i || frame != last;
		last = frame;
	}
	return frames;
}

static uint64_t frames_to_hide(const struct core *core)
{
	uint64_t frames = 0;

	for (uint32_t i = 0; i < core->n_modules; i++) {
		const struct core_module *module = &core->modules[i];
		const struct space_region image = {
			.kernel = module->image,
			.pages = core_pages(module->about.bytes),
		};

		frames += frames_of(&image);
	}
	for (uint32_t i = 0; i < SPACE_COUNT; i++)
		frames += frames_of(&core->space[i]);
	return frames;
}

static uint64_t table_pages(void)
{
	uint64_t gibs = os_memory_bytes() / GIB + 1;

	return gibs > FIRST_GIBS ? gibs - FIRST_GIBS : 0;
}

int pool_choose_heap(struct core *core)
{
	uint64_t bytes = core->load->heap_bytes;

	if (!bytes)
		bytes = PLINTH_CTL_DEFAULT_HEAP + (uint64_t)core->n_cpus * PLINTH_CPU_HEAP;
	if (bytes < PLINTH_CTL_MIN_HEAP || bytes > PLINTH_CTL_MAX_HEAP) {
		report_line(core->report, "heap of %llu bytes: %llu to %llu are possible", (unsigned long long)bytes,
			    PLINTH_CTL_MIN_HEAP, PLINTH_CTL_MAX_HEAP);
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
	uint64_t window = plinth_window_map_pages(plinth_window_pages(core->n_cpus), core->n_cpus);
	uint64_t all = pages, before;

	do {
		before = all;
		all = pages + space_table_pages(core, before) + plinth_pool_map_pages(before) + plinth_runs_pages(before) + window;
	} while (all != before);
	return all;
}

static int alloc(struct core *core, uint64_t pages)
{
	struct space_region *pool = &core->space[SPACE_POOL];

	core->max_tables = (uint32_t)space_table_pages(core, pages);
	core->table = core_alloc(core, core_pages(core->max_tables * sizeof(*core->table)), OS_PAGE, "page tables");
	if (!core->table)
		return PLINTH_E_NOMEM;
	pool->pages = pages;
	pool->kernel = core_alloc(core, pages, OS_PAGE, "the VMM's heap and pages");
	return pool->kernel ? 0 : PLINTH_E_NOMEM;
}

static void give_back(struct core *core)
{
	struct space_region *pool = &core->space[SPACE_POOL];

	core_free(core, pool->kernel, pool->pages);
	core_free(core, core->table, core_pages(core->max_tables * sizeof(*core->table)));
	pool->kernel = NULL;
	core->table = NULL;
}

/*
 * In one piece the pool costs a frame or two. Where memory is so fragmented that it
 * comes in single pages, it may have to hide each of them with a table of its own.
 */
int pool_alloc(struct core *core)
{
	struct space_region *pool = &core->space[SPACE_POOL];
	uint64_t pages = core->heap_bytes / OS_PAGE + FIXED_PAGES + DEVICE_PAGES + table_pages() +
			 (uint64_t)core->n_cpus * PLINTH_CPU_PAGES + frames_to_hide(core);
	uint64_t expected = with_books(core, pages) / (FRAME / OS_PAGE) + 3;
	uint64_t frames;
	int err = alloc(core, with_books(core, pages + expected));

	if (err)
		return err;
	frames = frames_of(pool);
	if (frames <= expected)
		return 0;
	give_back(core);
	return alloc(core, with_books(core, 2 * (pages + expected)));
}
