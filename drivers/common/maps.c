/* SPDX-License-Identifier: MIT */
/*
 * What is mapped, as both sets of page tables say: shown, and checked after each load and
 * before the first CPU becomes a guest. Later the VMM hides its tables from us.
 */
#include <string.h>

#include "drivers/common/internal.h"

static const char *const space_names[SPACE_COUNT] = {
	[SPACE_BOOT] = "boot",	   [SPACE_STACK] = "boot stack", [SPACE_SHARED] = "shared",
	[SPACE_TUNING] = "tuning", [SPACE_TABLES] = "lists",	 [SPACE_POOL] = "pool",
};

/* The memory module makes tables as well: of any page of the pool. */
static uint64_t *reach(void *ctx, uint64_t pa)
{
	const struct core *core = ctx;
	const struct space_region *pool = &core->space[SPACE_POOL];

	if (pa == os_virt_to_phys(core->launch_pgd))
		return core->launch_pgd;
	for (uint64_t i = 0; i < pool->pages; i++) {
		uint8_t *page = (uint8_t *)pool->kernel + i * OS_PAGE;

		if (os_virt_to_phys(page) == pa)
			return (uint64_t *)page;
	}
	return NULL;
}

static struct pt tables_of(struct core *core, enum plinth_map_table table)
{
	return (struct pt){
		.root_pa = table == PLINTH_MAP_LAUNCH ? os_virt_to_phys(core->launch_pgd) : core->tables.root_pa,
		.levels = core->levels,
		.table = reach,
		.ctx = core,
	};
}

static const char *name_of(const struct core *core, uint64_t va)
{
	for (uint32_t i = 0; i < core->n_modules; i++)
		if (va - core->modules[i].about.base_va < core->modules[i].about.bytes)
			return core->modules[i].about.name;
	for (uint32_t i = 0; i < SPACE_COUNT; i++)
		if (va - core->space[i].va < core->space[i].pages * OS_PAGE)
			return space_names[i];
	return "VMM";
}

static uint32_t flags_of(const struct pt_leaf *leaf)
{
	return (leaf->flags & PT_WRITE ? PLINTH_MAP_WRITE : 0) | (leaf->flags & PT_EXEC ? PLINTH_MAP_EXEC : 0) |
	       (leaf->user ? PLINTH_MAP_USER : 0) | (leaf->entry & PT_BIT_GLOBAL ? PLINTH_MAP_GLOBAL : 0);
}

/* -- the list ---------------------------------------------------------------- */

struct listing {
	struct core *core;
	uint8_t *out;
	uint64_t room, count;
	size_t item_bytes;
	struct plinth_ctl_map last; /* still growing */
};

static void put(struct listing *l)
{
	size_t bytes = l->item_bytes < sizeof(l->last) ? l->item_bytes : sizeof(l->last);

	if (!l->last.bytes)
		return;
	if (l->count < l->room)
		memcpy(l->out + l->count * l->item_bytes, &l->last, bytes);
	l->count++;
}

static int collect(void *ctx, const struct pt_leaf *leaf)
{
	struct listing *l = ctx;
	const char *name = name_of(l->core, leaf->va);

	if (l->last.bytes && leaf->va == l->last.va + l->last.bytes && flags_of(leaf) == l->last.flags &&
	    !strncmp(name, l->last.name, sizeof(l->last.name))) {
		l->last.bytes += leaf->bytes;
		return 0;
	}
	put(l);
	l->last.va = leaf->va;
	l->last.bytes = leaf->bytes;
	l->last.flags = flags_of(leaf);
	memset(l->last.name, 0, sizeof(l->last.name));
	memcpy(l->last.name, name, strnlen(name, sizeof(l->last.name) - 1));
	return 0;
}

uint64_t core_maps(struct core *core, void *out, uint64_t room, size_t item_bytes)
{
	struct listing l = {.core = core, .out = out, .room = room, .item_bytes = item_bytes};

	os_lock();
	for (uint32_t table = 0; core->state == PLINTH_LOADED && table < PLINTH_MAP_TABLES; table++) {
		const struct pt pt = tables_of(core, table);

		l.last = (struct plinth_ctl_map){.table = table};
		/* A table out of reach ends the list early; the check has refused such tables. */
		(void)pt_walk(&pt, collect, &l);
		put(&l);
	}
	os_unlock();
	return l.count;
}

/* -- the check ---------------------------------------------------------------- */

static int judge(void *ctx, const struct pt_leaf *leaf)
{
	struct core *core = ctx;
	uint32_t flags = flags_of(leaf);
	const char *what = NULL;

	if ((flags & PLINTH_MAP_WRITE) && (flags & PLINTH_MAP_EXEC))
		what = "writable and executable";
	else if (flags & PLINTH_MAP_USER)
		what = "accessible to user mode";
	else if (flags & PLINTH_MAP_GLOBAL)
		what = "global";
	if (!what)
		return 0;
	report_line(core->report, "0x%llx (%s) is %s: the VMM is not started like that",
		    (unsigned long long)leaf->va, name_of(core, leaf->va), what);
	return PLINTH_E_INVAL;
}

int maps_check(void *ctx)
{
	struct core *core = ctx;
	int err = 0;

	for (uint32_t table = 0; !err && table < PLINTH_MAP_TABLES; table++) {
		const struct pt pt = tables_of(core, table);

		err = pt_walk(&pt, judge, core);
	}
	return err;
}
