/* SPDX-License-Identifier: MIT */
/*
 * How deep the VMM's stacks get: exits of all sorts with the tracer, every line of the log and a UART, NMIs
 * and machine checks on top; and the crash reports, with an NMI at each instruction of interest. A quarter of
 * each stack is left. What the mock intrinsics use is counted with the rest, so on a CPU it is less.
 */
#include "sweep.h"

#include <stdio.h>
#include <string.h>

#include <plinth/footprint.h>

#include "drivers/common/internal.h"
#include "extension.h"
#include "memory.h"
#include "model/internal.h"

#define RIP	 0xffffffff81234567ull
#define TSS_IST1 36u

enum stack_id { STACK_ROOT, STACK_NMI, STACK_FAULT, STACK_MC, STACK_BOOT, STACKS };

static struct stack {
	const char *name;
	uint64_t top, bytes; /* of CPU 0; top 0: not there yet */
	uint64_t deepest;
} stacks[STACKS] = {
	[STACK_ROOT] = {.name = "root", .bytes = PLINTH_ROOT_STACK_PAGES * PLINTH_PAGE},
	[STACK_NMI] = {.name = "NMI", .bytes = PLINTH_NMI_STACK_PAGES * PLINTH_PAGE},
	[STACK_FAULT] = {.name = "fault", .bytes = PLINTH_FAULT_STACK_PAGES * PLINTH_PAGE},
	[STACK_MC] = {.name = "machine check", .bytes = PLINTH_MC_STACK_PAGES * PLINTH_PAGE},
	[STACK_BOOT] = {.name = "boot"},
};

static const uint64_t *word_at(uint64_t va)
{
	uint64_t pa = memory_translate(va);

	cr_assert(pa, "%s: a stack is not mapped at 0x%llx", sweep_case(), (unsigned long long)va);
	return memory_physical(pa);
}

static void find_stacks(void)
{
	const struct model_vendor *vendor = model_vendor();
	uint64_t tss = vendor->root(&model.cpu[0], MODEL_ROOT_TSS),
		 rsp = vendor->root(&model.cpu[0], MODEL_ROOT_RSP);
	const struct space_region *boot = &machine.core->space[SPACE_STACK];

	stacks[STACK_ROOT].top = (rsp + PLINTH_PAGE - 1) & ~(uint64_t)(PLINTH_PAGE - 1);
	for (unsigned int ist = 0; ist < 3; ist++) {
		uint64_t at = tss + TSS_IST1 + 8 * ist, low, high;

		/* In words of 8 bytes it lies across two. */
		low = *word_at(at - 4) >> 32;
		high = *word_at(at + 4) << 32;
		stacks[STACK_NMI + ist].top = high | low;
	}
	stacks[STACK_BOOT].top = boot->va + boot->pages * PLINTH_PAGE;
	stacks[STACK_BOOT].bytes = boot->pages * PLINTH_PAGE;
}

/* Whoever takes a stack gets it zeroed. */
static void look(void)
{
	for (unsigned int i = 0; i < STACKS; i++) {
		uint64_t va = stacks[i].top - stacks[i].bytes;

		while (va < stacks[i].top && !*word_at(va))
			va += sizeof(uint64_t);
		if (stacks[i].top - va > stacks[i].deepest)
			stacks[i].deepest = stacks[i].top - va;
	}
}

/* -- what happens on them ------------------------------------------------------------------ */

static void stacks_power_on(void)
{
	machine_reset(&model_kinds[0], 2);
	machine.uart_port = model.uart = 0x3f8;
	machine_add("exit_tracer");
	machine_add("extension");
	cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	find_stacks();
}

static enum model_end run_exit_at_tick(const struct model_exit *exit, uint64_t rax, uint64_t nmi, uint64_t mc)
{
	struct model_cpu *cpu = &model.cpu[0];

	model.nmi_at_tick = nmi ? cpu->ticks + nmi : 0;
	model.mc_at_tick = mc ? cpu->mc_ticks + mc : 0;
	cpu->rip = RIP;
	cpu->regs.rax = rax;
	cpu->regs.rcx = 0x2000;
	sweep_count();
	return model_exit(0, exit);
}

static const struct model_exit exits[] = {
	{.kind = PLINTH_EXIT_CPUID, .length = 2},     /* CPUID */
	{.kind = PLINTH_EXIT_HYPERCALL, .length = 3}, /* a hypercall */
	{.kind = PLINTH_EXIT_XSETBV, .length = 3},    /* XSETBV */
	{.kind = PLINTH_EXIT_MSR_READ, .length = 2},  /* RDMSR and WRMSR that fault in the VMM */
	{.kind = PLINTH_EXIT_MSR_WRITE, .length = 2},
	{.kind = PLINTH_EXIT_CR_ACCESS, .detail = 0x4, .length = 3},   /* MOV to CR4 */
	{.kind = PLINTH_EXIT_CR_ACCESS, .detail = 0x110, .length = 3}, /* MOV from CR0 */
	{.kind = PLINTH_EXIT_SLAT_VIOLATION, .physical = 0x123456789}, /* violations */
	{.kind = PLINTH_EXIT_SLAT_VIOLATION, .detail = 1, .physical = 1ull << 50},
	{.kind = PLINTH_EXIT_SLAT_VIOLATION,
	 .physical = 0x40123456789,
	 .vectoring = 0x80000b0e,
	 .vectoring_error = 2},
};

/* With an NMI and a machine check, each somewhere else. */
static void every_exit(void)
{
	for (uint64_t i = 0; i < sizeof(exits) / sizeof(*exits); i++)
		for (uint64_t tick = 1; tick < 24; tick++) {
			sweep_label("exit %u, tick %llu", exits[i].kind, (unsigned long long)tick);
			cr_assert_eq(run_exit_at_tick(&exits[i], 1ull << 40, tick, 24 - tick), MODEL_GUEST,
				     "%s", sweep_case());
			model.cpu[0].interruptibility = 0;
			model.cpu[0].st.msr[MODEL_MSR_MCG_STATUS] = 0;
		}
	look();
}

/* The end of the VMM: false when the NMI had not come yet. */
static bool crash_on_stacks(const char *name, const struct model_exit *exit, uint64_t rax, uint64_t nmi,
			    bool mc)
{
	enum model_end end;

	sweep_label("%s, NMI at tick %llu", name, (unsigned long long)nmi);
	stacks_power_on();
	model.mc_fatal = mc;
	end = run_exit_at_tick(exit, rax, nmi, mc);
	cr_expect_eq(end, MODEL_BACK, "%s: ends with %d", sweep_case(), (int)end);
	sweep_expect_clean();
	cr_expect_eq(plinth_shared_cpu(core_shared_region(machine.core), 0)->state, PLINTH_CPU_DEAD, "%s",
		     sweep_case());
	cr_expect(machine_logged(0, PLINTH_LOG_ERR, FACTS("CPU 0")), "%s: a report", sweep_case());
	look();
	return !nmi || model.cpu[0].ticks >= model.nmi_at_tick;
}

static void expect_room(void)
{
	for (unsigned int i = 0; i < STACKS; i++) {
		printf("# %s stack: %llu of %llu bytes\n", stacks[i].name,
		       (unsigned long long)stacks[i].deepest, (unsigned long long)stacks[i].bytes);
		cr_expect_gt(stacks[i].deepest, 0, "nothing ever ran on the %s stack", stacks[i].name);
		cr_expect_leq(stacks[i].deepest, stacks[i].bytes / 4 * 3,
			      "the %s stack: %llu of %llu bytes are used", stacks[i].name,
			      (unsigned long long)stacks[i].deepest, (unsigned long long)stacks[i].bytes);
	}
}

#define STEP 13u /* of the ticks of a report, which are some thousands */

Test(stacks, a_quarter_is_left)
{
	static const struct model_exit nobodys = {.kind = PLINTH_EXIT_HLT, .length = 1},
				       vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	static const struct model_exit cpuid = {.kind = PLINTH_EXIT_CPUID, .length = 2};

	stacks_power_on();
	every_exit();
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
	crash_on_stacks("an exit nobody handles", &nobodys, 0, 0, false);
	crash_on_stacks("a machine check that cannot go on", &cpuid, 0, 0, true);
	crash_on_stacks("a fault", &vmcall, EXTENSION_FAULT, 0, false);
	for (uint64_t tick = 1; crash_on_stacks("a fault", &vmcall, EXTENSION_FAULT, tick, false);
	     tick += STEP)
		;
	expect_room();
	sweep_report("stacks");
}
