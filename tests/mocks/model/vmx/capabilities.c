/* SPDX-License-Identifier: MIT */
/* What the CPU can, and the MSRs that tell it. */
#include "vmx.h"

#define BASIC_TRUE (1ull << 55)

struct vmx_caps vmx_caps(void)
{
	const struct model_kind *kind = model.kind;
	struct vmx_caps caps = kind->caps;

	caps.cr4_fixed1 = kind->cr4;
	caps.perf_global = kind->perf_global;
	caps.physical_bits = kind->physical_bits;
	caps.linear_bits = kind->linear_bits;
	caps.lam = kind->lam;
	return caps;
}

/* The capability MSRs; those with exact ("true") values only where the CPU says so. */
bool vmx_msr_read(uint32_t msr, uint64_t *value)
{
	const struct vmx_caps *c = &model.kind->caps;
	bool exact = c->basic & BASIC_TRUE;

	if (model.kind->no_vmx)
		return false;
	switch (msr) {
	case MSR_IA32_VMX_BASIC: *value = c->basic; return true;
	case MSR_IA32_VMX_PINBASED_CTLS: *value = c->pin | 0x16; return true;
	case MSR_IA32_VMX_PROCBASED_CTLS: *value = c->primary | 0x0401e172; return true;
	case MSR_IA32_VMX_EXIT_CTLS: *value = c->exit | 0x36dff; return true;
	case MSR_IA32_VMX_ENTRY_CTLS: *value = c->entry | 0x11ff; return true;
	case MSR_IA32_VMX_MISC: *value = c->misc; return true;
	case MSR_IA32_VMX_CR0_FIXED0: *value = c->cr0_fixed0; return true;
	case MSR_IA32_VMX_CR0_FIXED1: *value = c->cr0_fixed1; return true;
	case MSR_IA32_VMX_CR4_FIXED0: *value = c->cr4_fixed0; return true;
	case MSR_IA32_VMX_CR4_FIXED1: *value = model.kind->cr4; return true;
	case MSR_IA32_VMX_PROCBASED_CTLS2: *value = c->secondary; return c->primary >> 32 & PRIMARY_SECONDARY;
	case MSR_IA32_VMX_PROCBASED_CTLS3: *value = c->tertiary; return c->primary >> 32 & PRIMARY_TERTIARY;
	case MSR_IA32_VMX_EPT_VPID_CAP:
		*value = c->ept_vpid;
		return c->secondary >> 32 & (SECONDARY_EPT | SECONDARY_VPID);
	case MSR_IA32_VMX_TRUE_PINBASED: *value = c->pin; return exact;
	case MSR_IA32_VMX_TRUE_PROCBASED: *value = c->primary; return exact;
	case MSR_IA32_VMX_TRUE_EXIT: *value = c->exit; return exact;
	case MSR_IA32_VMX_TRUE_ENTRY: *value = c->entry; return exact;
	default: return false;
	}
}
