/* SPDX-License-Identifier: MIT */
/* What arrives in root mode: exceptions, NMIs, machine checks. */
#include "internal.h"

/* Where the hardware says that what it interrupted cannot go on, root mode cannot. */
static bool can_go_on(void)
{
	uint64_t status;

	return cpu_rdmsr_safe(MSR_IA32_MCG_STATUS, &status) || status & MCG_STATUS_RIPV;
}

static void machine_check(struct vcpu *vcpu, const struct cpu_fault *fault)
{
	const struct crash crash = {
		.what = "machine check in root mode, which cannot go on", .fault = fault, .brief = true};

	event_machine_check(vcpu);
	if (!can_go_on())
		vcpu_crash(vcpu, &crash);
}

void fault_arrived(struct cpu_fault *fault)
{
	const struct crash crash = {.what = "exception in root mode", .fault = fault};
	struct vcpu *vcpu = cpu_local()->vcpu;
	uint64_t landing;

	if (fault->vector == VECTOR_NMI) {
		event_nmi(vcpu);
		watchdog_nmi(vcpu, fault);
		return;
	}
	if (fault->vector == VECTOR_MC) {
		machine_check(vcpu, fault);
		return;
	}
	landing = cpu_fixup(fault->rip);
	if (landing) {
		fault->rip = landing;
		return;
	}
	vcpu_crash(vcpu, &crash);
}
