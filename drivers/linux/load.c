// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* LOAD: fetch the files from user space, then let the core judge them. */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include <plinth/log.h>

#include "drivers/common/os.h"
#include "drivers/linux/linux.h"
#include "drivers/linux/signature.h"

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
		err = os_relax() ? fetch_file(&files->core[i], &files->user[i], report) : PLINTH_E_INTR;
	return err;
}

/* Checked by rtld, whatever is in it; only its length is checked here. */
static int fetch_plan(struct core_load *load, const struct plinth_ctl_load *arg, struct core_report *report)
{
	void *plan;

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
		{"load flags", arg->flags, PLINTH_LOAD_NO_ASLR | PLINTH_LOAD_LAZY},
		{"number of modules", arg->n_files, PLINTH_CTL_MAX_FILES},
		{"log level", arg->log_level, PLINTH_LOG_DEBUG},
		{"UART port", arg->uart_port, 0xfff8},
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

/*
 * Who loads a module of the VMM gives orders to the machine, as who loads one of the kernel's: the same is
 * asked of both. What comes without a signature, in a kernel that wants one, is refused; a port that the VMM
 * writes to, in a kernel that gives nobody ports, too.
 */
static int check_permitted(const struct plinth_ctl_load *arg, struct core_report *report)
{
	if (!capable(CAP_SYS_MODULE)) {
		report_line(report, "load refused: it needs CAP_SYS_MODULE: modules of the VMM have the "
				    "kernel's privilege");
		return PLINTH_E_PERM;
	}
	if (arg->uart_port && security_locked_down(LOCKDOWN_IOPORT)) {
		report_line(report,
			    "UART port 0x%x refused: the kernel is locked down and gives nobody I/O ports",
			    arg->uart_port);
		return PLINTH_E_PERM;
	}
	return 0;
}

static void say_unsigned(const struct core_file *file, int err, struct core_report *report)
{
	if (err == -ENODATA)
		report_line(report, "%s refused: it is not signed, and this kernel takes signed modules only",
			    file->name);
	else
		report_line(report,
			    "%s refused: this kernel takes signed modules only, and its signature does not "
			    "hold (%d)",
			    file->name, err);
}

/* All of them are judged and, if that counts here, named. */
static int check_signatures(const struct files *files, struct core_report *report)
{
	int result = 0;
	u32 i;

	for (i = 0; i < files->n; i++) {
		int err;

		if (!os_relax())
			return PLINTH_E_INTR;
		err = signature_verify(files->core[i].bytes, files->core[i].n_bytes);
		if (!err)
			continue;
		/* Asked when it matters, because the kernel logs it. */
		if (!result && !signature_wanted())
			return 0;
		say_unsigned(&files->core[i], err, report);
		result = PLINTH_E_PERM;
	}
	return result;
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
	int err = check_permitted(arg, report);

	if (!err)
		err = check_options(arg, report);
	if (err)
		return err;
	files = kvzalloc(sizeof(*files), GFP_KERNEL);
	if (!files)
		return PLINTH_E_NOMEM;
	err = fetch_files(files, arg, report);
	load.files = files->core;
	if (!err)
		err = check_signatures(files, report);
	/* It can choose between definitions of one name, and nobody signs it. */
	if (!err && arg->plan && !signature_wanted())
		err = fetch_plan(&load, arg, report);
	if (!err)
		err = core_load(plinth_core, &load, report);
	kvfree(load.plan);
	free_files(files);
	return err;
}
