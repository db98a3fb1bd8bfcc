/* SPDX-License-Identifier: MIT */
/*
 * Linking the set of modules, and finding what the core calls in it. rtld does it; memory and reports are the
 * core's.
 */
#include <string.h>

#include "drivers/common/internal.h"
#include "rtld/format.h"

#define ERROR_ROOM  128u /* findings of rtld; what is more is only counted */
#define ERROR_BYTES (ERROR_ROOM * sizeof(struct rtld_error))

void link_report(struct core *core)
{
	const struct rtld_errors *errors = &core->link.errors;
	unsigned int highest = rtld_highest_version(core->link.set, errors);
	char line[512];

	for (uint32_t i = 0; i < errors->count && i < errors->room; i++) {
		(void)os_relax();
		rtld_format_in(core->link.set, highest, &errors->list[i], line, sizeof(line));
		report_line(core->report, "%s", line);
	}
	if (errors->count > errors->room)
		report_line(core->report, "(%u more findings)", errors->count - errors->room);
}

int link_begin(struct core *core)
{
	struct core_link *link = &core->link;

	link->arena_bytes = rtld_set_size(core->n_modules);
	link->arena = core_alloc_bytes(core, link->arena_bytes, "linking");
	if (!link->arena)
		return PLINTH_E_NOMEM;
	link->errors.list = core_alloc_bytes(core, ERROR_BYTES, "linking");
	if (!link->errors.list)
		return PLINTH_E_NOMEM;
	link->errors.room = ERROR_ROOM;
	link->set = rtld_set_init(link->arena, link->arena_bytes, core->n_modules,
				  core->load->flags & PLINTH_LOAD_LAZY ? RTLD_LAZY_PLT : 0, &link->errors);
	if (!link->set)
		return PLINTH_E_INVAL;
	rtld_set_pause(link->set, os_relax);
	return 0;
}

void link_end(struct core *core)
{
	struct core_link *link = &core->link;

	core_free_bytes(core, link->work, link->work_bytes);
	core_free_bytes(core, link->errors.list, ERROR_BYTES);
	core_free_bytes(core, link->arena, link->arena_bytes);
	memset(link, 0, sizeof(*link));
}

static int link_images(struct core *core)
{
	struct core_link *link = &core->link;
	int err;

	for (uint32_t i = 0; i < core->n_modules; i++) {
		const struct core_module *module = &core->modules[i];

		err = rtld_place(link->set, i, module->image, module->about.base_va);
		if (err)
			return err;
	}
	err = lazy_set(core);
	if (err)
		return err;
	link->work_bytes = rtld_work_size(link->set);
	link->work = core_alloc_bytes(core, link->work_bytes, "linking");
	if (!link->work)
		return PLINTH_E_NOMEM;
	rtld_set_plan(link->set, core->load->plan, core->load->n_plan_bytes);
	return rtld_link(link->set, link->work, link->work_bytes);
}

static enum plinth_ctl_plan plan_state(const struct core *core)
{
	if (!core->load->plan)
		return PLINTH_PLAN_NONE;
	return rtld_plan_used(core->link.set) ? PLINTH_PLAN_USED : PLINTH_PLAN_UNFIT;
}

int link_modules(void *ctx)
{
	struct core *core = ctx;
	uint64_t before = os_ticks();
	int err = link_images(core);

	core->link_ticks = os_ticks() - before;
	for (uint32_t i = 0; i < core->n_modules && !err; i++)
		core->modules[i].about.needs = rtld_needs(core->link.set, i);
	core->link_plan = plan_state(core);
	link_report(core);
	return err;
}

static const char *const core_entry_names[ENTRY_COUNT] = {
	[ENTRY_INIT] = "entry_init",	   [ENTRY_FINI] = "entry_fini",	  [ENTRY_PREPARE] = "entry_prepare",
	[ENTRY_RELEASE] = "entry_release", [ENTRY_START] = "entry_start", [ENTRY_CHECK] = "entry_check",
	[ENTRY_CALL] = "entry_call",
};

int link_entry_points(void *ctx)
{
	struct core *core = ctx;
	int first = 0;

	for (uint32_t i = 0; i < ENTRY_COUNT; i++) {
		int err = rtld_lookup(core->link.set, core_entry_names[i], &core->entry[i]);

		if (!err)
			continue;
		report_line(core->report, "no module exports %s: add the entry module", core_entry_names[i]);
		first = err;
	}
	return first;
}
