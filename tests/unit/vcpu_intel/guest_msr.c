/* SPDX-License-Identifier: MIT */
/*
 * MSRs that guest and root mode have one each of: what is the guest's is read and written, and root mode's
 * stays.
 */
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define WITH_SYSCALL	   0xd01ull
#define WITHOUT_SYSCALL	   0xd00ull
#define EXIT_CAN_LOAD_PERF (1ull << (32 + 12)) /* of the exit controls that can be 1 */

static int result, results[3];
static uint64_t value;

/* As if the kernel had no SYSCALL when the VMM was started, and its guest had. */
static enum exit_action write_efer(struct vcpu *vcpu)
{
	cpu_wrmsr(MSR_IA32_EFER, WITHOUT_SYSCALL);
	result = vcpu_write_msr(vcpu, MSR_IA32_EFER, WITH_SYSCALL);
	value = cpu_rdmsr(MSR_IA32_EFER);
	return EXIT_RETRY;
}

Test(vcpu_guest_msr, efer_of_root_mode_stays, .init = root_usual)
{
	model.cpu[0].st.msr[MODEL_MSR_EFER] = WITHOUT_SYSCALL;
	cr_assert_eq(root_run(write_efer, (struct model_exit){0}), MODEL_GUEST);
	cr_expect_eq(result, 0);
	cr_expect_eq(value, WITHOUT_SYSCALL, "0x%llx", (unsigned long long)value);
	cr_expect_eq(model.cpu[0].st.msr[MODEL_MSR_EFER], WITH_SYSCALL, "the guest has what it wrote");
	root_expect_clean();
}

static enum exit_action read_counters(struct vcpu *vcpu)
{
	results[0] = vcpu_read_msr(vcpu, MSR_IA32_PERF_GLOBAL_CTRL, &value);
	result = vcpu_write_msr(vcpu, MSR_IA32_PERF_GLOBAL_CTRL, 0);
	results[1] = vcpu_write_msr(vcpu, MSR_IA32_DEBUGCTL, 0);
	return EXIT_RETRY;
}

/* Where only a list of the exit's switches the counters off, the guest's word is on it. */
Test(vcpu_guest_msr, what_is_on_a_list)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.caps.exit &= ~EXIT_CAN_LOAD_PERF;
	root_up(&kind);
	model.cpu[0].st.msr[MODEL_MSR_PERF_GLOBAL_CTRL] = 5;
	cr_assert_eq(root_run(read_counters, (struct model_exit){0}), MODEL_GUEST);
	cr_expect_eq(results[0], 0);
	cr_expect_eq(value, 5);
	cr_expect_eq(result, PLINTH_E_FAULT);
	cr_expect_eq(results[1], PLINTH_E_FAULT, "nor what would be switched on in root mode");
	cr_expect_eq(model.cpu[0].st.msr[MODEL_MSR_PERF_GLOBAL_CTRL], 5);
	root_expect_clean();
}

static enum exit_action ask_for_nonsense(struct vcpu *vcpu)
{
	(void)vcpu;
	results[0] = vcpu_msr_exits(guest_host(), 2, 1, VCPU_MSR_READ, true);
	results[1] = vcpu_msr_exits(guest_host(), 1, 1, 0, true);
	results[2] = vcpu_msr_exits(guest_host(), 1, 1, ~0u, true);
	return EXIT_RETRY;
}

Test(vcpu_guest_msr, exits_of_what_is_no_range, .init = root_usual)
{
	cr_assert_eq(root_run(ask_for_nonsense, (struct model_exit){0}), MODEL_GUEST);
	for (unsigned int i = 0; i < 3; i++)
		cr_expect_eq(results[i], PLINTH_E_INVAL, "%u", i);
	root_expect_clean();
}
