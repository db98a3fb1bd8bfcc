/* SPDX-License-Identifier: MIT */
/* NMIs that all find the same exit have found an endless loop. */
#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

static unsigned int nmis;
static bool another_exit_between, slow, reporting;

/* An NMI that interrupted this handler; the clock of the model moves with every look at it. */
static void nmi(unsigned int ticks)
{
	struct cpu_fault f = {.vector = VECTOR_NMI, .rip = 0x6666};

	while (ticks--)
		(void)cpu_rdtsc();
	fault_arrived(&f);
}

static enum exit_action hang(struct vcpu *vcpu)
{
	vcpu->cpu->local.in_fault = reporting;
	for (unsigned int i = 0; i < nmis; i++) {
		nmi(slow ? 60000 : 1); /* tens of milliseconds between two of them */
		vcpu->shared->exits[PLINTH_EXIT_CPUID] += another_exit_between;
	}
	vcpu->cpu->local.in_fault = 0;
	return EXIT_NEXT;
}

Test(vcpu_watchdog, three_nmis_in_one_exit_are_a_loop, .init = root_usual)
{
	nmis = 3;
	slow = true;
	cr_assert_eq(root_run(hang, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect_eq(root_state(), PLINTH_CPU_DEAD);
	cr_expect(ROOT_REPORTED("RIP", "0x6666"), "where it loops");
	cr_expect_eq(ROOT_REPORTED("vector"), 0, "and no exception");
}

Test(vcpu_watchdog, two_are_not, .init = root_usual)
{
	nmis = 2;
	slow = true;
	cr_expect_eq(root_run(hang, (struct model_exit){.length = 1}), MODEL_GUEST);
	cr_expect_eq(root_run(hang, (struct model_exit){.length = 1}), MODEL_GUEST);
}

Test(vcpu_watchdog, nor_are_many_at_once, .init = root_usual)
{
	nmis = 20;
	cr_expect_eq(root_run(hang, (struct model_exit){.length = 1}), MODEL_GUEST);
}

Test(vcpu_watchdog, nor_those_of_many_exits, .init = root_usual)
{
	nmis = 10;
	slow = true;
	another_exit_between = true;
	cr_expect_eq(root_run(hang, (struct model_exit){.length = 1}), MODEL_GUEST);
}

Test(vcpu_watchdog, a_report_may_take_its_time, .init = root_usual)
{
	nmis = 10;
	slow = true;
	reporting = true;
	cr_expect_eq(root_run(hang, (struct model_exit){.length = 1}), MODEL_GUEST);
}
