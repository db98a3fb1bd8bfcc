/* SPDX-License-Identifier: MIT */
/* What follows from a handler's answer; and entries that failed. */
#include "internal.h"

/*
 * The first entry failed its checks: no instruction of the guest ran, so the launch is
 * taken back by giving the CPU back with an error as the result of entry_start().
 */
static bool launch_failed(const struct vcpu *vcpu)
{
	return vcpu == vcpu->cpu->host && vcpu->exit.kind == PLINTH_EXIT_ENTRY_FAILURE &&
	       vcpu->exit.rip == vcpu->cpu->priv->began;
}

static __attribute__((noreturn)) void take_back_launch(struct vcpu *vcpu)
{
	LOG_ERR("the CPU refused the guest, reason 0x%llx, detail 0x%llx",
		(unsigned long long)vcpu->exit.reason, (unsigned long long)vcpu_detail(vcpu));
	vendor_refusal_log(vcpu, 0);
	vcpu->regs.rax = (uint64_t)PLINTH_E_ENTRY;
	vcpu_leave(vcpu);
}

static __attribute__((noreturn)) void give_up(struct vcpu *vcpu)
{
	const bool entry = vcpu->exit.kind == PLINTH_EXIT_ENTRY_FAILURE;
	const struct crash crash = {
		.what = entry ? "the CPU refused the guest's state" : "an exit that nobody handles",
		.entry = entry,
	};

	vcpu_crash(vcpu, &crash);
}

struct vcpu *vcpu_on_action(struct vcpu *vcpu, enum exit_action action)
{
	switch (action) {
	case EXIT_NEXT: vendor_skip(vcpu); break;
	case EXIT_RETRY: event_redeliver(vcpu); break;
	case EXIT_SWITCH: event_redeliver(vcpu); return switch_to(vcpu->cpu->chosen);
	case EXIT_LEAVE: vendor_skip(vcpu); vcpu_leave(switch_to_host(vcpu));
	case EXIT_FATAL:
		if (launch_failed(vcpu))
			take_back_launch(vcpu);
		give_up(vcpu);
	}
	return vcpu;
}

struct vcpu *vcpu_on_refusal(struct vcpu *vcpu, int how)
{
	const struct crash crash = {
		.what = "the CPU refused to go on with the guest", .entry = true, .refusal = how};

	if (vcpu != vcpu->cpu->host)
		return switch_refused(vcpu);
	vcpu_crash(vcpu, &crash);
}

enum exit_action entry_failed(struct vcpu *vcpu, vcpu_exit_fn *handler)
{
	if (!vendor_machine_check(vcpu))
		return handler(vcpu);
	event_machine_check(vcpu);
	return launch_failed(vcpu) ? EXIT_FATAL : EXIT_RETRY;
}
