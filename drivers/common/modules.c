/* SPDX-License-Identifier: MIT */
/* From files to a set of modules with memory for their images. */
#include <string.h>

#include "drivers/common/internal.h"
#include "rtld/format.h"

#define ERROR_ROOM 128u /* findings of rtld; what is more is only counted */

static void report_findings(struct core *core)
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

static int alloc_link(struct core *core)
{
	struct core_link *link = &core->link;
	size_t bytes = rtld_set_size(core->n_modules);

	link->arena_pages = core_pages(bytes);
	link->arena = core_alloc(core, link->arena_pages, OS_PAGE, "linking");
	if (!link->arena)
		return PLINTH_E_NOMEM;
	link->error_pages = core_pages(ERROR_ROOM * sizeof(struct rtld_error));
	link->errors.list = core_alloc(core, link->error_pages, OS_PAGE, "linking");
	if (!link->errors.list)
		return PLINTH_E_NOMEM;
	link->errors.room = ERROR_ROOM;
	link->set = rtld_set_init(link->arena, bytes, core->n_modules,
				  core->load->flags & PLINTH_LOAD_LAZY ? RTLD_LAZY_PLT : 0, &link->errors);
	if (!link->set)
		return PLINTH_E_INVAL;
	rtld_set_pause(link->set, os_relax);
	return 0;
}

void modules_end_link(struct core *core)
{
	struct core_link *link = &core->link;

	core_free(core, link->work, link->work_pages);
	core_free(core, link->errors.list, link->error_pages);
	core_free(core, link->arena, link->arena_pages);
	memset(link, 0, sizeof(*link));
}

static uint64_t list_pages(const struct core *core)
{
	return core_pages(core->n_modules * sizeof(*core->modules));
}

static void describe(struct core *core, uint32_t i)
{
	struct plinth_ctl_module *about = &core->modules[i].about;

	note_copy_text(about->file, core->load->files[i].name, sizeof(about->file));
}

/* All files, so that one try names all that is wrong with them. */
static int probe_files(struct core *core)
{
	struct rtld_set *set = core->link.set;
	int first = 0;

	for (uint32_t i = 0; i < core->n_modules; i++) {
		const struct core_file *file = &core->load->files[i];
		int err =
			os_relax() ? rtld_probe(set, file->name, file->bytes, file->n_bytes) : PLINTH_E_INTR;

		if (err >= 0)
			err = note_read(core, file->name, (uint32_t)err, &core->modules[err].about);
		if (err && !first)
			first = err;
	}
	for (uint32_t i = 0; i < core->n_modules && !first; i++)
		describe(core, i);
	report_findings(core);
	return first;
}

int modules_probe(void *ctx)
{
	struct core *core = ctx;
	int err;

	if (!core->load->n_files || core->load->n_files > PLINTH_CTL_MAX_FILES) {
		report_line(core->report, "%u modules: 1 to %u can be loaded", core->load->n_files,
			    PLINTH_CTL_MAX_FILES);
		return PLINTH_E_LIMIT;
	}
	core->n_modules = core->load->n_files;
	core->modules = core_alloc(core, list_pages(core), OS_PAGE, "the module list");
	err = core->modules ? alloc_link(core) : PLINTH_E_NOMEM;
	if (!err)
		err = probe_files(core);
	if (err)
		modules_forget(core);
	return err;
}

void modules_forget(void *ctx)
{
	struct core *core = ctx;

	modules_end_link(core);
	core_free(core, core->modules, list_pages(core));
	core->modules = NULL;
	core->n_modules = 0;
}

int modules_alloc(void *ctx)
{
	struct core *core = ctx;

	for (uint32_t i = 0; i < core->n_modules; i++) {
		const struct rtld_info *info = rtld_info(core->link.set, i);
		struct core_module *module = &core->modules[i];

		module->about.bytes = info->image_size;
		module->align = info->align;
		module->image = core_alloc(core, info->image_size / OS_PAGE, OS_PAGE, info->file);
		if (!module->image) {
			modules_free(core);
			return PLINTH_E_NOMEM;
		}
	}
	return 0;
}

void modules_free(void *ctx)
{
	struct core *core = ctx;

	for (uint32_t i = 0; i < core->n_modules; i++) {
		struct core_module *module = &core->modules[i];

		core_free(core, module->image, module->about.bytes / OS_PAGE);
		module->image = NULL;
	}
}

static int link_images(struct core *core)
{
	struct core_link *link = &core->link;
	size_t bytes = rtld_work_size(link->set);
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
	link->work_pages = core_pages(bytes);
	link->work = core_alloc(core, link->work_pages, OS_PAGE, "linking");
	if (!link->work)
		return PLINTH_E_NOMEM;
	rtld_set_plan(link->set, core->load->plan, core->load->n_plan_bytes);
	return rtld_link(link->set, link->work, bytes);
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
	report_findings(core);
	return err;
}
