/* SPDX-License-Identifier: MIT */
/* Why an entry was refused. */
#include "internal.h"

static vendor_entry_check_fn *entry_check;

void vendor_register_entry_check(vendor_entry_check_fn *check)
{
	entry_check = check;
}

void vendor_refusal_log(struct vcpu *vcpu, int how)
{
	if (how == CPU_VMX_FAIL_INVALID)
		LOG_ERR("  no VMCS is current");
	LOG_ERR("  VM-instruction error %llu", (unsigned long long)vmcs_read(VMCS_INSTRUCTION_ERROR));
	if (entry_check)
		entry_check(vcpu);
}
