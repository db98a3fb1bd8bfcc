// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Registrations of processes that introspect the machine. The VMM leads pages of a window elsewhere: until it
 * has said that no CPU goes by that any more, or no CPU is a guest, the window's memory is nobody else's.
 *
 * Order of locks: that of a process's address space, and nothing of ours beneath it; an open file's; the
 * mutex here; os_lock(); CPU hot-plug. So the end of a window, which comes with an address space locked, is
 * dealt with by a queue.
 */
#include <linux/capability.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/security.h>
#include <linux/smp.h>

#include <asm/cpufeature.h>

#include <plinth/introspection.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/linux.h"
#include "drivers/linux/window.h"

#define TRIES  16  /* to find a CPU that is a guest while CPUs go */
#define ROUNDS 256 /* in each of which every CPU makes an exit */

static DEFINE_MUTEX(introspect_mutex);
static struct workqueue_struct *queue;
static LIST_HEAD(windows); /* that are registered */

/* -- messages; the mutex is held ------------------------------------------------------------------ */

static struct introspection_message message;
static struct introspection_answer answer;
static struct core_report ignored;
static u64 newest_id;

static u32 guests(void)
{
	struct plinth_ctl_status status = {.size = sizeof(status)};

	core_status(plinth_core, &status);
	return status.n_guests;
}

static int send_once(struct core_report *report)
{
	struct core_call call = {
		.name = INTROSPECTION_NAME,
		.cpu = raw_smp_processor_id(),
		.in = &message,
		.in_bytes = sizeof(message),
		.out = &answer,
		.room = sizeof(answer),
	};

	report_clear(report);
	/* Until somebody says otherwise. */
	answer = (struct introspection_answer){.pending = 1};
	return core_call(plinth_core, &call, report);
}

/* The CPU this runs on may be on its way out, and somebody else's call in progress. */
static int tell_module(struct core_report *report)
{
	int err = send_once(report), tries;

	for (tries = 1; tries < TRIES && (err == PLINTH_E_STATE || err == PLINTH_E_BUSY) && guests();
	     tries++) {
		msleep(1);
		err = send_once(report);
	}
	return err;
}

/* Does nothing lead from this window to elsewhere any more, on no CPU? */
static bool send_end(const struct window *window)
{
	int round;

	for (round = 0; round < ROUNDS; round++) {
		int err;

		message = (struct introspection_message){.op = INTROSPECTION_END, .id = window->id};
		err = tell_module(&ignored);
		if (err)
			return err == PLINTH_E_NAME || !guests();
		if (!answer.pending)
			return true;
		core_make_exits(plinth_core);
		cond_resched();
	}
	return false;
}

/* -- the end of a window; the mutex is held --------------------------------------------------------- */

/* What cannot be ended yet stays in the list: after the next stop it can. */
static void settle(struct window *window)
{
	if (window->id && send_end(window)) {
		window->id = 0;
		list_del_init(&window->link);
	}
	if (!window->id && window->is_closed)
		window_free(window);
}

static void settle_all(void)
{
	struct window *window, *next;

	list_for_each_entry_safe(window, next, &windows, link) settle(window);
}

static void zap_all(void)
{
	struct window *window;

	list_for_each_entry(window, &windows, link) window_zap(window);
}

static void window_was_closed(struct work_struct *work)
{
	struct window *window = container_of(work, struct window, closed);

	mutex_lock(&introspect_mutex);
	window->is_closed = true;
	settle(window);
	mutex_unlock(&introspect_mutex);
}

void introspect_close(void)
{
	mutex_lock(&introspect_mutex);
	zap_all();
}

void introspect_open(void)
{
	settle_all();
	mutex_unlock(&introspect_mutex);
}

static void lose_all(struct work_struct *work)
{
	introspect_close();
	introspect_open();
}
static DECLARE_WORK(lose_all_work, lose_all);

void introspect_lost(void)
{
	introspect_queue(&lose_all_work);
}

/* -- who may ------------------------------------------------------------------------------------------ */

int introspect_refuse(const struct introspect_user *user, int err, const char *why)
{
	report_clear(user->report);
	report_line(user->report, "%s refused: %s", user->command, why);
	return err;
}

int introspect_permitted(const struct introspect_user *user)
{
	if (!capable(CAP_SYS_RAWIO))
		return introspect_refuse(user, PLINTH_E_PERM,
					 "it shows all of the machine's memory, which wants CAP_SYS_RAWIO");
	if (security_locked_down(LOCKDOWN_DEV_MEM))
		return introspect_refuse(
			user, PLINTH_E_PERM,
			"the kernel is locked down (kernel_lockdown(7)), so that nobody sees all of the "
			"machine's memory");
	return 0;
}

int introspect_running(const struct introspect_user *user)
{
	struct plinth_ctl_status status = {.size = sizeof(status)};

	core_status(plinth_core, &status);
	if (status.state == PLINTH_CORRUPT)
		return introspect_refuse(user, PLINTH_E_CORRUPT, "the VMM has died: restart the machine");
	if (status.state != PLINTH_RUNNING)
		return introspect_refuse(
			user, PLINTH_E_STATE,
			"the VMM is not running: plinthctl load --add introspection, then start");
	return 0;
}

int introspect_unserved(const struct introspect_user *user)
{
	return introspect_refuse(
		user, PLINTH_E_NAME,
		"no module that serves it is loaded: plinthctl load --add introspection, then start");
}

struct admission {
	struct introspect_user user;
	struct window *window;
	u32 flags;
};

static int may_introspect(const struct admission *admission)
{
	if (admission->flags & ~PLINTH_INTROSPECT_WRITE)
		return introspect_refuse(&admission->user, PLINTH_E_INVAL,
					 "it has flags that this driver does not know");
	return introspect_permitted(&admission->user);
}

static int has_window(const struct admission *admission)
{
	const struct window *window = admission->window;

	if (!window || window->mm != current->mm || window->is_closed)
		return introspect_refuse(
			&admission->user, PLINTH_E_INVAL,
			"this process has no window: map this open file first, 2 MiB from offset 0");
	if (window->id)
		return introspect_refuse(&admission->user, PLINTH_E_BUSY, "this process introspects already");
	return 0;
}

/* -- admission; the mutex is held ---------------------------------------------------------------------- */

/* Whole pages only; returns -1 to end the walk when there is no more room. */
static int add_run(struct resource *run, void *unused)
{
	const u64 start = PAGE_ALIGN(run->start), end = ALIGN_DOWN(run->end + 1, PAGE_SIZE);

	if (start >= end)
		return 0;
	if (message.n_memory == INTROSPECTION_MEMORY)
		return -1;
	message.memory[message.n_memory++] = (struct introspection_memory){start, end};
	return 0;
}

static int describe_memory(const struct admission *admission)
{
	if (walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1, NULL,
				add_run) == -1)
		return introspect_refuse(
			&admission->user, PLINTH_E_LIMIT,
			"the machine's memory lies in more pieces (/proc/iomem) than it can take");
	return 0;
}

static u32 flags_of_admission(const struct admission *admission)
{
	return (admission->flags & PLINTH_INTROSPECT_WRITE ? INTROSPECTION_MAY_WRITE : 0) |
	       (cpu_feature_enabled(X86_FEATURE_PTI) ? INTROSPECTION_ISOLATED : 0);
}

static int describe_window(const struct admission *admission)
{
	message = (struct introspection_message){
		.op = INTROSPECTION_ADMIT,
		.flags = flags_of_admission(admission),
		.id = ++newest_id,
		.cr3 = __pa(admission->window->mm->pgd),
		.window = window_pa(admission->window),
	};
	return describe_memory(admission);
}

/* In words that say more than the core's, which knows of no introspection. */
static int explain_refusal(const struct admission *admission, int err)
{
	switch (err) {
	case PLINTH_E_NAME: return introspect_unserved(&admission->user);
	case PLINTH_E_LIMIT:
		return introspect_refuse(&admission->user, err,
					 "as many processes introspect already as it serves: end one");
	}
	return err;
}

/* In the list before it is sent: whatever becomes of it, the VMM is told of the end. */
static int admit_window(const struct admission *admission)
{
	struct window *window = admission->window;
	int err = describe_window(admission);

	if (err)
		return err;
	window->id = message.id;
	list_add_tail(&window->link, &windows);
	err = tell_module(admission->user.report);
	if (err)
		settle(window);
	return err ? explain_refusal(admission, err) : 0;
}

static int admit_alone(const struct admission *admission)
{
	int err;

	mutex_lock(&introspect_mutex);
	err = has_window(admission);
	if (!err)
		err = introspect_running(&admission->user);
	if (!err)
		err = admit_window(admission);
	mutex_unlock(&introspect_mutex);
	return err;
}

int introspect_admit(struct window *window, u32 flags, struct core_report *report)
{
	const struct admission admission = {{"introspect", report}, window, flags};
	int err = may_introspect(&admission);

	return err ? err : admit_alone(&admission);
}

int introspect_map(struct file *file, struct vm_area_struct *area, struct window **own)
{
	return window_map(file, area, own, window_was_closed);
}

/* -- life ------------------------------------------------------------------------------------------------ */

void introspect_queue(struct work_struct *work)
{
	queue_work(queue, work);
}

int introspect_init(void)
{
	queue = alloc_ordered_workqueue("plinth_introspect", 0);
	return queue ? 0 : -ENOMEM;
}

/* What is still in the list afterwards is the memory of a VMM that may still run. */
void introspect_fini(void)
{
	destroy_workqueue(queue);
	introspect_close();
	introspect_open();
}
