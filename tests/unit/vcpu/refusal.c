/* SPDX-License-Identifier: MIT */
/* Entries that the CPU refuses: the report has its word and the rule that was broken. */
#include <string.h>

#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

/* What the rules found, if anything: each line has the field and its value. */
#define BROKEN(field, value) ROOT_REPORTED("vmxchk:", fact_hex(field), fact_hex(value))

static enum exit_action bad_control(struct vcpu *vcpu)
{
	(void)vcpu;
	vmcs_write(VMCS_CR3_TARGET_COUNT, 77);
	return EXIT_NEXT;
}

static enum exit_action bad_guest(struct vcpu *vcpu)
{
	(void)vcpu;
	vmcs_write(VMCS_GUEST_ACTIVITY, 9);
	return EXIT_NEXT;
}

static enum exit_action no_vmcs(struct vcpu *vcpu)
{
	(void)!cpu_vmclear(vcpu->vendor->vmcs_pa);
	return EXIT_RETRY;
}

Test(vcpu_refusal, vmresume_refuses_the_controls, .init = root_usual)
{
	cr_assert_eq(root_run(bad_control, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect_eq(root_state(), PLINTH_CPU_DEAD);
	cr_expect(ROOT_REPORTED("VM-instruction error", "7"));
	cr_expect_eq(BROKEN(VMCS_CR3_TARGET_COUNT, 77), 1, "the rule that was broken");
	cr_expect(ROOT_REPORTED("CR3_TARGET_COUNT", fact_hex(77)), "and the VMCS");
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 1, "the instruction had been done");
}

/* The rules want the capabilities of this CPU, which not every one has in the exact form. */
Test(vcpu_refusal, vmresume_refuses_the_controls_of_an_old_cpu)
{
	for (unsigned int i = 0; i < model_n_kinds; i++)
		if (!strcmp(model_kinds[i].name, "no-true-controls"))
			root_up(&model_kinds[i]);
	cr_assert_eq(root_run(bad_control, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect_eq(BROKEN(VMCS_CR3_TARGET_COUNT, 77), 1);
	cr_expect_eq(ROOT_REPORTED("vmxchk:"), 1, "and no other rule");
}

static enum exit_action bad_control_and_no_check(struct vcpu *vcpu)
{
	vendor_register_entry_check(NULL);
	return bad_control(vcpu);
}

/* Without the module that knows the rules the report is the same but for them. */
Test(vcpu_refusal, nobody_knows_the_rules, .init = root_usual)
{
	cr_assert_eq(root_run(bad_control_and_no_check, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect(ROOT_REPORTED("VM-instruction error", "7"));
	cr_expect_eq(ROOT_REPORTED("vmxchk:"), 0);
}

Test(vcpu_refusal, the_guests_state_is_refused, .init = root_usual)
{
	cr_assert_eq(root_run(bad_guest, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect_eq(root_state(), PLINTH_CPU_DEAD);
	cr_expect(ROOT_REPORTED("reason", "0x80000021"));
	cr_expect_eq(BROKEN(VMCS_GUEST_ACTIVITY, 9), 1, "the rule that was broken");
	cr_expect(ROOT_REPORTED("GUEST_ACTIVITY", "0x9"), "and the VMCS");
}

Test(vcpu_refusal, vmresume_without_a_vmcs, .init = root_usual)
{
	cr_assert_eq(root_run(no_vmcs, (struct model_exit){0}), MODEL_HALTED);
	cr_expect_eq(root_state(), PLINTH_CPU_HALTED);
	cr_expect(ROOT_REPORTED("VMCS", "current"));
}
