// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * CALL: a message from user space, and its answer there. The core, and what is behind it, see the kernel's
 * copies.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "drivers/linux/linux.h"

struct copies {
	u8 in[PLINTH_CALL_BYTES];
	u8 out[PLINTH_CALL_BYTES];
};

/* More than a message can have is not fetched: the core refuses it by its length. */
static int fetch_message(struct copies *copies, const struct plinth_ctl_call *arg)
{
	return copy_from_user(copies->in, u64_to_user_ptr(arg->in),
			      min_t(u64, arg->in_bytes, sizeof(copies->in)))
		       ? PLINTH_E_FAULT
		       : 0;
}

static int call_by(struct copies *copies, struct plinth_ctl_call *arg, struct core_report *report)
{
	struct core_call call = {
		.cpu = arg->cpu == PLINTH_CALL_HERE ? raw_smp_processor_id() : arg->cpu,
		.in = copies->in,
		.in_bytes = arg->in_bytes,
		.out = copies->out,
		.room = min_t(u64, arg->room, sizeof(copies->out)),
	};
	int err;

	memcpy(call.name, arg->name, sizeof(call.name));
	err = core_call(plinth_core, &call, report);
	if (err)
		return err;
	arg->out_bytes = call.out_bytes;
	return copy_to_user(u64_to_user_ptr(arg->out), copies->out, call.out_bytes) ? PLINTH_E_FAULT : 0;
}

static int refuse_driver_names(const struct plinth_ctl_call *arg, struct core_report *report)
{
	if (strncmp(arg->name, PLINTH_CALL_DRIVER, strlen(PLINTH_CALL_DRIVER)))
		return 0;
	report_line(report, "call refused: names that begin with \"" PLINTH_CALL_DRIVER
			    "\" are answered to the driver alone");
	return PLINTH_E_PERM;
}

int call_from_user(struct plinth_ctl_call *arg, struct core_report *report)
{
	struct copies *copies;
	int err = refuse_driver_names(arg, report);

	if (err)
		return err;
	copies = kvzalloc(sizeof(*copies), GFP_KERNEL);
	if (!copies)
		return PLINTH_E_NOMEM;
	err = fetch_message(copies, arg);
	if (!err)
		err = call_by(copies, arg, report);
	/* Only the two who talk know what they say. */
	kvfree_sensitive(copies, sizeof(*copies));
	return err;
}
