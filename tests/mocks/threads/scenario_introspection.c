/* SPDX-License-Identifier: MIT */
/*
 * A registered process with threads on all CPUs changes one window, writes where it may not, and reads its
 * registers, while the driver ends and registers it.
 */
#include <string.h>

#include <plinth/introspection.h>

#include "cpus.h"
#include "drivers/common/internal.h"
#include "model/internal.h"
#include "model/translation.h"
#include "sched.h"
#include "scenario_introspection.h"
#include "tables.h"

#define PAGE	     4096ull
#define WINDOW_PAGES 512u
#define USED_PAGES   8u
#define KERNEL_RIP   0xffffffff81000000ull
#define PROCESS_RIP  0x401000ull
#define WINDOW_VA    0x7f0000200000ull
#define BUFFER_VA    0x7f0000800000ull /* a page for each CPU */
#define NOBODYS_RAM  0x30000000ull

static uint64_t cr3, window;
static bool registered;

void introspection_prepare(void)
{
	cr3 = window = 0;
	registered = false;
}

/* The machine's memory is given out when the VMM has what it wants. */
static void make_process(void)
{
	cr3 = tables_create();
	window = physical_of(physical_alloc(WINDOW_PAGES, INTROSPECTION_WINDOW_BYTES));
	for (uint64_t i = 0; i < WINDOW_PAGES; i++)
		tables_map(cr3, WINDOW_VA + i * PAGE, window + i * PAGE, TABLES_MEMORY);
	for (uint64_t i = 0; i < model.n_cpus; i++)
		tables_map(cr3, BUFFER_VA + i * PAGE, tables_page(NULL), TABLES_MEMORY);
}

/* -- the process -------------------------------------------------------------------------------- */

static void run_process(uint32_t number, const struct model_exit *exit, uint64_t rax, uint64_t rdi,
			uint64_t rsi)
{
	struct model_cpu *c = &model.cpu[number];
	const struct model_segment cs = c->st.seg[MODEL_CS], ss = c->st.seg[MODEL_SS];
	const uint64_t kernel_cr3 = c->st.cr3;

	c->rip = PROCESS_RIP;
	c->regs.rax = rax;
	c->regs.rdi = rdi;
	c->regs.rsi = rsi;
	c->st.cr3 = cr3;
	c->st.seg[MODEL_CS].selector = 0x33;
	c->st.seg[MODEL_CS].rights = 0xa0fb;
	c->st.seg[MODEL_SS].selector = 0x2b;
	c->st.seg[MODEL_SS].rights = 0xc0f3;
	if (cpus_exit(number, exit) != MODEL_GUEST)
		cpus_complain("CPU %u: call 0x%llx ended the guest", number, (unsigned long long)rax);
	c->st.cr3 = kernel_cr3;
	c->st.seg[MODEL_CS] = cs;
	c->st.seg[MODEL_SS] = ss;
	c->rip = KERNEL_RIP;
}

static void call(uint32_t number, uint64_t what, uint64_t rdi, uint64_t rsi)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};

	run_process(number, &vmcall, INTROSPECTION_CALLS + what, rdi, rsi);
}

static void map_some(uint32_t number)
{
	const uint64_t page = sched_random() % USED_PAGES * PAGE;
	const uint64_t target = sched_random() % 2 ? NOBODYS_RAM + sched_random() % 64 * PAGE : window + page;

	call(number, INTROSPECTION_MAP, WINDOW_VA + page, target);
}

static void write_some(uint32_t number)
{
	const struct model_exit violation = {.kind = PLINTH_EXIT_SLAT_VIOLATION,
					     .access = WRITE,
					     .length = 3,
					     .physical = window + sched_random() % USED_PAGES * PAGE};

	run_process(number, &violation, 0, 0, 0);
}

/* -- the driver ------------------------------------------------------------------------------------ */

static int tell(const struct introspection_message *message, struct introspection_answer *answer)
{
	struct core_call letter = {.name = INTROSPECTION_NAME,
				   .in = message,
				   .in_bytes = sizeof(*message),
				   .out = answer,
				   .room = sizeof(*answer)};

	report_clear(&machine.report);
	model.cpu[0].rip = KERNEL_RIP;
	return core_call(machine.core, &letter, &machine.report);
}

static void admit(void)
{
	const struct introspection_message m = {.op = INTROSPECTION_ADMIT,
						.id = 1,
						.cr3 = cr3,
						.window = window,
						.n_memory = 1,
						.memory = {{0x1000000, 0x40000000}}};
	struct introspection_answer none;

	registered = !tell(&m, &none);
	if (!registered)
		cpus_complain("not registered: %s", machine.report.text);
}

/* As often as it takes: others come by in between, or it is gone on with next time. */
static void end(void)
{
	const struct introspection_message m = {.op = INTROSPECTION_END, .id = 1};
	struct introspection_answer answer;

	if (tell(&m, &answer))
		cpus_complain("not ended: %s", machine.report.text);
	else
		registered = answer.pending;
}

void introspection_act(uint32_t cpu, uint32_t left)
{
	(void)left;
	if (!cpu && !cr3)
		make_process();
	if (!cpu && (!registered || !(sched_random() % 4))) {
		if (registered)
			end();
		else
			admit();
	}
	if (!cr3)
		return;
	switch (sched_random() % 6) {
	case 0: write_some(cpu); break;
	case 1: call(cpu, INTROSPECTION_GET_REGISTERS, BUFFER_VA + cpu * PAGE, PAGE); break;
	default: map_some(cpu); break;
	}
}

void introspection_check(void)
{
	static const struct model_exit cpuid = {.kind = PLINTH_EXIT_CPUID, .length = 2};

	for (uint32_t i = 0; registered && i <= model.n_cpus; i++) {
		end();
		for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++)
			(void)cpus_exit(cpu, &cpuid);
	}
	if (registered)
		cpus_complain("the process does not end");
	for (uint64_t i = 0; window && i < WINDOW_PAGES; i++)
		if (translation_of(0, window + i * PAGE).pa != window + i * PAGE)
			cpus_complain("page %u of the window leads elsewhere", (unsigned int)i);
}
