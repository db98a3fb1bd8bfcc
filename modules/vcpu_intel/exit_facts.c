/* SPDX-License-Identifier: MIT */
/* What an exit was about, by neutral names. */
#include "internal.h"

uint64_t vcpu_detail(struct vcpu *vcpu)
{
	(void)vcpu;
	return vmcs_read(VMCS_EXIT_QUALIFICATION);
}

/*
 * SDM, "Exit Qualification for EPT Violations": its lowest three bits are SLAT_READ and so on, the next three
 * what was allowed.
 */
#define QUALIFICATION_ALLOWED 0x38u

void vcpu_memory_access(struct vcpu *vcpu, struct vcpu_memory_access *out)
{
	out->address = vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS);
	out->wanted = vcpu_detail(vcpu) & SLAT_ALL;
	out->mapped = vcpu_detail(vcpu) & QUALIFICATION_ALLOWED;
}

/* SDM, "Exit Qualification for Control-Register Accesses". */
void vcpu_cr_access(struct vcpu *vcpu, struct vcpu_cr_access *out)
{
	uint64_t q = vcpu_detail(vcpu);

	out->cr = q & 15;
	out->op = q >> 4 & 3;
	out->gpr = q >> 8 & 15;
	out->source = q >> 16 & 0xffff;
}
