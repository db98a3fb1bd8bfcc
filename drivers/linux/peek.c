// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * PEEK: memory of a process, of the kernel and of the machine, for whoever may see all of it; by the module
 * that answers INTROSPECTION_NAME.
 *
 * A process's page tables change at any moment, and so do the owners of its pages. Therefore the question is
 * asked by a thread of the kernel that has taken on the process's address space: whoever frees a page or a
 * table of it waits until this CPU has forgotten it, by an interrupt that the CPU does not take while it is
 * in the VMM. That the CPU is there with these very tables is what the module looks at first.
 */
#include <limits.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include <plinth/introspection.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/linux.h"

#define ATTEMPTS 64 /* to be on a CPU that is a guest, and on the tables in question */

struct peek {
	struct plinth_ctl_peek *arg;
	struct introspect_user user;
	struct mm_struct *mm; /* of PLINTH_SPACE_PROCESS */
	struct work_struct work;
	int err;
	size_t bytes_back;
	struct introspection_access asked;
	struct introspection_reply reply;
};

static const struct {
	const char *command;
	u32 op;
	bool copies;
} peeks[] = {
	[PLINTH_PEEK_READ] = {"peek", INTROSPECTION_READ, true},
	[PLINTH_PEEK_WRITE] = {"poke", INTROSPECTION_WRITE, true},
	[PLINTH_PEEK_LOCATE] = {"v2p", INTROSPECTION_LOCATE, false},
	[PLINTH_PEEK_REGISTERS] = {"regs", INTROSPECTION_REGISTERS, false},
};

static int refuse_at(const struct peek *peek, int err, u64 address, const char *why)
{
	report_clear(peek->user.report);
	report_line(peek->user.report, "%s: 0x%llx: %s", peek->user.command, (unsigned long long)address,
		    why);
	return err;
}

/* -- what is asked ------------------------------------------------------------------------------------- */

static int judge_members(const struct peek *peek)
{
	const struct plinth_ctl_peek *arg = peek->arg;
	const bool wrong_registers =
		arg->op == PLINTH_PEEK_REGISTERS ? arg->space || arg->address : arg->cpu != 0;
	const bool wrong_space = arg->space > PLINTH_SPACE_PHYSICAL ||
				 (arg->pid && arg->space != PLINTH_SPACE_PROCESS) ||
				 (arg->op == PLINTH_PEEK_LOCATE && arg->space == PLINTH_SPACE_PHYSICAL);

	if (wrong_registers || wrong_space || arg->reserved0 || arg->physical)
		return introspect_refuse(&peek->user, PLINTH_E_INVAL, "its members do not fit together");
	if (arg->bytes > PLINTH_PEEK_BYTES || peeks[arg->op].copies != !!arg->bytes)
		return introspect_refuse(&peek->user, PLINTH_E_INVAL,
					 "so many bytes cannot be read or written at once");
	return 0;
}

/* The last byte, too. */
static bool is_in_kernel(u64 address, u64 bytes)
{
	return address >> 63 && (address + (bytes ? bytes - 1 : 0)) >> 63;
}

static bool is_system_ram(u64 address, u64 bytes)
{
	u64 page;

	if (address + bytes < address)
		return false;
	for (page = PHYS_PFN(address); page <= PHYS_PFN(address + bytes - 1); page++)
		if (!page_is_ram(page))
			return false;
	return true;
}

/* The kernel has all of the machine's memory at addresses of its own. */
static int find_address(struct peek *peek)
{
	const u64 address = peek->arg->address, bytes = peek->arg->bytes;

	peek->asked.address = address;
	switch (peek->arg->space) {
	case PLINTH_SPACE_PHYSICAL:
		if (!is_system_ram(address, bytes))
			return refuse_at(peek, PLINTH_E_PERM, address,
					 "is no memory of the machine's (System RAM in /proc/iomem)");
		peek->asked.address = (u64)(uintptr_t)__va(address);
		return 0;
	case PLINTH_SPACE_KERNEL:
		if (peek->arg->op != PLINTH_PEEK_REGISTERS && !is_in_kernel(address, bytes))
			return refuse_at(peek, PLINTH_E_INVAL, address,
					 "is no address of the kernel's: whose is it (--pid)?");
		return 0;
	}
	return 0;
}

static struct mm_struct *space_of(u32 number)
{
	struct pid *pid = find_get_pid(number);
	struct task_struct *task = pid ? get_pid_task(pid, PIDTYPE_PID) : NULL;
	struct mm_struct *mm = NULL;

	if (task) {
		mm = get_task_mm(task);
		put_task_struct(task);
		if (!mm)
			mm = ERR_PTR(-EINVAL);
	}
	put_pid(pid);
	return mm;
}

/* Held until the answer is there, whatever the process does. */
static int find_process(struct peek *peek)
{
	struct mm_struct *mm;

	if (peek->arg->space != PLINTH_SPACE_PROCESS)
		return 0;
	mm = peek->arg->pid <= INT_MAX ? space_of(peek->arg->pid) : NULL;
	if (!mm)
		return introspect_refuse(&peek->user, PLINTH_E_NAME, "there is no process of this number");
	if (IS_ERR(mm))
		return introspect_refuse(
			&peek->user, PLINTH_E_INVAL,
			"this process has no memory of its own: it is the kernel's, or is ending");
	peek->mm = mm;
	peek->asked.root = __pa(mm->pgd);
	return 0;
}

/* -- asking ---------------------------------------------------------------------------------------------- */

static int ask_once(struct peek *peek)
{
	const size_t data = peek->arg->op == PLINTH_PEEK_WRITE ? peek->arg->bytes : 0;
	struct core_call call = {
		.name = INTROSPECTION_NAME,
		.cpu = peek->arg->op == PLINTH_PEEK_REGISTERS ? peek->arg->cpu : raw_smp_processor_id(),
		.in = &peek->asked,
		.in_bytes = offsetof(struct introspection_access, data) + data,
		.out = &peek->reply,
		.room = sizeof(peek->reply),
	};
	int err;

	report_clear(peek->user.report);
	err = core_call(plinth_core, &call, peek->user.report);
	peek->bytes_back = err ? 0 : call.out_bytes;
	return err;
}

/* The CPU this runs on may be on its way out, or another one by the time it is asked. */
static bool may_pass(const struct peek *peek)
{
	return peek->err == PLINTH_E_BUSY ||
	       (peek->err == PLINTH_E_STATE && peek->arg->op != PLINTH_PEEK_REGISTERS);
}

static void ask_until_heard(struct peek *peek)
{
	int attempts;

	for (attempts = 0; attempts < ATTEMPTS; attempts++) {
		peek->err = introspect_running(&peek->user);
		if (peek->err)
			return;
		peek->err = ask_once(peek);
		if (!may_pass(peek))
			return;
		msleep(1);
	}
}

static void ask_as_process(struct work_struct *work)
{
	struct peek *peek = container_of(work, struct peek, work);

	kthread_use_mm(peek->mm);
	ask_until_heard(peek);
	kthread_unuse_mm(peek->mm);
}

static void ask_in_space(struct peek *peek)
{
	if (!peek->mm) {
		ask_until_heard(peek);
		return;
	}
	INIT_WORK(&peek->work, ask_as_process);
	introspect_queue(&peek->work);
	flush_work(&peek->work);
}

/* -- the answer -------------------------------------------------------------------------------------------
 */

/* What the module says is believed no further than that it is as long as it should be. */
static bool is_whole_reply(const struct peek *peek)
{
	size_t data = peek->arg->op == PLINTH_PEEK_READ ? peek->arg->bytes : 0;

	if (peek->arg->op == PLINTH_PEEK_REGISTERS)
		data = sizeof(struct plinth_ctl_registers);
	return peek->bytes_back ==
	       offsetof(struct introspection_reply, data) + (peek->reply.result ? 0 : data);
}

/* The page that it was about; of the machine's, an address that means something to who asked. */
static u64 page_in_question(const struct peek *peek)
{
	return peek->reply.address - peek->asked.address + peek->arg->address;
}

static int explain_result(const struct peek *peek)
{
	const u64 address = page_in_question(peek);
	const int err = peek->reply.result;

	switch (err) {
	case PLINTH_E_FAULT:
		/* There, and the access was a write. */
		if ((peek->reply.error & 3) == 3)
			return refuse_at(
				peek, err, address,
				"is not to be written: it is read-only, or shared until it is written to");
		return refuse_at(peek, err, address,
				 "is not mapped: nothing is there, or it is swapped out or not there yet");
	case PLINTH_E_INVAL: return refuse_at(peek, err, address, "is no address");
	case PLINTH_E_PERM:
		return refuse_at(peek, err, address,
				 "is no memory to be seen: it is the VMM's, a device's, or nobody's");
	}
	return introspect_refuse(
		&peek->user, err,
		"the VMM has no second-level translation here, or the kernel is not in 64-bit mode");
}

static int explain_failure(const struct peek *peek)
{
	if (peek->err == PLINTH_E_NAME)
		return introspect_unserved(&peek->user);
	if (peek->err == PLINTH_E_BUSY)
		return introspect_refuse(&peek->user, peek->err,
					 "the CPU was at something else all the time: try again");
	return peek->err;
}

static int hand_over(const struct peek *peek)
{
	const struct plinth_ctl_peek *arg = peek->arg;
	const size_t bytes = arg->op == PLINTH_PEEK_READ	? arg->bytes
			     : arg->op == PLINTH_PEEK_REGISTERS ? sizeof(peek->reply.registers)
								: 0;

	return copy_to_user(u64_to_user_ptr(arg->buffer), peek->reply.data, bytes) ? PLINTH_E_FAULT : 0;
}

static int take_reply(struct peek *peek)
{
	if (peek->err)
		return explain_failure(peek);
	if (!is_whole_reply(peek))
		return introspect_refuse(&peek->user, PLINTH_E_ABI,
					 "the module that serves it is of another version than the driver");
	if (peek->reply.result)
		return explain_result(peek);
	if (peek->arg->op == PLINTH_PEEK_LOCATE)
		peek->arg->physical = peek->reply.address;
	return hand_over(peek);
}

/* -- all of it ---------------------------------------------------------------------------------------------
 */

static int fetch_data(struct peek *peek)
{
	const struct plinth_ctl_peek *arg = peek->arg;

	peek->asked.op = peeks[arg->op].op;
	peek->asked.bytes = arg->bytes;
	if (arg->op != PLINTH_PEEK_WRITE)
		return 0;
	return copy_from_user(peek->asked.data, u64_to_user_ptr(arg->buffer), arg->bytes) ? PLINTH_E_FAULT
											  : 0;
}

static int judge_and_find(struct peek *peek)
{
	int err = judge_members(peek);

	if (!err)
		err = introspect_permitted(&peek->user);
	if (!err)
		err = introspect_running(&peek->user);
	if (!err)
		err = fetch_data(peek);
	if (!err)
		err = find_address(peek);
	return err ? err : find_process(peek);
}

static int peek_as_asked(struct peek *peek)
{
	int err = judge_and_find(peek);

	if (err)
		return err;
	ask_in_space(peek);
	if (peek->mm)
		mmput(peek->mm);
	return take_reply(peek);
}

int peek_from_user(struct plinth_ctl_peek *arg, struct core_report *report)
{
	struct peek *peek;
	int err;

	if (arg->op >= ARRAY_SIZE(peeks) || !peeks[arg->op].command) {
		report_line(report, "peek refused: this driver does not know what is asked for");
		return PLINTH_E_INVAL;
	}
	peek = kvzalloc(sizeof(*peek), GFP_KERNEL);
	if (!peek)
		return PLINTH_E_NOMEM;
	peek->arg = arg;
	peek->user = (struct introspect_user){peeks[arg->op].command, report};
	err = peek_as_asked(peek);
	kvfree_sensitive(peek, sizeof(*peek));
	return err;
}
