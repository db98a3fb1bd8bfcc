/* SPDX-License-Identifier: MIT */
/*
 * What an entry and an exit load alike, each from fields of its own: the rules are the same (SDM, "Checks on
 * Host Control Registers, MSRs, and SSP" and "Checks on Guest Control Registers, Debug Registers, and MSRs").
 */
#include "internal.h"

#define EFER_RESERVED (~0xd01ull) /* without SCE, LME, LMA, NXE */

const struct registers host_registers = {
	.controls = VMCS_EXIT_CONTROLS,
	.load_pat = EXIT_LOAD_PAT,
	.load_efer = EXIT_LOAD_EFER,
	.load_perf = EXIT_LOAD_PERF,
	.cr0 = VMCS_HOST_CR0,
	.cr3 = VMCS_HOST_CR3,
	.cr4 = VMCS_HOST_CR4,
	.sysenter_esp = VMCS_HOST_SYSENTER_ESP,
	.sysenter_eip = VMCS_HOST_SYSENTER_EIP,
	.pat = VMCS_HOST_PAT,
	.efer = VMCS_HOST_EFER,
	.perf_global_ctrl = VMCS_HOST_PERF_GLOBAL_CTRL,
};

const struct registers guest_registers = {
	.controls = VMCS_ENTRY_CONTROLS,
	.load_pat = ENTRY_LOAD_PAT,
	.load_efer = ENTRY_LOAD_EFER,
	.load_perf = ENTRY_LOAD_PERF,
	.cr0 = VMCS_GUEST_CR0,
	.cr3 = VMCS_GUEST_CR3,
	.cr4 = VMCS_GUEST_CR4,
	.sysenter_esp = VMCS_GUEST_SYSENTER_ESP,
	.sysenter_eip = VMCS_GUEST_SYSENTER_EIP,
	.pat = VMCS_GUEST_PAT,
	.efer = VMCS_GUEST_EFER,
	.perf_global_ctrl = VMCS_GUEST_PERF_GLOBAL_CTRL,
};

uint32_t rule_cr4_fixed(const struct view *v)
{
	uint64_t cr4 = get(v, v->in->cr4);

	return broken_if(~cr4 & v->caps->cr4_fixed0 || cr4 & ~v->caps->cr4_fixed1, v->in->cr4);
}

uint32_t rule_cet_needs_wp(const struct view *v)
{
	return broken_if(has(v, v->in->cr4, CR4_CET) && !has(v, v->in->cr0, CR0_WP), v->in->cr4);
}

/* SDM, "MOV - Move to/from Control Registers": with LAM, two bits above the width say what is masked. */
uint32_t rule_cr3_width(const struct view *v)
{
	uint64_t cr3 = get(v, v->in->cr3) & ~(v->caps->lam ? CR3_LAM : 0);

	return broken_if(cr3 >> v->caps->physical_bits, v->in->cr3);
}

uint32_t rule_sysenter_esp(const struct view *v)
{
	return broken_if(!is_canonical(v, get(v, v->in->sysenter_esp)), v->in->sysenter_esp);
}

uint32_t rule_sysenter_eip(const struct view *v)
{
	return broken_if(!is_canonical(v, get(v, v->in->sysenter_eip)), v->in->sysenter_eip);
}

/* SDM, "IA32_PAT MSR": eight memory types. */
uint32_t rule_pat_types(const struct view *v)
{
	uint64_t pat = has(v, v->in->controls, v->in->load_pat) ? get(v, v->in->pat) : 0;

	for (; pat; pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return v->in->pat;
	return KEPT;
}

uint32_t rule_efer_reserved(const struct view *v)
{
	return broken_if(has(v, v->in->controls, v->in->load_efer) && has(v, v->in->efer, EFER_RESERVED),
			 v->in->efer);
}

/* Is a counter on that this CPU has not? */
uint32_t rule_perf_counters(const struct view *v)
{
	return broken_if(has(v, v->in->controls, v->in->load_perf) &&
				 has(v, v->in->perf_global_ctrl, ~v->caps->perf_global),
			 v->in->perf_global_ctrl);
}
