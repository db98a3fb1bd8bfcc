/* SPDX-License-Identifier: MIT */
/* Machine checks that arrive in root mode: they are the guest's, whatever else is on its way to it. */
#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define NMI 0x80000202u
#define GP  0x80000b0du
#define PF  0x80000b0eu
#define MC  0x80000312u

static enum exit_action again(struct vcpu *vcpu)
{
	(void)vcpu;
	return EXIT_RETRY;
}

static enum exit_action take_machine_check(struct vcpu *vcpu)
{
	struct cpu_fault f = {.vector = VECTOR_MC, .rip = 0x7777};

	model.cpu[0].mcs_sent++;
	model.cpu[0].st.msr[MODEL_MSR_MCG_STATUS] = MCG_STATUS_MCIP | (model.mc_fatal ? 0 : MCG_STATUS_RIPV);
	(void)vcpu;
	fault_arrived(&f);
	return EXIT_NEXT;
}

Test(vcpu_machine_check, is_the_guests, .init = root_usual)
{
	model.cpu[0].st.rflags = RFLAGS_FIXED | RFLAGS_RF;
	cr_assert_eq(root_run(take_machine_check, (struct model_exit){.length = 1}), MODEL_GUEST);
	root_expect_event(MC);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 1, "behind the instruction that was done");
	cr_expect_not(model.cpu[0].event.resumes, "it is no fault");
	cr_expect_eq(model.cpu[0].mcs_delivered, 1);
	root_expect_clean();
}

/* What cannot tell that root mode is lost does not say that it is. */
Test(vcpu_machine_check, on_a_cpu_without_the_registers_that_tell_of_it)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.no_mca = true;
	root_up(&kind);
	cr_assert_eq(root_run(take_machine_check, (struct model_exit){.length = 1}), MODEL_GUEST);
	root_expect_event(MC);
	root_expect_clean();
}

static enum exit_action take_nmi_then_machine_check(struct vcpu *vcpu)
{
	event_nmi(vcpu);
	return take_machine_check(vcpu);
}

/* The more urgent one first, and neither is forgotten. */
Test(vcpu_machine_check, a_machine_check_goes_before_an_nmi, .init = root_usual)
{
	cr_assert_eq(root_run(take_nmi_then_machine_check, (struct model_exit){.length = 1}), MODEL_GUEST);
	root_expect_event(MC);
	root_timer_exit();
	root_expect_event(NMI);
	cr_expect_not(model_timer_runs(0));
	root_expect_clean();
}

static enum exit_action raise_then_machine_check(struct vcpu *vcpu)
{
	vcpu_inject(vcpu, VECTOR_GP, true, 0);
	(void)take_machine_check(vcpu);
	event_nmi(vcpu);
	return EXIT_RETRY;
}

Test(vcpu_machine_check, what_is_queued_goes_before_a_machine_check, .init = root_usual)
{
	cr_assert_eq(root_run(raise_then_machine_check, (struct model_exit){0}), MODEL_GUEST);
	root_expect_event(GP);
	root_timer_exit();
	root_expect_event(MC);
	root_timer_exit();
	root_expect_event(NMI);
	cr_expect_not(model_timer_runs(0));
	root_expect_clean();
}

/* A guest that does not want any: the CPU shuts down, and the machine with it. */
Test(vcpu_machine_check, a_machine_check_of_a_guest_without_mce, .init = root_usual)
{
	model.cpu[0].st.cr4 &= ~CR4_MCE;
	cr_expect_eq(root_run(take_machine_check, (struct model_exit){.length = 1}), MODEL_RESET);
	root_expect_clean();
}

/* And one that began without them and wants them now. */
Test(vcpu_machine_check, a_guest_that_turns_mce_on)
{
	root_loaded(&model_kinds[0], 1);
	model.cpu[0].st.cr4 &= ~CR4_MCE;
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	model.cpu[0].st.cr4 |= CR4_MCE;
	cr_expect_eq(root_run(take_machine_check, (struct model_exit){.length = 1}), MODEL_GUEST);
	root_expect_event(MC);
	root_expect_clean();
}

/* What it hit was root mode's own work: that is over, and the kernel is told. */
Test(vcpu_machine_check, a_machine_check_that_root_mode_does_not_survive, .init = root_usual)
{
	model.mc_fatal = true;
	cr_expect_eq(root_run(take_machine_check, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect_eq(root_state(), PLINTH_CPU_DEAD);
	cr_expect(ROOT_REPORTED("hlt", "0xc"), "which exit it was");
	cr_expect_eq(ROOT_REPORTED("RAX"), 0, "a brief report");
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP, "as if the exit had not been");
	cr_expect_eq(model.back.machine_check, 1);
	root_expect_clean();
}

static enum exit_action leave_with_machine_check(struct vcpu *vcpu)
{
	(void)take_machine_check(vcpu);
	event_nmi(vcpu);
	return EXIT_LEAVE;
}

Test(vcpu_machine_check, a_machine_check_goes_with_the_cpu, .init = root_usual)
{
	cr_assert_eq(root_run(leave_with_machine_check, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect_eq(model.back.machine_check, 1);
	cr_expect_eq(model.back.nmis, 1);
	root_expect_clean();
}

/* In the middle of an entry: the event that the entry was for is not lost, and comes first. */
Test(vcpu_machine_check, a_machine_check_that_fails_an_entry, .init = root_usual)
{
	model.mc_at_entry = true;
	/* Delivered a third time it would be a double fault. */
	cr_assert_eq(root_run(again, (struct model_exit){.vectoring = PF, .vectoring_error = 2}),
		     MODEL_GUEST);
	root_expect_event(PF);
	root_timer_exit();
	root_expect_event(MC);
	cr_expect_not(model_timer_runs(0));
	model.mc_at_entry = true;
	cr_assert_eq(root_run(again, (struct model_exit){0}), MODEL_GUEST);
	root_expect_event(MC);
	cr_expect_eq(model.cpu[0].mcs_delivered, 2);
	root_expect_clean();
}
