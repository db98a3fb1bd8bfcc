/* SPDX-License-Identifier: MIT */
/* What several CPUs do in root mode at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "border.h"
#include "cpus.h"
#include "drivers/common/internal.h"
#include "lib/log_ring.h"
#include "model/internal.h"
#include "scenario_ept.h"
#include "sched.h"
#include "vmm.h"

#define KERNEL_RIP 0xffffffff81000000ull
#define UART	   0x3f8u

static void expect_still_guest(uint32_t cpu, enum model_end end, const char *what)
{
	if (end != MODEL_GUEST)
		cpus_complain("CPU %u: %s ended with %d", cpu, what, (int)end);
}

static void expect_answer(uint32_t cpu, uint64_t answer, const char *what)
{
	static const char *const answers[] = {"", "no memory", "memory was overwritten",
					      "memory was not zero", "another page"};

	if (answer == VMM_OK || answer == VMM_FULL)
		return;
	cpus_complain("CPU %u: %s: %s", cpu, what,
		      answer < sizeof(answers) / sizeof(*answers) ? answers[answer] : "died");
}

/* -- exits of all sorts -- */

static void any_exit(uint32_t number)
{
	static const struct model_exit exits[] = {
		{.kind = PLINTH_EXIT_CPUID, .length = 2},		       /* CPUID */
		{.kind = PLINTH_EXIT_XSETBV, .length = 3},		       /* XSETBV that is refused */
		{.kind = PLINTH_EXIT_MSR_WRITE, .length = 2},		       /* WRMSR that is refused */
		{.kind = PLINTH_EXIT_MSR_READ, .length = 2},		       /* RDMSR */
		{.kind = PLINTH_EXIT_CR_ACCESS, .detail = 0x110, .length = 3}, /* MOV from CR0 */
		{.kind = PLINTH_EXIT_INVD, .length = 2},		       /* INVD */
		{.kind = PLINTH_EXIT_HYPERCALL, .length = 3}, /* a hypercall of nobody's number */
	};
	struct model_cpu *cpu = &model.cpu[number];
	const struct model_exit *exit = &exits[sched_random() % (sizeof(exits) / sizeof(*exits))];

	cpu->rip = KERNEL_RIP;
	cpu->regs.rax = 1ull << 40;
	cpu->regs.rcx = 0x2000;
	expect_still_guest(number, cpus_exit(number, exit), "an exit");
}

/* -- memory -- */

static void memory_act(uint32_t cpu, uint32_t left)
{
	if (left)
		expect_answer(cpu, cpus_order(cpu, VMM_MEMORY, sched_random() >> 8, 0), "memory");
	else
		expect_answer(cpu, cpus_order(cpu, VMM_MEMORY_END, 0, 0), "memory");
}

/* -- the log -- */

static void log_prepare(void)
{
	model.uart = machine.uart_port = UART;
}

static void expect_whole(const struct plinth_log_record *record)
{
	unsigned long long number, other;

	if (memcmp(record->tag, "vmm", 3))
		return;
	if (sscanf(record->text, "%llx %llx", &number, &other) != 2 || number != ~other)
		cpus_complain("a line of the log is torn: %s", record->text);
}

/* As a tool has it, by a copy of all that is shared. */
static void read_log(uint32_t cpu)
{
	static struct plinth_shared copy[1 << 10];
	const struct plinth_shared_cpu *ring;
	struct plinth_log_record record;

	if (core_shared(machine.core, copy, sizeof(copy)) > sizeof(copy))
		cpus_complain("what is shared is larger than expected");
	ring = plinth_shared_cpu(copy, cpu);
	for (uint64_t i = log_ring_first(ring, 1); i <= ring->log_head; i++)
		if (log_ring_read(ring, i, &record))
			expect_whole(&record);
}

/* Errors pass the rate limit: there must be more of them than a ring holds. */
static uint64_t log_level(void)
{
	return sched_random() % 4 ? PLINTH_LOG_ERR : PLINTH_LOG_WARN + sched_random() % 3;
}

static void log_act(uint32_t cpu, uint32_t left)
{
	struct core_report report;

	(void)left;
	report_clear(&report);
	if (!cpu && !(sched_random() % 4))
		read_log((uint32_t)(sched_random() % model.n_cpus));
	else if (!cpu && !(sched_random() % 8))
		(void)!core_set_level(machine.core, sched_random() % 2 ? "vmm" : "exit",
				      (uint32_t)(sched_random() % 4), &report);
	else
		cpus_order(cpu, VMM_LOG, log_level() | (16 + sched_random() % 48) << 8, sched_random());
}

static void stuck_act(uint32_t cpu, uint32_t left)
{
	model.uart_stuck = sched_random() % 4 != 0;
	log_act(cpu, left);
}

/* A line takes longer than anybody waits for the port, and at some time no byte goes out any more. */
static void slow_act(uint32_t cpu, uint32_t left)
{
	(void)left;
	if (!border_uart_slow)
		border_uart_breaks = 500000 + sched_random() % 3000000;
	border_uart_slow = 30000;
	cpus_order(cpu, VMM_LOG, PLINTH_LOG_ERR | 1 << 8, sched_random());
}

static void slow_check(void)
{
	border_uart_slow = 0;
}

/* Every line on the UART is one CPU's; the model keeps so many bytes that the last may be cut. */
static void log_check(void)
{
	char *end = strrchr(model.serial, '\n'), *line;

	if (!end)
		return;
	*end = '\0';
	line = strtok(model.serial, "\r\n");
	for (; line; line = strtok(NULL, "\r\n"))
		if (strncmp(line, "plinth ", 7) || strstr(line + 7, "plinth "))
			cpus_complain("a line of the UART is mixed: %s", line);
}

/* -- CPUs come, go and die -- */

static void everything(uint32_t cpu, uint32_t left)
{
	(void)left;
	switch (sched_random() % 4) {
	case 0: expect_answer(cpu, cpus_order(cpu, VMM_MEMORY, sched_random() >> 8, 0), "memory"); break;
	case 1: cpus_order(cpu, VMM_LOG, PLINTH_LOG_WARN | 1 << 8, sched_random()); break;
	default: any_exit(cpu); break;
	}
}

static void start_stop_turns(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (machine_start())
			cpus_complain("start: %s", machine.report.text);
		if (machine_stop())
			cpus_complain("stop: %s", machine.report.text);
	}
}

static void user_mode(struct model_cpu *cpu)
{
	cpu->st.seg[MODEL_CS].selector = 0x33;
	cpu->st.seg[MODEL_CS].rights = 0xa0fb;
	cpu->st.seg[MODEL_SS].selector = 0x2b;
	cpu->st.seg[MODEL_SS].rights = 0xc0f3;
	cpu->rsp = 0x7ffe12345678;
}

static void die_by_an_exit(uint32_t number)
{
	static const struct model_exit hlt = {.kind = PLINTH_EXIT_HLT, .length = 1};
	enum model_end end;

	user_mode(&model.cpu[number]);
	end = cpus_exit(number, &hlt);
	if (end != MODEL_BACK)
		cpus_complain("CPU %u died and ended with %d", number, (int)end);
}

static void take_init(uint32_t number)
{
	static const struct model_exit init = {.kind = PLINTH_EXIT_INIT};
	enum model_end end = cpus_exit(number, &init);

	if (end != MODEL_INIT)
		cpus_complain("CPU %u took an INIT and ended with %d", number, (int)end);
}

/* The last action of a CPU may be its end. */
static void act_and_die(uint32_t cpu, uint32_t left)
{
	if (left || !(sched_random() % 4))
		everything(cpu, left);
	else
		die_by_an_exit(cpu);
}

/* An INIT while the driver waits for that CPU is as deadly without a VMM: the kernel waits for ever. */
static void act_and_be_lost(uint32_t cpu, uint32_t left)
{
	if (left || cpu % 2)
		act_and_die(cpu, left);
	else
		take_init(cpu);
}

static void start_only(void)
{
	(void)!machine_start();
	(void)!machine_stop();
}

/* clang-format off */
const struct scenario scenarios[] = {
	{ .name = "memory", .actions = 40, .act = memory_act, .seeds = 200, .nmis = 100 },
	{ .name = "violations", .prepare = ept_prepare, .actions = 12, .act = ept_act, .check = ept_check, .seeds = 150, .nmis = 100 },
	{ .name = "log", .prepare = log_prepare, .actions = 25, .act = log_act, .check = log_check, .seeds = 25, .nmis = 1000 },
	{ .name = "log, stuck UART", .prepare = log_prepare, .actions = 4, .act = stuck_act, .seeds = 4, .nmis = 10000 },
	{ .name = "log, slow UART", .prepare = log_prepare, .actions = 3, .act = slow_act, .check = slow_check, .seeds = 3 },
	{ .name = "starts and stops", .actions = 30, .act = everything, .command = start_stop_turns, .seeds = 150, .nmis = 100 },
	{ .name = "deaths and INITs", .actions = 5, .act = act_and_be_lost, .corrupt = true, .seeds = 100, .nmis = 100 },
	{ .name = "deaths while others start", .actions = 5, .act = act_and_die, .command = start_only, .corrupt = true, .seeds = 100,
	  .nmis = 100 },
};
/* clang-format on */

const unsigned int n_scenarios = sizeof(scenarios) / sizeof(scenarios[0]);
