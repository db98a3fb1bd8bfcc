/* SPDX-License-Identifier: MIT */
/* The host-state area: what the CPU loads on every exit. */
#include "internal.h"

static bool host_64(const struct view *v)
{
	return has(v, VMCS_EXIT_CONTROLS, EXIT_HOST_64);
}

/* -- control registers and MSRs ------------------------------------------------------ */

static uint32_t host_cr0_fixed(const struct view *v)
{
	uint64_t cr0 = get(v, VMCS_HOST_CR0);

	return broken_if(~cr0 & v->caps->cr0_fixed0 || cr0 & ~v->caps->cr0_fixed1, VMCS_HOST_CR0);
}

static uint32_t efer_mode(const struct view *v)
{
	uint64_t want = host_64(v) ? EFER_LMA | EFER_LME : 0;

	return broken_if(has(v, VMCS_EXIT_CONTROLS, EXIT_LOAD_EFER) &&
				 (get(v, VMCS_HOST_EFER) & (EFER_LMA | EFER_LME)) != want,
			 VMCS_HOST_EFER);
}

static const struct rule register_rules[] = {
	{"host CR0: fixed bits", host_cr0_fixed},
	{"host CR4: fixed bits", rule_cr4_fixed},
	{"host CR4: CET without CR0.WP", rule_cet_needs_wp},
	{"host CR3: physical-address width", rule_cr3_width},
	{"host SYSENTER_ESP: not canonical", rule_sysenter_esp},
	{"host SYSENTER_EIP: not canonical", rule_sysenter_eip},
	{"host PAT: memory types", rule_pat_types},
	{"host EFER: reserved bits", rule_efer_reserved},
	{"host EFER: LMA and LME do not fit the host's address-space size", efer_mode},
	{"host PERF_GLOBAL_CTRL: reserved bits", rule_perf_counters},
};

/* -- segments and tables --------------------------------------------------------------- */

static uint32_t selectors(const struct view *v)
{
	static const uint32_t fields[] = {VMCS_HOST_ES_SELECTOR, VMCS_HOST_CS_SELECTOR, VMCS_HOST_SS_SELECTOR,
					  VMCS_HOST_DS_SELECTOR, VMCS_HOST_FS_SELECTOR, VMCS_HOST_GS_SELECTOR,
					  VMCS_HOST_TR_SELECTOR};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (has(v, fields[i], 7))
			return fields[i];
	return KEPT;
}

static uint32_t cs_null(const struct view *v)
{
	return broken_if(!get(v, VMCS_HOST_CS_SELECTOR), VMCS_HOST_CS_SELECTOR);
}

static uint32_t tr_null(const struct view *v)
{
	return broken_if(!get(v, VMCS_HOST_TR_SELECTOR), VMCS_HOST_TR_SELECTOR);
}

static uint32_t ss_null(const struct view *v)
{
	return broken_if(!host_64(v) && !get(v, VMCS_HOST_SS_SELECTOR), VMCS_HOST_SS_SELECTOR);
}

static uint32_t bases(const struct view *v)
{
	static const uint32_t fields[] = {VMCS_HOST_FS_BASE, VMCS_HOST_GS_BASE, VMCS_HOST_TR_BASE,
					  VMCS_HOST_GDTR_BASE, VMCS_HOST_IDTR_BASE};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!is_canonical(v, get(v, fields[i])))
			return fields[i];
	return KEPT;
}

static const struct rule segment_rules[] = {
	{"host selectors: RPL or TI", selectors},
	{"host CS is null", cs_null},
	{"host TR is null", tr_null},
	{"host SS is null in 32-bit mode", ss_null},
	{"host base addresses: not canonical", bases},
};

/* -- address-space size ------------------------------------------------------------------ */

/* Whoever runs this is in IA-32e mode. */
static uint32_t size_is_64(const struct view *v)
{
	return broken_if(!host_64(v), VMCS_EXIT_CONTROLS);
}

static uint32_t pae(const struct view *v)
{
	return broken_if(host_64(v) && !has(v, VMCS_HOST_CR4, CR4_PAE), VMCS_HOST_CR4);
}

static uint32_t host_rip(const struct view *v)
{
	return broken_if(host_64(v) && !is_canonical(v, get(v, VMCS_HOST_RIP)), VMCS_HOST_RIP);
}

static const struct rule size_rules[] = {
	{"host address-space size is not 64 bits", size_is_64},
	{"host CR4: PAE is 0", pae},
	{"host RIP: not canonical", host_rip},
};

const struct section host_sections[3] = {
	{SECTION("Checks on Host Control Registers, MSRs, and SSP", VMX_CHECK_HOST, register_rules)},
	{SECTION("Checks on Host Segment and Descriptor-Table Registers", VMX_CHECK_HOST, segment_rules)},
	{SECTION("Checks Related to Address-Space Size", VMX_CHECK_HOST, size_rules)},
};
