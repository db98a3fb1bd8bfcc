// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* LOAD: fetch the files from user space, then let the core judge them. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include <plinth/log.h>

#include "drivers/linux/linux.h"
#include "drivers/linux/load.h"

#define NAME_BYTES 256

struct files {
	u32 n;
	struct plinth_ctl_file user[PLINTH_CTL_MAX_FILES];
	struct core_file core[PLINTH_CTL_MAX_FILES];
};

static int fetch_name(struct core_file *out, const struct plinth_ctl_file *user)
{
	char *name = strndup_user(u64_to_user_ptr(user->name), NAME_BYTES);

	if (IS_ERR(name))
		return PTR_ERR(name) == -ENOMEM ? PLINTH_E_NOMEM : PLINTH_E_FAULT;
	out->name = name;
	return 0;
}

static int fetch_file(struct core_file *out, const struct plinth_ctl_file *user, struct core_report *report)
{
	void *bytes;
	int err = fetch_name(out, user);

	if (err)
		return err;
	if (user->n_bytes > PLINTH_CTL_MAX_FILE_BYTES) {
		report_line(report, "%s: %llu bytes; at most %u can be loaded", out->name, user->n_bytes,
			    PLINTH_CTL_MAX_FILE_BYTES);
		return PLINTH_E_LIMIT;
	}
	bytes = __vmalloc(max_t(u64, user->n_bytes, 1), GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!bytes) {
		report_line(report, "out of memory: %llu bytes for %s", user->n_bytes, out->name);
		return PLINTH_E_NOMEM;
	}
	out->bytes = bytes;
	out->n_bytes = user->n_bytes;
	return copy_from_user(bytes, u64_to_user_ptr(user->bytes), user->n_bytes) ? PLINTH_E_FAULT : 0;
}

static int fetch_files(struct files *files, const struct plinth_ctl_load *arg, struct core_report *report)
{
	u32 i;
	int err = 0;

	if (copy_from_user(files->user, u64_to_user_ptr(arg->files), arg->n_files * sizeof(files->user[0])))
		return PLINTH_E_FAULT;
	files->n = arg->n_files;
	for (i = 0; i < files->n && !err; i++)
		err = fetch_file(&files->core[i], &files->user[i], report);
	return err;
}

/* Checked by rtld, whatever is in it; only its length is checked here. */
static int fetch_plan(struct core_load *load, const struct plinth_ctl_load *arg, struct core_report *report)
{
	void *plan;

	if (!arg->plan)
		return 0;
	if (arg->n_plan_bytes > PLINTH_CTL_MAX_PLAN_BYTES) {
		report_line(report, "link plan: %llu bytes; at most %u are possible", arg->n_plan_bytes,
			    PLINTH_CTL_MAX_PLAN_BYTES);
		return PLINTH_E_LIMIT;
	}
	plan = kvmalloc(max_t(u64, arg->n_plan_bytes, 1), GFP_KERNEL);
	if (!plan)
		return PLINTH_E_NOMEM;
	load->plan = plan;
	load->n_plan_bytes = arg->n_plan_bytes;
	return copy_from_user(plan, u64_to_user_ptr(arg->plan), arg->n_plan_bytes) ? PLINTH_E_FAULT : 0;
}

static void free_files(struct files *files)
{
	u32 i;

	for (i = 0; i < files->n; i++) {
		kfree(files->core[i].name);
		vfree(files->core[i].bytes);
	}
	kvfree(files);
}

static int check_options(const struct plinth_ctl_load *arg, struct core_report *report)
{
	const struct {
		const char *what;
		u64 value, limit;
	} limits[] = {
		{ "load flags", arg->flags, PLINTH_LOAD_NO_ASLR | PLINTH_LOAD_LAZY },
		{ "number of modules", arg->n_files, PLINTH_CTL_MAX_FILES },
		{ "log level", arg->log_level, PLINTH_LOG_DEBUG },
		{ "UART port", arg->uart_port, 0xfff8 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		if (limits[i].value <= limits[i].limit)
			continue;
		report_line(report, "%s %llu: at most %llu is possible", limits[i].what, limits[i].value,
			    limits[i].limit);
		return PLINTH_E_INVAL;
	}
	return 0;
}

int load_from_user(const struct plinth_ctl_load *arg, struct core_report *report)
{
	struct core_load load = {
		.n_files = arg->n_files,
		.flags = arg->flags,
		.log_level = arg->log_level,
		.uart_port = arg->uart_port,
		.uart_baud = arg->uart_baud,
		.heap_bytes = arg->heap_bytes,
	};
	struct files *files;
	int err = check_options(arg, report);

	if (err)
		return err;
	files = kvzalloc(sizeof(*files), GFP_KERNEL);
	if (!files)
		return PLINTH_E_NOMEM;
	err = fetch_files(files, arg, report);
	load.files = files->core;
	if (!err)
		err = fetch_plan(&load, arg, report);
	if (!err)
		err = core_load(plinth_core, &load, report);
	kvfree(load.plan);
	free_files(files);
	return err;
}
