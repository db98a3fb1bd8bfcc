/* SPDX-License-Identifier: MIT */
/*
 * The pages that the VMM's page tables are made of, and where they are found again. They lie in the pool, but
 * for the launch tables' top level; the root tables' is the pool's first page.
 */
#include "drivers/common/internal.h"

static uint64_t *pool_table(const struct core *core, uint64_t page)
{
	return (uint64_t *)((uint8_t *)core->space[SPACE_POOL].kernel + page * OS_PAGE);
}

/* A table that the memory module made of any page of the pool: looked for once. */
static uint64_t *discover(struct core *core, uint64_t pa)
{
	for (uint64_t i = core->n_tables; i < core->space[SPACE_POOL].pages; i++) {
		if (os_virt_to_phys(pool_table(core, i)) != pa)
			continue;
		if (core->n_known < core->max_tables)
			core->table[core->n_known++] = (struct core_table){.pa = pa, .page = i};
		return pool_table(core, i);
	}
	return NULL;
}

static uint64_t *reach(void *ctx, uint64_t pa)
{
	struct core *core = ctx;

	for (uint64_t i = 0; i < core->n_known; i++)
		if (core->table[i].pa == pa)
			return pool_table(core, core->table[i].page);
	if (pa == os_virt_to_phys(core_launch_pgd(core)))
		return core_launch_pgd(core);
	return discover(core, pa);
}

static int take_table(void *ctx, uint64_t *pa)
{
	struct core *core = ctx;
	uint32_t i = core->n_tables;

	if (i == core->max_tables)
		return PLINTH_E_NOMEM;
	core->table[i] = (struct core_table){.pa = os_virt_to_phys(pool_table(core, i)), .page = i};
	*pa = core->table[i].pa;
	core->n_known = ++core->n_tables;
	return 0;
}

int page_tables_init(struct core *core)
{
	core->n_tables = core->n_known = 0;
	core->tables = (struct pt){
		.levels = os_paging_levels(),
		.alloc = take_table,
		.table = reach,
		.ctx = core,
	};
	return take_table(core, &core->tables.root_pa);
}

struct pt page_tables_of(const struct core *core, enum plinth_map_table table)
{
	struct pt pt = core->tables;

	if (table == PLINTH_MAP_LAUNCH)
		pt.root_pa = os_virt_to_phys(core_launch_pgd(core));
	return pt;
}
