/* SPDX-License-Identifier: MIT */
/* The host-state area: what the CPU loads on every exit. */
#include "internal.h"

static bool fixed_ok(uint64_t value, uint64_t fixed0, uint64_t fixed1)
{
	return !(~value & fixed0) && !(value & ~fixed1);
}

static uint32_t canonical_or(const struct view *v, enum vmcs_field field)
{
	return broken_if(!canonical(v, get(v, field)), field);
}

static bool host_64(const struct view *v)
{
	return has(v, VMCS_EXIT_CONTROLS, EXIT_HOST_64);
}

/* -- control registers and MSRs ------------------------------------------------------ */

static uint32_t cr0_fixed(const struct view *v)
{
	return broken_if(!fixed_ok(get(v, VMCS_HOST_CR0), v->caps->cr0_fixed0, v->caps->cr0_fixed1),
			 VMCS_HOST_CR0);
}

static uint32_t cr4_fixed(const struct view *v)
{
	return broken_if(!fixed_ok(get(v, VMCS_HOST_CR4), v->caps->cr4_fixed0, v->caps->cr4_fixed1),
			 VMCS_HOST_CR4);
}

static uint32_t cet_needs_wp(const struct view *v)
{
	return broken_if(has(v, VMCS_HOST_CR4, CR4_CET) && !has(v, VMCS_HOST_CR0, CR0_WP), VMCS_HOST_CR4);
}

static uint32_t cr3_width(const struct view *v)
{
	return broken_if(bad_cr3(v, get(v, VMCS_HOST_CR3)), VMCS_HOST_CR3);
}

static uint32_t sysenter_esp(const struct view *v)
{
	return canonical_or(v, VMCS_HOST_SYSENTER_ESP);
}

static uint32_t sysenter_eip(const struct view *v)
{
	return canonical_or(v, VMCS_HOST_SYSENTER_EIP);
}

static uint32_t pat(const struct view *v)
{
	return broken_if(has(v, VMCS_EXIT_CONTROLS, EXIT_LOAD_PAT) && !valid_pat(get(v, VMCS_HOST_PAT)),
			 VMCS_HOST_PAT);
}

static uint32_t efer_reserved(const struct view *v)
{
	return broken_if(has(v, VMCS_EXIT_CONTROLS, EXIT_LOAD_EFER) && has(v, VMCS_HOST_EFER, ~EFER_KNOWN),
			 VMCS_HOST_EFER);
}

static uint32_t efer_mode(const struct view *v)
{
	uint64_t want = host_64(v) ? EFER_LMA | EFER_LME : 0;

	return broken_if(has(v, VMCS_EXIT_CONTROLS, EXIT_LOAD_EFER) &&
				 (get(v, VMCS_HOST_EFER) & (EFER_LMA | EFER_LME)) != want,
			 VMCS_HOST_EFER);
}

static uint32_t counters(const struct view *v)
{
	return broken_if(has(v, VMCS_EXIT_CONTROLS, EXIT_LOAD_PERF) &&
				 bad_counters(v, get(v, VMCS_HOST_PERF_GLOBAL_CTRL)),
			 VMCS_HOST_PERF_GLOBAL_CTRL);
}

static const struct rule register_rules[] = {
	{"host CR0: fixed bits", cr0_fixed},
	{"host CR4: fixed bits", cr4_fixed},
	{"host CR4: CET without CR0.WP", cet_needs_wp},
	{"host CR3: physical-address width", cr3_width},
	{"host SYSENTER_ESP: not canonical", sysenter_esp},
	{"host SYSENTER_EIP: not canonical", sysenter_eip},
	{"host PAT: memory types", pat},
	{"host EFER: reserved bits", efer_reserved},
	{"host EFER: LMA and LME do not fit the host's address-space size", efer_mode},
	{"host PERF_GLOBAL_CTRL: reserved bits", counters},
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
		if (!canonical(v, get(v, fields[i])))
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

static uint32_t rip(const struct view *v)
{
	return broken_if(host_64(v) && !canonical(v, get(v, VMCS_HOST_RIP)), VMCS_HOST_RIP);
}

static const struct rule size_rules[] = {
	{"host address-space size is not 64 bits", size_is_64},
	{"host CR4: PAE is 0", pae},
	{"host RIP: not canonical", rip},
};

const struct section host_sections[3] = {
	{SECTION("Checks on Host Control Registers, MSRs, and SSP", VMX_CHECK_HOST, register_rules)},
	{SECTION("Checks on Host Segment and Descriptor-Table Registers", VMX_CHECK_HOST, segment_rules)},
	{SECTION("Checks Related to Address-Space Size", VMX_CHECK_HOST, size_rules)},
};
