/* SPDX-License-Identifier: MIT */
#include "cpus.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "border.h"
#include "drivers/common/internal.h"
#include "memory.h"
#include "model/internal.h"
#include "sched.h"
#include "vmm.h"

#define POINTS_MAX  50000000ull
#define RETURNS_MAX 100u /* one for each NMI in the exit before */
#define KERNEL_RIP  0xffffffff81000000ull

/* Where the sanitizer lets the VMM's addresses be: the slot at 0x7e8000000000. */
#define SLOT_253 252u

void __tsan_acquire(void *address);
void __tsan_release(void *address);

static const struct scenario *now;
static unsigned int complaints;
static bool commands_done;
static uint32_t acting; /* threads that still have something to do */

void cpus_complain(const char *format, ...)
{
	va_list args;

	complaints++;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

unsigned int cpus_complaints(void)
{
	return complaints;
}

void cpus_forget(void)
{
	complaints = 0;
}

/* -- the kernel's calls from CPU to CPU -- */

static struct request {
	int (*fn)(void *);
	void *arg;
	int result;
	bool posted, done;
} requests[SCHED_THREADS];

static bool threads_run;

int __real_os_run_on(uint32_t cpu, int (*fn)(void *), void *arg);
int __wrap_os_run_on(uint32_t cpu, int (*fn)(void *), void *arg);

static bool answered(const void *request)
{
	return ((const struct request *)request)->done;
}

/* The kernel orders what is before and after such a call: the sanitizer may know of that. */
int __wrap_os_run_on(uint32_t cpu, int (*fn)(void *), void *arg)
{
	struct request *r = &requests[cpu];

	if (!threads_run || cpu == sched_me())
		return __real_os_run_on(cpu, fn, arg);
	*r = (struct request){.fn = fn, .arg = arg, .posted = true};
	__tsan_release(r);
	sched_wait(answered, r);
	__tsan_acquire(r);
	return r->result;
}

static void serve(uint32_t cpu)
{
	struct request *r = &requests[cpu];

	__tsan_acquire(r);
	r->posted = false;
	r->result = __real_os_run_on(cpu, r->fn, r->arg);
	__tsan_release(r);
	r->done = true;
}

/* -- a guest -- */

/* Between two exits: the handler of an exception or an NMI is over, interrupts are on. */
static void end_handler(struct model_cpu *cpu)
{
	cpu->interruptibility = 0;
	cpu->activity = 0;
	cpu->pending_debug = 0;
	cpu->st.rflags = RFLAGS_FIXED | RFLAGS_IF;
}

enum model_end cpus_exit(uint32_t number, const struct model_exit *exit)
{
	struct model_cpu *cpu = &model.cpu[number];
	struct model_exit due;
	enum model_end end;

	end_handler(cpu);
	end = model_exit(number, exit);
	for (uint32_t i = 0; end == MODEL_GUEST; i++) {
		end_handler(cpu);
		if (!model_due(number, &due))
			break;
		if (i == RETURNS_MAX) {
			cpus_complain("CPU %u comes back for ever", number);
			break;
		}
		end = model_exit(number, &due);
	}
	return end;
}

uint64_t cpus_order(uint32_t number, uint64_t what, uint64_t rcx, uint64_t rdx)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	struct model_cpu *cpu = &model.cpu[number];

	cpu->rip = KERNEL_RIP;
	cpu->regs.rax = VMM_CALL;
	cpu->regs.rbx = what;
	cpu->regs.rcx = rcx;
	cpu->regs.rdx = rdx;
	return cpus_exit(number, &vmcall) == MODEL_GUEST ? cpu->regs.rax : ~0ull;
}

/* -- a CPU's thread -- */

static bool has_work(const void *request)
{
	const struct request *r = request;
	const struct model_cpu *cpu = &model.cpu[r - requests];

	return r->posted || cpu->guest || commands_done;
}

static bool all_over(const void *request)
{
	return ((const struct request *)request)->posted || (!acting && commands_done);
}

static void act(uint32_t cpu)
{
	for (uint32_t left = now->actions; left;) {
		sched_wait(has_work, &requests[cpu]);
		model.here = cpu;
		if (requests[cpu].posted)
			serve(cpu);
		else if (model.cpu[cpu].guest)
			now->act(cpu, --left);
		else
			break;
	}
}

static void cpu_thread(uint32_t cpu)
{
	model.here = cpu;
	if (!cpu && now->command) {
		now->command();
		commands_done = true;
	} else {
		act(cpu);
	}
	acting--;
	for (;;) {
		sched_wait(all_over, &requests[cpu]);
		if (!requests[cpu].posted)
			return;
		serve(cpu);
	}
}

/* -- a case -- */

/*
 * The driver's view of what it shares with the VMM: by the VMM's addresses, or the sanitizer would see two
 * memories.
 */
static void *kernel_view[2];

static void view_as_vmm(void)
{
	struct space_region *space = machine.core->space;

	kernel_view[0] = space[SPACE_SHARED].kernel;
	kernel_view[1] = space[SPACE_TUNING].kernel;
	space[SPACE_SHARED].kernel = (void *)space[SPACE_SHARED].va;
	space[SPACE_TUNING].kernel = (void *)space[SPACE_TUNING].va;
	memory_enter(memory_pa(core_launch_pgd(machine.core)), machine.levels);
	/* Which the VMM only reads. */
	if (mprotect(space[SPACE_TUNING].kernel, 4096, PROT_READ | PROT_WRITE))
		cpus_complain("the tuning page is not mapped");
}

static void view_as_kernel(void)
{
	machine.core->space[SPACE_SHARED].kernel = kernel_view[0];
	machine.core->space[SPACE_TUNING].kernel = kernel_view[1];
}

int __real_core_load(struct core *core, const struct core_load *load, struct core_report *report);
int __wrap_core_load(struct core *core, const struct core_load *load, struct core_report *report);

int __wrap_core_load(struct core *core, const struct core_load *load, struct core_report *report)
{
	struct core_load elsewhere = *load;

	elsewhere.flags &= ~(uint32_t)PLINTH_LOAD_NO_ASLR;
	return __real_core_load(core, &elsewhere, report);
}

static void expect_nmis(void)
{
	for (uint32_t i = 0; i < model.n_cpus; i++) {
		const struct model_cpu *cpu = &model.cpu[i];

		if (!cpu->halted && cpu->activity != MODEL_WAIT_FOR_SIPI &&
		    cpu->nmis_sent != cpu->nmis_delivered)
			cpus_complain("CPU %u: %llu of %llu NMIs delivered", i,
				      (unsigned long long)cpu->nmis_delivered,
				      (unsigned long long)cpu->nmis_sent);
	}
}

/* What happened to a guest last is over before it is compared. */
static void end_handlers(void)
{
	for (uint32_t i = 0; i < model.n_cpus; i++)
		model.cpu[i].interruptibility = 0;
}

static void expect_ok(int err, const char *command)
{
	if (err)
		cpus_complain("%s: error %d: %s", command, err, machine.report.text);
}

static void finish(const struct machine_world *before)
{
	struct machine_world after;
	const char *differs;
	bool died = machine.core->state == PLINTH_CORRUPT;

	end_handlers();
	if (now->check)
		now->check();
	if (machine.core->state == PLINTH_RUNNING) {
		int err = machine_stop();

		died = err == PLINTH_E_CORRUPT;
		if (!died)
			expect_ok(err, "stop");
	}
	if (died != now->corrupt && died)
		cpus_complain("the VMM died: %s", machine.report.text);
	expect_nmis();
	view_as_kernel();
	if (died)
		return;
	expect_ok(machine_unload(), "unload");
	machine_snapshot(&after);
	differs = machine_compare(before, &after);
	if (differs)
		cpus_complain("not as before: %s", differs);
}

/*
 * CPUs that could come: what is counted for them is what the scenarios' module takes, or there would be
 * hardly any.
 */
#define ABSENT 4u

uint64_t cpus_case(const struct scenario *s, uint64_t seed)
{
	const uint32_t kind = (uint32_t)(seed / 3 % 6), n = 2 + (uint32_t)(seed % 3);
	struct machine_world before;
	uint64_t points;

	now = s;
	memset(requests, 0, sizeof(requests));
	vmm_forget();
	machine_reset(&model_kinds[kind], n + ABSENT);
	for (uint32_t i = n; i < n + ABSENT; i++)
		machine.offline[i] = true;
	machine.random = SLOT_253;
	if (s->prepare)
		s->prepare();
	machine_snapshot(&before);
	expect_ok(machine_load(), "load");
	view_as_vmm();
	if (!s->command)
		expect_ok(machine_start(), "start");
	commands_done = !s->command;
	acting = n;
	border_nmi_share = seed % 2 ? s->nmis : 0;
	threads_run = true;
	points = sched_run(seed, n, POINTS_MAX, cpu_thread);
	threads_run = false;
	border_nmi_share = 0;
	model.nmi_at_tick = 0;
	finish(&before);
	for (uint32_t i = 0; i < model.violations && i < sizeof(model.violation) / sizeof(model.violation[0]);
	     i++)
		cpus_complain("%s", model.violation[i]);
	return points;
}
