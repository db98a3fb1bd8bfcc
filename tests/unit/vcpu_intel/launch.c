/* SPDX-License-Identifier: MIT */
/* The launch: what VMXON wants, and a first entry that does not come to its end. */
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

/* -- the way into VMX operation -------------------------------------------------------------- */

#define LOCKED	1u
#define INSIDE	2u
#define OUTSIDE 4u
#define REFUSED PLINTH_E_LOCKED

/* The log has the register that forbids it, and whether VMXON was tried. */
static void expect_the_reason(uint64_t feature_control, bool tries)
{
	const char *value = fact_hex(feature_control);

	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, "IA32_FEATURE_CONTROL", value), 1, "%s", value);
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, "IA32_FEATURE_CONTROL", value, "VMXON"), tries, "%s", value);
}

/* VMXON has the last word, and where it raises #GP that is the start's result, not the kernel's end. */
Test(vcpu_launch, measured_launches_and_locks)
{
	static const struct {
		uint64_t feature_control;
		bool smxe, in_smx, refuses;
		int want;
		bool tries; /* VMXON, before it is refused */
	} cases[] = {
		{LOCKED | OUTSIDE, false, false, false, 0, true},
		{LOCKED | OUTSIDE, true, false, false, 0, true},
		{LOCKED | INSIDE | OUTSIDE, true, true, false, 0, true},
		{LOCKED | INSIDE, true, true, false, 0, true},
		{0, true, true, false, 0, true},
		{0, true, false, false, 0, true},
		{0, false, false, false, 0, true},
		{LOCKED | INSIDE, false, false, false, REFUSED, false},
		{LOCKED | INSIDE, true, false, false, REFUSED, true},
		{LOCKED | OUTSIDE, true, true, false, REFUSED, true},
		{LOCKED | OUTSIDE, false, false, true, REFUSED, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_kind kind = model_kinds[0];

		kind.cr4 |= CR4_SMXE;
		kind.cr4_extra = cases[i].smxe ? CR4_SMXE : 0;
		kind.in_smx = cases[i].in_smx;
		kind.refuses_vmxon = cases[i].refuses;
		kind.feature_control = cases[i].feature_control;
		root_loaded(&kind, 1);
		cr_expect_eq(machine_start(), cases[i].want, "case %zu: %s", i, machine.report.text);
		if (cases[i].want)
			expect_the_reason(cases[i].feature_control, cases[i].tries);
		root_expect_clean();
	}
}

/*
 * A machine check in the middle of it: the start is taken back, and the kernel is told as soon as it has its
 * CPU.
 */
Test(vcpu_launch, a_first_entry_that_a_machine_check_fails)
{
	struct model_cpu *cpu = &model.cpu[0];

	root_loaded(&model_kinds[0], 1);
	model.mc_at_entry = true;
	cr_expect_eq(machine_start(), PLINTH_E_ENTRY, "%s", machine.report.text);
	cr_expect_eq(cpu->mcs_delivered, 1);
	cr_expect_eq(cpu->st.msr[MODEL_MSR_PERF_GLOBAL_CTRL], 0xf);
	cr_expect_eq(machine_start(), 0, "%s", machine.report.text);
	root_expect_clean();
}
