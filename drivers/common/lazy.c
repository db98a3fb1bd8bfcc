/* SPDX-License-Identifier: MIT */
/*
 * Jump slots that are filled at the first call (PLINTH_LOAD_LAZY). The binder is a module;
 * it reads what to write where from SPACE_SLOTS, read-only for it, and notes in SPACE_CLAIMS
 * what it has done. It seals pages by their page-table entries, which lie in the pool.
 */
#include <string.h>

#include <plinth/lazy.h>

#include "drivers/common/internal.h"

#define BINDER "lazy_entry"

static uint64_t slot_pages(const struct core *core, uint32_t module)
{
	struct rtld_region region;

	return rtld_lazy_region(core->link.set, module, &region) ? region.size / OS_PAGE : 0;
}

static uint64_t all_slot_pages(const struct core *core)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < core->n_modules; i++)
		pages += slot_pages(core, i);
	return pages;
}

/* The tables, and after them an address for each page of slots. */
uint64_t lazy_table_bytes(const struct core *core)
{
	return rtld_lazy_tables(core->link.set) + all_slot_pages(core) * sizeof(uint64_t);
}

uint64_t lazy_claim_bytes(const struct core *core)
{
	return rtld_lazy_states(core->link.set);
}

/* With modules placed; nobody but rtld may rely on what it says about the binder before they are linked. */
int lazy_set(struct core *core)
{
	struct core_link *link = &core->link;

	if (!rtld_lazy_tables(link->set))
		return 0;
	if (rtld_lookup(link->set, BINDER, &link->lazy.entry)) {
		report_line(core->report,
			    "no module exports " BINDER ": add the module lazy, or load without --lazy");
		return PLINTH_E_NOSYM;
	}
	link->lazy.tables = core->space[SPACE_SLOTS].kernel;
	link->lazy.tables_run = core->space[SPACE_SLOTS].va;
	link->lazy.states = core->space[SPACE_CLAIMS].kernel;
	link->lazy.states_run = core->space[SPACE_CLAIMS].va;
	rtld_set_lazy(link->set, &link->lazy);
	return 0;
}

/* Where the VMM writes the page-table entry of @va; 0: nowhere. */
static uint64_t entry_va(struct core *core, uint64_t va)
{
	const struct space_region *pool = &core->space[SPACE_POOL];
	const uint64_t *entry = pt_entry(&core->tables, va);

	return entry ? pool->va + (uint64_t)((const uint8_t *)entry - (const uint8_t *)pool->kernel) : 0;
}

/* "NAME slots", for the list of what is mapped. */
static void name_slots(struct core_module *module)
{
	static const char what[] = " slots";
	size_t length = strnlen(module->about.name, sizeof(module->slots_name) - sizeof(what));

	memcpy(module->slots_name, module->about.name, length);
	memcpy(module->slots_name + length, what, sizeof(what));
}

static int prepare(struct core *core, uint32_t i, uint64_t *next)
{
	const struct space_region *slots = &core->space[SPACE_SLOTS];
	struct plinth_lazy_table *table = rtld_lazy_table(core->link.set, i);
	struct core_module *module = &core->modules[i];

	if (!table)
		return 0;
	for (uint64_t k = 0; k < table->pages; k++) {
		next[k] = entry_va(core, table->pages_va + k * OS_PAGE);
		if (!next[k])
			return PLINTH_E_FAULT;
	}
	table->entries_va = slots->va + (uint64_t)((uint8_t *)next - (uint8_t *)slots->kernel);
	table->use_va = core->space[SPACE_SHARED].va + offsetof(struct plinth_shared, lazy) +
			i * sizeof(struct plinth_lazy_use);
	name_slots(module);
	module->slots_va = table->pages_va;
	module->slots_bytes = table->pages * OS_PAGE;
	core_shared_region(core)->lazy[i] =
		(struct plinth_lazy_use){.slots = (uint32_t)table->slots, .pages = (uint32_t)table->pages};
	return 0;
}

/* A step of a load: what only the page tables know. */
int lazy_prepare(void *ctx)
{
	struct core *core = ctx;
	uint8_t *kernel = core->space[SPACE_SLOTS].kernel;
	uint64_t *next;
	int err = 0;

	if (!kernel)
		return 0;
	next = (uint64_t *)(kernel + rtld_lazy_tables(core->link.set));
	for (uint32_t i = 0; i < core->n_modules && !err; i++) {
		err = prepare(core, i, next);
		next += slot_pages(core, i);
	}
	return err;
}

/* The shared region stays readable while second-level translation hides the rest. */
void lazy_describe(const struct core *core, uint32_t module, struct plinth_ctl_module *out)
{
	const struct plinth_lazy_use *use = &core_shared_region(core)->lazy[module];

	out->lazy_slots = use->slots;
	out->lazy_bound = use->bound;
	out->lazy_pages = use->pages;
	out->lazy_sealed = use->sealed;
}
