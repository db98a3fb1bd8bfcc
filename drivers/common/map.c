/* SPDX-License-Identifier: MIT */
/* The page tables: root tables with the VMM only, launch tables with the kernel too. */
#include <string.h>

#include "drivers/common/internal.h"

static const struct {
	enum space_id id;
	unsigned int flags;
} region_flags[] = {
	{SPACE_BOOT, 0},	   {SPACE_STACK, PT_WRITE}, {SPACE_SHARED, PT_WRITE}, {SPACE_TUNING, 0},
	{SPACE_MAILBOX, PT_WRITE}, {SPACE_SLOTS, 0},	    {SPACE_CLAIMS, PT_WRITE}, {SPACE_TABLES, 0},
	{SPACE_LAUNCH, 0},	   {SPACE_POOL, PT_WRITE},
};

static uint8_t *pool_page(const struct core *core, uint32_t i)
{
	return (uint8_t *)core->space[SPACE_POOL].kernel + (uint64_t)i * OS_PAGE;
}

static int table_alloc(void *ctx, uint64_t *pa)
{
	struct core *core = ctx;
	uint32_t i = core->n_tables;

	if (i == core->max_tables)
		return PLINTH_E_NOMEM;
	core->table[i] = (struct core_table){.pa = os_virt_to_phys(pool_page(core, i)), .page = i};
	*pa = core->table[i].pa;
	core->n_tables++;
	core->n_known = core->n_tables;
	return 0;
}

static uint64_t *table_reach(void *ctx, uint64_t pa)
{
	const struct core *core = ctx;

	for (uint32_t i = 0; i < core->n_tables; i++)
		if (core->table[i].pa == pa)
			return (uint64_t *)pool_page(core, i);
	return NULL;
}

/* Map memory that is contiguous in the kernel's view only, one physical run at a time. */
static int map_run(struct core *core, uint64_t va, const uint8_t *kernel, uint64_t pages, unsigned int flags)
{
	int err = 0;

	while (pages && !err) {
		uint64_t pa = os_virt_to_phys(kernel);
		uint64_t n = 1;

		while (n < pages && os_virt_to_phys(kernel + n * OS_PAGE) == pa + n * OS_PAGE)
			n++;
		err = pt_map(&core->tables, va, pa, n, flags);
		/* Where memory is scattered a run is a page. */
		if (!err && !os_relax())
			err = PLINTH_E_INTR;
		va += n * OS_PAGE;
		kernel += n * OS_PAGE;
		pages -= n;
	}
	return err;
}

static unsigned int flags_of(uint32_t perms)
{
	return (perms & RTLD_W ? PT_WRITE : 0) | (perms & RTLD_X ? PT_EXEC : 0);
}

static int map_module(struct core *core, uint32_t module)
{
	struct rtld_cursor at = {0};
	struct rtld_region region;
	int err = 0;

	while (!err && rtld_next_region(core->link.set, module, &at, &region))
		err = map_run(core, region.run, region.write, region.size / OS_PAGE, flags_of(region.perms));
	return err;
}

static int map_regions(struct core *core)
{
	int err = 0;

	for (uint32_t i = 0; i < ARRAY_SIZE_OF(region_flags) && !err; i++) {
		const struct space_region *region = &core->space[region_flags[i].id];

		err = map_run(core, region->va, region->kernel, region->pages, region_flags[i].flags);
	}
	return err;
}

static int map_everything(struct core *core)
{
	int err = table_alloc(core, &core->tables.root_pa);

	for (uint32_t i = 0; i < core->n_modules && !err; i++)
		err = map_module(core, i);
	return err ? err : map_regions(core);
}

int map_all(void *ctx)
{
	struct core *core = ctx;
	int err;

	core->n_tables = core->n_known = 0;
	core->levels = os_paging_levels();
	core->tables = (struct pt){
		.levels = core->levels,
		.alloc = table_alloc,
		.table = table_reach,
		.ctx = core,
	};
	err = map_everything(core);
	if (err) {
		report_line(core->report, "the modules could not be mapped: %s", plinth_strerror(err));
		return err;
	}
	/* The launch tables share everything below their top level with the root tables. */
	memcpy(core_launch_pgd(core), pool_page(core, 0), OS_PAGE / 2);
	return 0;
}

/*
 * Not all of the kernel's half is the same in every process: with page-table isolation the LDT is not, to
 * which the segment registers of the process that happens to run on a CPU may lead. So it is taken anew for
 * each use.
 */
uint64_t map_launch_tables(const struct core *core)
{
	os_kernel_half(core_launch_pgd(core));
	return os_virt_to_phys(core_launch_pgd(core));
}
