/* SPDX-License-Identifier: MIT */
/* What the page tables map: the root tables the VMM only, the launch tables the kernel, too. */
#include <string.h>

#include "drivers/common/internal.h"

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

	for (uint32_t i = 0; i < SPACE_COUNT && !err; i++) {
		const struct space_region *region = &core->space[i];

		err = map_run(core, region->va, region->kernel, region->pages, region_kinds[i].flags);
	}
	return err;
}

static int map_everything(struct core *core)
{
	int err = page_tables_init(core);

	for (uint32_t i = 0; i < core->n_modules && !err; i++)
		err = map_module(core, i);
	return err ? err : map_regions(core);
}

int map_all(void *ctx)
{
	struct core *core = ctx;
	int err = map_everything(core);

	if (err) {
		report_line(core->report, "the modules could not be mapped: %s", plinth_strerror(err));
		return err;
	}
	/* The launch tables share everything below their top level with the root tables. */
	memcpy(core_launch_pgd(core), core_root_pgd(core), OS_PAGE / 2);
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
