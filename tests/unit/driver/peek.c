/* SPDX-License-Identifier: MIT */
/*
 * PLINTH_CTL_PEEK over stand-ins for the kernel, the core and the module: what the module is asked, on whose
 * page tables, what is refused in which words; and that a process's memory is held exactly as long.
 */
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include <drivers/linux/kernel.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include <plinth/introspection.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/linux.h"

#define REPLY_HEAD offsetof(struct introspection_reply, data)
#define DATA	   "0123456789abcdef"
#define KERNEL_VA  0xffffffff81000000ull

unsigned int stub_cpu = 2;
struct core *plinth_core;

static struct {
	int permitted, running; /* what these come to */
	struct mm_struct *used; /* by the thread of the kernel */
	unsigned int held;	/* references to a process, its number and its memory */
	unsigned int asked, sleeps;
	int err; /* of the call, so many times */
	unsigned int errors;
	struct introspection_access message;
	uint64_t in_bytes, out_bytes;
	uint32_t cpu;
	struct introspection_reply reply;
} world;

static struct core_report told;

/* -- the kernel --------------------------------------------------------------------------------------- */

static struct mm_struct mm = {(void *)0x123456000ul};
static struct task_struct with_memory = {&mm}, without;

struct pid *find_get_pid(int number)
{
	if (number != 7 && number != 2)
		return NULL;
	world.held++;
	return (struct pid *)(number == 7 ? &with_memory : &without);
}

struct task_struct *get_pid_task(struct pid *pid, enum pid_type type)
{
	cr_expect_eq(type, PIDTYPE_PID);
	world.held++;
	return (struct task_struct *)pid;
}

void put_pid(struct pid *pid)
{
	world.held -= pid != NULL;
}

void put_task_struct(struct task_struct *task)
{
	world.held -= task != NULL;
}

struct mm_struct *get_task_mm(struct task_struct *task)
{
	world.held += task->mm != NULL;
	return task->mm;
}

void mmput(struct mm_struct *which)
{
	cr_expect_eq(which, &mm);
	cr_expect_null(world.used, "it is given back while it is in use");
	world.held--;
}

void kthread_use_mm(struct mm_struct *which)
{
	cr_expect_null(world.used);
	world.used = which;
}

void kthread_unuse_mm(struct mm_struct *which)
{
	cr_expect_eq(world.used, which);
	world.used = NULL;
}

void flush_work(struct work_struct *work)
{
	work->function(work);
}

void introspect_queue(struct work_struct *work)
{
	cr_expect_not_null(work->function);
}

void msleep(unsigned int milliseconds)
{
	cr_expect_leq(milliseconds, 10);
	world.sleeps++;
}

int page_is_ram(unsigned long page)
{
	return page >= 0x100 && page < 0x10000;
}

/* -- the driver and the core -------------------------------------------------------------------------- */

int introspect_refuse(const struct introspect_user *user, int err, const char *why)
{
	report_clear(user->report);
	report_line(user->report, "%s refused: %s", user->command, why);
	return err;
}

int introspect_permitted(const struct introspect_user *user)
{
	return world.permitted ? introspect_refuse(user, world.permitted, "you may not") : 0;
}

int introspect_running(const struct introspect_user *user)
{
	return world.running ? introspect_refuse(user, world.running, "not running") : 0;
}

int introspect_unserved(const struct introspect_user *user)
{
	return introspect_refuse(user, PLINTH_E_NAME, "nobody serves it");
}

int core_call(struct core *core, struct core_call *call, struct core_report *report)
{
	cr_expect_eq(core, plinth_core);
	cr_expect_str_eq(call->name, INTROSPECTION_NAME);
	cr_assert(call->in_bytes <= sizeof(world.message) && call->room == sizeof(world.reply));
	memcpy(&world.message, call->in, call->in_bytes);
	world.in_bytes = call->in_bytes;
	world.cpu = call->cpu;
	world.asked++;
	cr_expect_eq(world.message.root, world.used ? 0x123456000 : 0, "on whose page tables?");
	if (world.errors) {
		world.errors--;
		report_line(report, "the core's words");
		return world.err;
	}
	memcpy(call->out, &world.reply, sizeof(world.reply));
	call->out_bytes = world.out_bytes;
	return 0;
}

/* -- cases -------------------------------------------------------------------------------------------- */

static uint8_t buffer[PLINTH_PEEK_BYTES];

static struct plinth_ctl_peek reading(enum plinth_space space, uint64_t address, uint64_t bytes)
{
	world.out_bytes = REPLY_HEAD + bytes;
	memcpy(world.reply.data, DATA, sizeof(DATA));
	return (struct plinth_ctl_peek){.size = sizeof(struct plinth_ctl_peek),
					.op = PLINTH_PEEK_READ,
					.space = space,
					.pid = space == PLINTH_SPACE_PROCESS ? 7 : 0,
					.address = address,
					.buffer = (uintptr_t)buffer,
					.bytes = bytes};
}

static int run(struct plinth_ctl_peek arg)
{
	int err;

	report_clear(&told);
	err = peek_from_user(&arg, &told);
	cr_expect(!world.held && !world.used, "%u are held: %s", world.held, told.text);
	return err;
}

static void expect_refused(struct plinth_ctl_peek arg, int error, const char *words)
{
	const unsigned int before = world.asked;
	int err = run(arg);

	cr_expect_eq(err, error, "%s: %d: %s", words, err, told.text);
	cr_expect(strstr(told.text, words), "it says \"%s\", not \"%s\"", told.text, words);
	cr_expect_eq(world.asked, before, "%s: it is asked", words);
}

Test(driver_peek, a_process)
{
	cr_assert_eq(run(reading(PLINTH_SPACE_PROCESS, 0x400123, 16)), 0, "%s", told.text);
	cr_expect(world.message.op == INTROSPECTION_READ && world.message.bytes == 16);
	cr_expect_eq(world.message.address, 0x400123);
	cr_expect_eq(world.message.root, 0x123456000);
	cr_expect_eq(world.in_bytes, offsetof(struct introspection_access, data));
	cr_expect_eq(world.cpu, 2);
	cr_expect_eq(memcmp(buffer, DATA, 16), 0);
}

Test(driver_peek, the_kernel_and_the_machine)
{
	cr_assert_eq(run(reading(PLINTH_SPACE_KERNEL, KERNEL_VA, 16)), 0, "%s", told.text);
	cr_expect(world.message.address == KERNEL_VA && !world.message.root);
	cr_assert_eq(run(reading(PLINTH_SPACE_PHYSICAL, 0x100ffc, 16)), 0, "%s", told.text);
	cr_expect(world.message.address == STUB_DIRECT_MAP + 0x100ffc && !world.message.root);
}

Test(driver_peek, a_change)
{
	struct plinth_ctl_peek arg = reading(PLINTH_SPACE_PROCESS, 0x400000, 16);

	arg.op = PLINTH_PEEK_WRITE;
	memcpy(buffer, "changed", 8);
	world.out_bytes = REPLY_HEAD;
	cr_assert_eq(run(arg), 0, "%s", told.text);
	cr_expect(world.message.op == INTROSPECTION_WRITE && !strcmp((char *)world.message.data, "changed"));
	cr_expect_eq(world.in_bytes, offsetof(struct introspection_access, data) + 16);
	cr_expect_str_eq((char *)buffer, "changed");
}

Test(driver_peek, an_address_and_registers)
{
	struct plinth_ctl_peek arg = reading(PLINTH_SPACE_KERNEL, KERNEL_VA, 0);

	arg.op = PLINTH_PEEK_LOCATE;
	world.reply.address = 0x5678;
	cr_assert_eq(peek_from_user(&arg, &told), 0, "%s", told.text);
	cr_expect_eq(arg.physical, 0x5678);
	arg = (struct plinth_ctl_peek){.op = PLINTH_PEEK_REGISTERS, .buffer = (uintptr_t)buffer, .cpu = 3};
	world.out_bytes = REPLY_HEAD + sizeof(struct plinth_ctl_registers);
	cr_assert_eq(run(arg), 0, "%s", told.text);
	cr_expect_eq(world.cpu, 3);
	cr_expect_eq(memcmp(buffer, DATA, 16), 0);
}

Test(driver_peek, what_passes_is_waited_for)
{
	world.err = PLINTH_E_BUSY;
	world.errors = 3;
	cr_expect_eq(run(reading(PLINTH_SPACE_PROCESS, 0x400000, 1)), 0, "%s", told.text);
	cr_expect(world.asked == 4 && world.sleeps == 3);
	world.errors = ~0u;
	cr_expect_eq(run(reading(PLINTH_SPACE_PROCESS, 0x400000, 1)), PLINTH_E_BUSY);
	cr_expect(strstr(told.text, "at something else") && world.asked < 100, "%s", told.text);
	world.err = PLINTH_E_NAME;
	cr_expect_eq(run(reading(PLINTH_SPACE_PROCESS, 0x400000, 1)), PLINTH_E_NAME);
	cr_expect(strstr(told.text, "nobody serves it"), "%s", told.text);
	world.err = PLINTH_E_CORRUPT;
	cr_expect_eq(run(reading(PLINTH_SPACE_PROCESS, 0x400000, 1)), PLINTH_E_CORRUPT);
	cr_expect_str_eq(told.text, "the core's words\n");
}

Test(driver_peek, who_may_not)
{
	world.permitted = PLINTH_E_PERM;
	expect_refused(reading(PLINTH_SPACE_PROCESS, 0x400000, 1), PLINTH_E_PERM,
		       "peek refused: you may not");
	expect_refused(reading(PLINTH_SPACE_PHYSICAL, 0x100000, 1), PLINTH_E_PERM, "you may not");
	world.permitted = 0;
	world.running = PLINTH_E_STATE;
	expect_refused(reading(PLINTH_SPACE_KERNEL, KERNEL_VA, 1), PLINTH_E_STATE, "not running");
}

#define EXPECT_REFUSED(arg, change, error, words)                                                            \
	do {                                                                                                 \
		struct plinth_ctl_peek wrong = arg;                                                          \
		change;                                                                                      \
		expect_refused(wrong, error, words);                                                         \
	} while (0)

Test(driver_peek, what_cannot_be)
{
	const struct plinth_ctl_peek good = reading(PLINTH_SPACE_PROCESS, 0x400000, 8);
	const char *const together = "do not fit together", *const many = "so many bytes";

	EXPECT_REFUSED(good, wrong.op = 0, PLINTH_E_INVAL, "does not know");
	EXPECT_REFUSED(good, wrong.op = 5, PLINTH_E_INVAL, "does not know");
	EXPECT_REFUSED(good, wrong.op = ~0u, PLINTH_E_INVAL, "does not know");
	EXPECT_REFUSED(good, wrong.space = 3, PLINTH_E_INVAL, together);
	EXPECT_REFUSED(good, wrong.space = 0, PLINTH_E_INVAL, together);
	EXPECT_REFUSED(good, wrong.cpu = 1, PLINTH_E_INVAL, together);
	EXPECT_REFUSED(good, wrong.reserved0 = 1, PLINTH_E_INVAL, together);
	EXPECT_REFUSED(good, wrong.physical = 1, PLINTH_E_INVAL, together);
	EXPECT_REFUSED(good, wrong.bytes = 0, PLINTH_E_INVAL, many);
	EXPECT_REFUSED(good, wrong.bytes = PLINTH_PEEK_BYTES + 1, PLINTH_E_INVAL, many);
	EXPECT_REFUSED(good, wrong.bytes = ~0ull, PLINTH_E_INVAL, many);
	EXPECT_REFUSED(good, wrong.op = PLINTH_PEEK_LOCATE, PLINTH_E_INVAL, many);
	EXPECT_REFUSED(good, wrong.pid = 3, PLINTH_E_NAME, "no process of this number");
	EXPECT_REFUSED(good, wrong.pid = 0, PLINTH_E_NAME, "no process of this number");
	EXPECT_REFUSED(good, wrong.pid = ~0u - 6, PLINTH_E_NAME, "no process of this number");
	EXPECT_REFUSED(good, wrong.pid = 2, PLINTH_E_INVAL, "no memory of its own");
	expect_refused(reading(PLINTH_SPACE_KERNEL, 0x400000, 8), PLINTH_E_INVAL, "whose is it");
	expect_refused(reading(PLINTH_SPACE_KERNEL, ~0ull - 3, 8), PLINTH_E_INVAL, "whose is it");
	expect_refused(reading(PLINTH_SPACE_PHYSICAL, 0xfffff, 1), PLINTH_E_PERM, "no memory of the machine");
	expect_refused(reading(PLINTH_SPACE_PHYSICAL, 0xfffffff, 2), PLINTH_E_PERM,
		       "no memory of the machine");
	expect_refused(reading(PLINTH_SPACE_PHYSICAL, ~0ull - 3, 8), PLINTH_E_PERM,
		       "no memory of the machine");
}

/* The module's answer, and what it is to whoever asked. */
static void expect_words(struct plinth_ctl_peek arg, int result, const char *words)
{
	int err;

	world.reply.result = result;
	world.out_bytes = REPLY_HEAD;
	err = run(arg);
	cr_expect_eq(err, result, "%s: %d", words, err);
	cr_expect(strstr(told.text, words), "it says \"%s\", not \"%s\"", told.text, words);
}

Test(driver_peek, what_the_module_says)
{
	const struct plinth_ctl_peek process = reading(PLINTH_SPACE_PROCESS, 0x400ffc, 8);
	const struct plinth_ctl_peek physical = reading(PLINTH_SPACE_PHYSICAL, 0x100ffc, 8);

	world.reply.address = 0x401000;
	expect_words(process, PLINTH_E_FAULT, "peek: 0x401000: is not mapped");
	world.reply.error = 3;
	expect_words(process, PLINTH_E_FAULT, "peek: 0x401000: is not to be written");
	expect_words(process, PLINTH_E_INVAL, "is no address");
	expect_words(process, PLINTH_E_NOTSUP, "no second-level translation");
	world.reply.address = STUB_DIRECT_MAP + 0x101000;
	expect_words(physical, PLINTH_E_PERM, "peek: 0x101000: is no memory to be seen");
	world.reply.result = 0;
	cr_expect_eq(run(process), PLINTH_E_ABI, "less than was asked for");
	cr_expect(strstr(told.text, "another version"), "%s", told.text);
}
