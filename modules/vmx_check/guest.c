/* SPDX-License-Identifier: MIT */
/* The guest's control registers, debug registers and MSRs; RIP and RFLAGS. */
#include "internal.h"

#define DEBUGCTL_RESERVED (~0xffc7ull)	 /* SDM, "IA32_DEBUGCTL MSR" */
#define BNDCFGS_RESERVED  0xffcull	 /* SDM, volume 4: IA32_BNDCFGS; without En and BNDPRESERVE */
#define RFLAGS_RESERVED	  (~0x3f7fd7ull) /* SDM, "EFLAGS Register"; without bit 1, which must be set */

static uint32_t guest_cr0_fixed(const struct view *v)
{
	uint64_t cr0 = get(v, VMCS_GUEST_CR0);
	uint64_t ones = v->caps->cr0_fixed0;

	/* CD and NW are not looked at; PE and PG are free for an unrestricted guest. */
	if (has_secondary(v, SECONDARY_UNRESTRICTED))
		ones &= ~(CR0_PE | CR0_PG);
	return broken_if(~cr0 & ones & ~(CR0_CD | CR0_NW) || cr0 & ~v->caps->cr0_fixed1 & ~(CR0_CD | CR0_NW),
			 VMCS_GUEST_CR0);
}

static uint32_t paging_protected(const struct view *v)
{
	return broken_if(has(v, VMCS_GUEST_CR0, CR0_PG) && !has(v, VMCS_GUEST_CR0, CR0_PE), VMCS_GUEST_CR0);
}

static uint32_t debugctl(const struct view *v)
{
	return broken_if(has(v, VMCS_ENTRY_CONTROLS, ENTRY_LOAD_DEBUG) &&
				 has(v, VMCS_GUEST_DEBUGCTL, DEBUGCTL_RESERVED),
			 VMCS_GUEST_DEBUGCTL);
}

static uint32_t long_mode_paging(const struct view *v)
{
	if (!guest_64(v))
		return KEPT;
	if (!has(v, VMCS_GUEST_CR0, CR0_PG))
		return VMCS_GUEST_CR0;
	return broken_if(!has(v, VMCS_GUEST_CR4, CR4_PAE), VMCS_GUEST_CR4);
}

static uint32_t pcide(const struct view *v)
{
	return broken_if(!guest_64(v) && has(v, VMCS_GUEST_CR4, CR4_PCIDE), VMCS_GUEST_CR4);
}

static uint32_t dr7(const struct view *v)
{
	return broken_if(has(v, VMCS_ENTRY_CONTROLS, ENTRY_LOAD_DEBUG) && get(v, VMCS_GUEST_DR7) >> 32,
			 VMCS_GUEST_DR7);
}

static uint32_t efer_lma(const struct view *v)
{
	return broken_if(has(v, VMCS_ENTRY_CONTROLS, ENTRY_LOAD_EFER) &&
				 has(v, VMCS_GUEST_EFER, EFER_LMA) != guest_64(v),
			 VMCS_GUEST_EFER);
}

static uint32_t efer_lme(const struct view *v)
{
	return broken_if(has(v, VMCS_ENTRY_CONTROLS, ENTRY_LOAD_EFER) && has(v, VMCS_GUEST_CR0, CR0_PG) &&
				 has(v, VMCS_GUEST_EFER, EFER_LMA) != has(v, VMCS_GUEST_EFER, EFER_LME),
			 VMCS_GUEST_EFER);
}

/* Enable, preserve, and a table at a page of its own. */
static uint32_t bounds(const struct view *v)
{
	uint64_t value = get(v, VMCS_GUEST_BNDCFGS);

	return broken_if(has(v, VMCS_ENTRY_CONTROLS, ENTRY_LOAD_BND) &&
				 (value & BNDCFGS_RESERVED || !is_canonical(v, value)),
			 VMCS_GUEST_BNDCFGS);
}

static const struct rule register_rules[] = {
	{"guest CR0: fixed bits", guest_cr0_fixed},
	{"guest CR0: PG without PE", paging_protected},
	{"guest CR4: fixed bits", rule_cr4_fixed},
	{"guest CR4: CET without CR0.WP", rule_cet_needs_wp},
	{"guest DEBUGCTL: reserved bits", debugctl},
	{"guest in IA-32e mode without CR0.PG and CR4.PAE", long_mode_paging},
	{"guest CR4: PCIDE outside IA-32e mode", pcide},
	{"guest CR3: physical-address width", rule_cr3_width},
	{"guest DR7: high half", dr7},
	{"guest SYSENTER_ESP: not canonical", rule_sysenter_esp},
	{"guest SYSENTER_EIP: not canonical", rule_sysenter_eip},
	{"guest PAT: memory types", rule_pat_types},
	{"guest EFER: reserved bits", rule_efer_reserved},
	{"guest EFER: LMA does not fit the entry controls", efer_lma},
	{"guest EFER: LME differs from LMA under paging", efer_lme},
	{"guest PERF_GLOBAL_CTRL: reserved bits", rule_perf_counters},
	{"guest BNDCFGS: reserved bits or address not canonical", bounds},
};

/* -- RIP and RFLAGS ---------------------------------------------------------------------- */

/* Canonical it need not be: only the bits above the width of a linear address must be alike. */
static bool fits_linear(const struct view *v, uint64_t address)
{
	int64_t above = (int64_t)address >> v->caps->linear_bits;

	return !above || above == -1;
}

static uint32_t guest_rip(const struct view *v)
{
	uint64_t rip = get(v, VMCS_GUEST_RIP);
	bool long_code = guest_64(v) && has(v, VMCS_GUEST_CS_RIGHTS, RIGHTS_L);

	return broken_if(long_code ? !fits_linear(v, rip) : rip >> 32 != 0, VMCS_GUEST_RIP);
}

static uint32_t rflags_reserved(const struct view *v)
{
	return broken_if(has(v, VMCS_GUEST_RFLAGS, RFLAGS_RESERVED) ||
				 !has(v, VMCS_GUEST_RFLAGS, RFLAGS_FIXED),
			 VMCS_GUEST_RFLAGS);
}

static uint32_t rflags_vm(const struct view *v)
{
	return broken_if(has(v, VMCS_GUEST_RFLAGS, RFLAGS_VM) &&
				 (guest_64(v) || !has(v, VMCS_GUEST_CR0, CR0_PE)),
			 VMCS_GUEST_RFLAGS);
}

static uint32_t rflags_if(const struct view *v)
{
	return broken_if(injects(v, TYPE_EXTERNAL) && !has(v, VMCS_GUEST_RFLAGS, RFLAGS_IF),
			 VMCS_GUEST_RFLAGS);
}

static const struct rule flag_rules[] = {
	{"guest RIP: wider than a linear address, or above 4 GiB outside 64-bit code", guest_rip},
	{"guest RFLAGS: reserved bits", rflags_reserved},
	{"guest RFLAGS: VM in IA-32e mode or without CR0.PE", rflags_vm},
	{"guest RFLAGS: IF is 0 and an external interrupt is injected", rflags_if},
};

const struct section guest_sections[2] = {
	{SECTION("Checks on Guest Control Registers, Debug Registers, and MSRs", VMX_CHECK_GUEST,
		 register_rules)},
	{SECTION("Checks on Guest RIP, RFLAGS, and SSP", VMX_CHECK_GUEST, flag_rules)},
};
