/* SPDX-License-Identifier: MIT */
#include "introspect_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <drivers/linux/kernel.h>
#include <asm/cpufeature.h>
#include <linux/capability.h>
#include <linux/delay.h>
#include <linux/ioport.h>
#include <linux/security.h>

#include "drivers/linux/linux.h"

unsigned int stub_cpu;
struct core *plinth_core;

struct mm_struct own_mm, other_mm;
static struct task_struct task = {.mm = &own_mm};
struct task_struct *current = &task;

/* -- the machine and the module -------------------------------------------------------------------- */

struct world machine;

u64 clients[CLIENTS];
static bool was_admitted[WINDOWS]; /* a window that the VMM may have led elsewhere */
struct introspection_message last;

bool capable(int capability)
{
	cr_expect_eq(capability, CAP_SYS_RAWIO);
	return !machine.without_rawio;
}

bool cpu_feature_enabled(int feature)
{
	return feature == X86_FEATURE_PTI && machine.isolated;
}

int security_locked_down(enum lockdown_reason what)
{
	cr_expect_eq(what, LOCKDOWN_DEV_MEM);
	return machine.locked_down ? -EPERM : 0;
}

void msleep(unsigned int milliseconds)
{
	cr_expect_leq(milliseconds, 10);
	machine.sleeps++;
}

/* Two runs whose ends lie in pages, one that has no whole page, and as many as are wanted. */
int walk_iomem_res_desc(unsigned long desc, unsigned long flags, u64 start, u64 end, void *arg,
			int (*fn)(struct resource *run, void *arg))
{
	struct resource runs[] = {{0x1001, 0x9fbff}, {0x9fc00, 0x9ffff}, {0x100000, 0xfffffff}};
	int result = 0;

	cr_expect(desc == IORES_DESC_NONE && flags == (IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY));
	cr_expect(!start && end == ~0ull);
	for (unsigned int i = 0; i < 3 && !result; i++)
		result = fn(&runs[i], arg);
	for (unsigned int i = 0; i < machine.runs && !result; i++) {
		struct resource more = {0x100000000 + i * 0x2000ull, 0x100000fff + i * 0x2000ull};

		result = fn(&more, arg);
	}
	return result;
}

void core_status(struct core *core, struct plinth_ctl_status *out)
{
	cr_expect_eq(core, plinth_core);
	*out = (struct plinth_ctl_status){
		.size = out->size, .state = machine.state, .n_guests = machine.guests};
}

void core_make_exits(struct core *core)
{
	cr_expect_eq(core, plinth_core);
	machine.rounds++;
	if (machine.pending && machine.pending != ~0u)
		machine.pending--;
}

u64 *client_of(u64 id)
{
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (clients[i] == id)
			return &clients[i];
	return NULL;
}

static int answer_admit(void)
{
	u64 *client = client_of(0);

	if (!client)
		return PLINTH_E_LIMIT;
	*client = last.id;
	was_admitted[(last.window - WINDOWS_PA) / PLINTH_INTROSPECT_BYTES] = true;
	return 0;
}

static int answer_end(struct core_call *call)
{
	const struct introspection_answer answer = {.pending = machine.pending && client_of(last.id)};

	if (!answer.pending && client_of(last.id))
		*client_of(last.id) = 0;
	memcpy(call->out, &answer, sizeof(answer));
	call->out_bytes = sizeof(answer);
	return 0;
}

int core_call(struct core *core, struct core_call *call, struct core_report *report)
{
	cr_expect_eq(core, plinth_core);
	cr_expect_str_eq(call->name, INTROSPECTION_NAME);
	cr_assert(call->in_bytes == sizeof(last) && call->in_bytes <= PLINTH_CALL_BYTES);
	cr_assert_eq(call->room, sizeof(struct introspection_answer));
	memcpy(&last, call->in, sizeof(last));
	if (machine.failures) {
		machine.failures--;
		report_line(report, "the core's words");
		return machine.failure;
	}
	if (machine.state != PLINTH_RUNNING && machine.state != PLINTH_LOADED)
		return PLINTH_E_STATE;
	if (machine.without_module)
		return PLINTH_E_NAME;
	return last.op == INTROSPECTION_ADMIT ? answer_admit() : answer_end(call);
}

/* -- windows, and the queue ---------------------------------------------------------------------------- */

struct window windows[WINDOWS];
unsigned int zapped[WINDOWS], freed[WINDOWS];
static struct work_struct *queued[8];
static unsigned int n_queued;
work_func_t when_closed;

static unsigned int number_of(const struct window *window)
{
	return (unsigned int)(window - windows);
}

int window_map(struct file *file, struct vm_area_struct *area, struct window **own, work_func_t fn)
{
	cr_expect(!file && !area && !own);
	when_closed = fn;
	return 0;
}

u64 window_pa(const struct window *window)
{
	return WINDOWS_PA + number_of(window) * PLINTH_INTROSPECT_BYTES;
}

void window_zap(struct window *window)
{
	zapped[number_of(window)]++;
}

/* What all of this is about. */
void window_free(struct window *window)
{
	cr_expect_not(client_of(window->id) && window->id, "the module knows it");
	cr_expect(!was_admitted[number_of(window)] || !machine.guests || !machine.pending,
		  "a CPU may go by it");
	freed[number_of(window)]++;
}

void queue_work(struct workqueue_struct *queue, struct work_struct *work)
{
	cr_expect_eq(queue, (struct workqueue_struct *)windows);
	queued[n_queued++] = work;
}

struct workqueue_struct *alloc_ordered_workqueue(const char *name, unsigned int flags)
{
	cr_expect(name && !flags);
	return (struct workqueue_struct *)windows;
}

void do_work(void)
{
	unsigned int n = n_queued;

	n_queued = 0;
	for (unsigned int i = 0; i < n; i++)
		queued[i]->function(queued[i]);
}

void destroy_workqueue(struct workqueue_struct *queue)
{
	cr_expect_eq(queue, (struct workqueue_struct *)windows);
	do_work();
}
