/* SPDX-License-Identifier: MIT */
/*
 * All CPUs drop what they remember of second-level translation: the one that asks now, the others at their
 * next exit.
 */
#include <plinth/slat.h>

#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define CPUS	     3u
#define REASON_CPUID 10

static uint64_t ticket;
static bool done;

static enum exit_action ask(struct vcpu *vcpu)
{
	(void)vcpu;
	ticket = slat_flush(slat_host());
	done = slat_flushed(ticket);
	return EXIT_NEXT;
}

static enum exit_action look(struct vcpu *vcpu)
{
	(void)vcpu;
	done = slat_flushed(ticket);
	return EXIT_NEXT;
}

static void run(vcpu_exit_fn *handler)
{
	cr_assert_eq(root_run(handler, (struct model_exit){.length = 1}), MODEL_GUEST);
}

static void cpuid(uint32_t cpu)
{
	const struct model_exit exit = {.reason = REASON_CPUID, .length = 2};

	cr_assert_eq(model_exit(cpu, &exit), MODEL_GUEST);
}

static void guests_up(void)
{
	root_loaded(&model_kinds[0], CPUS);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		model.cpu[cpu].rip = ROOT_RIP;
		model.cpu[cpu].rsp = model_high((uint64_t)&root_kernel_stack[60]);
	}
}

/* INVEPTs of a CPU since they were last asked for. */
static uint64_t flushes(uint32_t cpu)
{
	static uint64_t before[CPUS];
	uint64_t n = model.cpu[cpu].invalidations - before[cpu];

	before[cpu] = model.cpu[cpu].invalidations;
	return n;
}

Test(vcpu_flush, each_cpu_once, .init = guests_up)
{
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		(void)flushes(cpu);
	run(ask);
	cr_expect_neq(ticket, 0);
	cr_expect_not(done);
	cr_expect_eq(flushes(0), 1);
	cpuid(1);
	cr_expect_eq(flushes(1), 1);
	run(look);
	cr_expect_not(done, "one is missing");
	cpuid(2);
	cr_expect_eq(flushes(2), 1);
	run(look);
	cr_expect(done);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		cpuid(cpu);
		cr_expect_eq(flushes(cpu), 0, "CPU %u flushes once", cpu);
	}
	cr_expect_not(slat_flushed(ticket + 1), "nobody has asked for that yet");
	root_expect_clean();
}

/* One flush answers all that was asked for before it. */
Test(vcpu_flush, several_are_one, .init = guests_up)
{
	(void)flushes(1);
	run(ask);
	run(ask);
	cpuid(1);
	cpuid(2);
	cr_expect_eq(flushes(1), 1);
	run(look);
	cr_expect(done);
}

Test(vcpu_flush, a_cpu_that_is_no_guest_any_more_is_not_waited_for, .init = guests_up)
{
	run(ask);
	cpuid(1);
	machine.cpus_locked = 1;
	cr_assert_eq(core_cpu_offline(machine.core, 2, &machine.report), 0);
	run(look);
	cr_expect(done);
	cr_assert_eq(core_cpu_online(machine.core, 2, &machine.report), 0);
	machine.cpus_locked = 0;
	run(look);
	cr_expect(done, "it has flushed before it began");
	root_expect_clean();
}

/* The exit at which it happens is handled as any other, whatever its kind. */
Test(vcpu_flush, the_exit_is_handled, .init = guests_up)
{
	run(ask);
	model.cpu[1].regs.rax = 0;
	cpuid(1);
	cr_expect_eq(model.cpu[1].rip, ROOT_RIP + 2);
	cr_expect_eq(model.cpu[1].regs.rbx, 0x756e6547, "the leaf's answer");
	ticket = 0;
	run(ask);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 2, "over both of its own");
}

static void refuse_invept(bool refuse)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	if (refuse)
		kind.caps.ept_vpid &= ~(1ull << 26);
	model.kind = &kind;
}

Test(vcpu_flush, a_cpu_that_refuses_has_not_flushed, .init = guests_up)
{
	run(ask);
	cpuid(2);
	refuse_invept(true);
	cpuid(1);
	run(look);
	cr_expect_not(done);
	run(ask);
	cr_expect_eq(ticket, 0);
	cr_expect(ROOT_LOGGED(PLINTH_LOG_ERR, "INVEPT"));
	refuse_invept(false);
	run(ask);
	cpuid(1);
	cpuid(2);
	run(look);
	cr_expect(done);
}

/* -- nobody to wait for -------------------------------------------------------------------------- */

static int ask_at_boot(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	ticket = slat_flush(slat_host());
	done = slat_flushed(ticket);
	return 0;
}

Test(vcpu_flush, asked_for_before_there_is_a_guest)
{
	root_loaded(&model_kinds[0], CPUS);
	cr_assert_eq(root_call(ask_at_boot, 0, 0), 0);
	cr_expect_neq(ticket, 0);
	cr_expect(done);
}

Test(vcpu_flush, a_dead_cpu_is_not_waited_for, .init = guests_up)
{
	uint32_t *state = &plinth_shared_own(vcpu_common.shared, 2)->state;

	run(ask);
	cpuid(1);
	*state = PLINTH_CPU_DEAD;
	run(look);
	*state = PLINTH_CPU_GUEST;
	cr_expect(done);
}
