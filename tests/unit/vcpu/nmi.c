/* SPDX-License-Identifier: MIT */
/* NMIs that are owed, and how a CPU comes back to deliver them: by its timer, or by a window. */
#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define NMI 0x80000202u

static enum exit_action take_two_and_settle(struct vcpu *vcpu)
{
	event_nmi(vcpu);
	event_nmi(vcpu);
	vcpu_settle(vcpu);
	return EXIT_RETRY;
}

/* One event at a time: the second one is not forgotten while the first waits for its entry. */
Test(vcpu_nmi, settling_while_an_event_is_queued, .init = root_usual)
{
	cr_assert_eq(root_run(take_two_and_settle, (struct model_exit){0}), MODEL_GUEST);
	root_expect_event(NMI);
	model.cpu[0].interruptibility = 0;
	root_timer_exit();
	root_expect_event(NMI);
	cr_expect_eq(model.cpu[0].nmis_delivered, 2);
	cr_expect_not(model_timer_runs(0));
	root_expect_clean();
}

static void two_nmis_without_the_timer(uint32_t lacks, uint32_t lacks_primary)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.caps.pin &= ~((uint64_t)(PIN_PREEMPTION_TIMER | lacks) << 32);
	kind.caps.primary &= ~((uint64_t)lacks_primary << 32);
	root_up(&kind);
	cr_assert_eq(root_run(take_two_and_settle, (struct model_exit){0}), MODEL_GUEST);
	root_expect_event(NMI);
	cr_expect_not(model_field(0, VMCS_PRIMARY_CONTROLS) & PRIMARY_INTERRUPTS);
}

/*
 * The CPU comes back as soon as the handler of the first one is over; one that arrives meanwhile waits behind
 * it.
 */
Test(vcpu_nmi, settling_by_the_window_of_nmis)
{
	static const struct model_exit window = {.reason = 8};

	two_nmis_without_the_timer(0, 0);
	cr_expect_not(model_nmi_window_opens(0), "its handler runs");
	cr_expect_eq(model_nmi(0), MODEL_GUEST, "a third one");
	root_expect_event(0);
	for (unsigned int left = 2; left; left--) {
		model.cpu[0].interruptibility = 0;
		cr_assert(model_nmi_window_opens(0), "%u are left", left);
		cr_assert_eq(model_exit(0, &window), MODEL_GUEST);
		root_expect_event(NMI);
	}
	cr_expect_not(model_field(0, VMCS_PRIMARY_CONTROLS) & PRIMARY_NMI_WINDOW);
	cr_expect_not(model_field(0, VMCS_PIN_CONTROLS) & PIN_NMI, "NMIs are the guest's own again");
	cr_expect_eq(model.cpu[0].nmis_delivered, 3);
	root_expect_clean();
}

/* Something else that exits meanwhile is not one of them, and nobody's. */
Test(vcpu_nmi, an_exception_that_exits_while_one_is_owed)
{
	two_nmis_without_the_timer(0, 0);
	cr_expect_eq(model_exit(0, &(struct model_exit){.reason = 0, .info = 0x80000b0e}), MODEL_BACK);
	root_expect_clean();
}

/*
 * Without that window, too, nobody comes back for it: that of interrupts is open all the time. The stop takes
 * it along.
 */
static void expect_until_the_stop(uint32_t lacks, uint32_t lacks_primary)
{
	two_nmis_without_the_timer(lacks, lacks_primary);
	cr_expect_not(model_field(0, VMCS_PIN_CONTROLS) & PIN_NMI);
	model.cpu[0].interruptibility = 0;
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(model.back.nmis, 1);
	root_expect_clean();
}

Test(vcpu_nmi, settling_without_virtual_nmis)
{
	expect_until_the_stop(PIN_VIRTUAL_NMI, 0);
}

Test(vcpu_nmi, settling_without_the_window_of_nmis)
{
	expect_until_the_stop(0, PRIMARY_NMI_WINDOW);
}
