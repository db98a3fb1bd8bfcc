/* SPDX-License-Identifier: MIT */
/* From files to a set of modules with memory for their images. */
#include "drivers/common/internal.h"

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
	for (uint32_t i = 0; i < core->n_modules && !first; i++) {
		struct plinth_ctl_module *about = &core->modules[i].about;

		note_copy_text(about->file, core->load->files[i].name, sizeof(about->file));
	}
	link_report(core);
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
	core->modules = core_alloc_bytes(core, core->n_modules * sizeof(*core->modules), "the module list");
	err = core->modules ? link_begin(core) : PLINTH_E_NOMEM;
	if (!err)
		err = probe_files(core);
	if (err)
		modules_forget(core);
	return err;
}

void modules_forget(void *ctx)
{
	struct core *core = ctx;

	link_end(core);
	core_free_bytes(core, core->modules, core->n_modules * sizeof(*core->modules));
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
