/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Processes that introspect the machine: who may, from when on, and that it ends. What they can do then is
 * the module's that answers INTROSPECTION_NAME (plinth/introspection.h).
 */
#ifndef DRIVERS_LINUX_INTROSPECT_H
#define DRIVERS_LINUX_INTROSPECT_H

#include <linux/types.h>

#include "drivers/common/core.h"

struct file;
struct vm_area_struct;
struct window;
struct work_struct;

int introspect_init(void);
/* Nobody has the device open any more, and the VMM has been stopped for good, or cannot be. */
void introspect_fini(void);

/* introspect_map() - mmap() of the device; @own: the window of this open file. Return: 0 or -errno. */
int introspect_map(struct file *file, struct vm_area_struct *area, struct window **own);

/* introspect_admit() - PLINTH_CTL_INTROSPECT for the process that calls. */
int introspect_admit(struct window *window, u32 flags, struct core_report *report);

/*
 * introspect_close() - before the VMM stops, or what died is buried: nobody sees anything through a window
 * any more, and nobody is admitted.
 * introspect_open() - after it.
 *
 * Context: may sleep; neither os_lock() nor CPU hot-plug is held.
 */
void introspect_close(void);
void introspect_open(void);

/* introspect_lost() - the VMM is corrupt: the same, soon. Any context. */
void introspect_lost(void);

/* Whoever wants to see something, in the words of a refusal. */
struct introspect_user {
	const char *command;
	struct core_report *report;
};

/*
 * introspect_refuse() - the report is that this was refused, and why. Return: @err.
 * introspect_permitted() - may the process that calls see the machine's memory?
 * introspect_running() - is there a VMM? Return: 0, or what is in the way, which is in the report.
 * introspect_unserved() - no module answers to INTROSPECTION_NAME. Return: PLINTH_E_NAME.
 */
int introspect_refuse(const struct introspect_user *user, int err, const char *why);
int introspect_permitted(const struct introspect_user *user);
int introspect_running(const struct introspect_user *user);
int introspect_unserved(const struct introspect_user *user);

/* introspect_queue() - of window.c and peek.c: have it done by a thread of the kernel, where no lock is held.
 */
void introspect_queue(struct work_struct *work);

#endif
