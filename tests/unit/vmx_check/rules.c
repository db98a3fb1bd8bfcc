/* SPDX-License-Identifier: MIT */
/*
 * A case is a set of changes of a good VMCS and names the rule that must complain. All
 * cases alone, and all pairs of cases that do not change the same field.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "vmcs.h"

#define PIN		    0x16u
#define PRIMARY		    0x9401e172u
#define SECONDARY	    (SECONDARY_RDTSCP | SECONDARY_VPID)
#define EXIT		    (0x36dfbu | EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_LOAD_PAT | EXIT_LOAD_EFER)
#define ENTRY		    (0x11fbu | ENTRY_GUEST_64 | ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER)
#define V86		    VMCS_GUEST_RFLAGS, 0x20002
#define ODD		    0x10001u
#define HIGH		    (1ull << 40)
#define NOT_CANONICAL	    0x800000000000ull
#define EVENT(type, vector) (0x80000000u | (type) << 8 | (vector))

enum { CHANGES = 3, ALONE = 1 };

/* clang-format off */
static const struct mutation {
	const char *rule;
	struct { uint32_t field; uint64_t value; } change[CHANGES]; /* field 0 with value 0 ends; VPID comes first */
	int alone; /* changes what other rules look at */
} mutations[] = {
	{ "pin-based controls: reserved bits", { { VMCS_PIN_CONTROLS, PIN | 1u << 8 } }, 0 },
	{ "pin-based controls: reserved bits", { { VMCS_PIN_CONTROLS, 0 } }, 0 },
	{ "primary controls: reserved bits", { { VMCS_PRIMARY_CONTROLS, PRIMARY | 1 } }, 0 },
	{ "secondary controls: reserved bits", { { VMCS_SECONDARY_CONTROLS, SECONDARY | 1u << 30 } }, 0 },
	{ "tertiary controls: reserved bits",
	  { { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_TERTIARY }, { VMCS_TERTIARY_CONTROLS, 1 } }, ALONE },
	{ "CR3-target count: too many", { { VMCS_CR3_TARGET_COUNT, 5 } }, 0 },
	{ "I/O bitmaps: address", { { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_IO_BITMAPS }, { VMCS_IO_BITMAP_A, ODD } }, 0 },
	{ "I/O bitmaps: address", { { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_IO_BITMAPS }, { VMCS_IO_BITMAP_B, HIGH } }, 0 },
	{ "MSR bitmap: address", { { VMCS_MSR_BITMAP, ODD } }, 0 },
	{ "MSR bitmap: address", { { VMCS_MSR_BITMAP, HIGH } }, 0 },
	{ "virtual-APIC page: address",
	  { { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_TPR_SHADOW }, { VMCS_VIRTUAL_APIC_ADDRESS, ODD } }, 0 },
	{ "TPR threshold: bits 31:4", { { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_TPR_SHADOW }, { VMCS_TPR_THRESHOLD, 16 } }, 0 },
	{ "APIC virtualization without TPR shadow", { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_X2APIC } }, 0 },
	{ "APIC virtualization without TPR shadow", { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_APIC_REGISTERS } }, 0 },
	{ "virtual NMIs without NMI exiting", { { VMCS_PIN_CONTROLS, PIN | PIN_VIRTUAL_NMI } }, 0 },
	{ "NMI-window exiting without virtual NMIs", { { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_NMI_WINDOW } }, 0 },
	{ "APIC-access page: address",
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_APIC_ACCESSES }, { VMCS_APIC_ACCESS_ADDRESS, ODD } }, 0 },
	{ "x2APIC mode with virtualized APIC accesses",
	  { { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_TPR_SHADOW },
	    { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_X2APIC | SECONDARY_APIC_ACCESSES } }, 0 },
	{ "virtual-interrupt delivery without external-interrupt exiting",
	  { { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_TPR_SHADOW },
	    { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_VIRTUAL_DELIVERY } }, 0 },
	{ "posted interrupts: controls they need", { { VMCS_PIN_CONTROLS, PIN | PIN_POSTED_INTERRUPTS } }, 0 },
	{ "posted interrupts: controls they need",
	  { { VMCS_PIN_CONTROLS, PIN | PIN_POSTED_INTERRUPTS | PIN_EXTERNAL_INTERRUPT },
	    { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_TPR_SHADOW },
	    { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_VIRTUAL_DELIVERY } }, ALONE },
	{ "posted interrupts: vector",
	  { { VMCS_PIN_CONTROLS, PIN | PIN_POSTED_INTERRUPTS }, { VMCS_POSTED_INTERRUPT_VECTOR, 0x100 } }, ALONE },
	{ "posted interrupts: address",
	  { { VMCS_PIN_CONTROLS, PIN | PIN_POSTED_INTERRUPTS }, { VMCS_POSTED_INTERRUPT_ADDRESS, 32 } }, ALONE },
	{ "VPID is 0", { { VMCS_VPID, 0 }, { VMCS_CR3_TARGET_COUNT, 0 } }, 0 },
	{ "EPT pointer: memory type",
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_EPT }, { VMCS_EPT_POINTER, 0x10018 } }, 0 },
	{ "EPT pointer: page-walk length",
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_EPT }, { VMCS_EPT_POINTER, 0x10026 } }, 0 },
	{ "EPT pointer: accessed and dirty flags",
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_EPT }, { VMCS_EPT_POINTER, 0x1005e } }, 0 },
	{ "EPT pointer: reserved bits",
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_EPT }, { VMCS_EPT_POINTER, 0x1011e } }, 0 },
	{ "page-modification logging", { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_PML } }, 0 },
	{ "page-modification logging",
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_PML | SECONDARY_EPT }, { VMCS_EPT_POINTER, 0x1001e },
	    { VMCS_PML_ADDRESS, ODD } }, 0 },
	{ "a control that needs EPT", { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_MODE_EXEC } }, 0 },
	{ "a control that needs EPT", { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_UNRESTRICTED } }, ALONE },
	{ "traces to guest-physical addresses: controls they need",
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_PT_GUEST_PHYS } }, ALONE },
	{ "traces to guest-physical addresses: controls they need",
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_PT_GUEST_PHYS | SECONDARY_EPT }, { VMCS_EPT_POINTER, 0x1001e } },
	  ALONE },
	{ "traces to guest-physical addresses: controls they need",
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_PT_GUEST_PHYS | SECONDARY_EPT }, { VMCS_EPT_POINTER, 0x1001e },
	    { VMCS_EXIT_CONTROLS, EXIT | EXIT_CLEAR_RTIT } }, ALONE },
	{ "TSC multiplier is 0", { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_TSC_SCALING } }, 0 },

	{ "exit controls: reserved bits", { { VMCS_EXIT_CONTROLS, EXIT | 1u << 25 } }, 0 },
	{ "preemption timer saved but not active", { { VMCS_EXIT_CONTROLS, EXIT | EXIT_SAVE_TIMER } }, 0 },
	{ "exit MSR-store list: address", { { VMCS_EXIT_MSR_STORE_COUNT, 1 }, { VMCS_EXIT_MSR_STORE_ADDRESS, 8 } }, 0 },
	{ "exit MSR-load list: address",
	  { { VMCS_EXIT_MSR_LOAD_COUNT, 2 }, { VMCS_EXIT_MSR_LOAD_ADDRESS, (1ull << 39) - 16 } }, 0 },

	{ "entry controls: reserved bits", { { VMCS_ENTRY_CONTROLS, ENTRY | 1u << 18 } }, 0 },
	{ "event: reserved type", { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(1u, 0) } }, ALONE },
	{ "event: reserved type", { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(7u, 0) } }, ALONE },
	{ "event: vector does not fit its type", { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(2u, 3) } }, ALONE },
	{ "event: vector does not fit its type", { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 32) } }, ALONE },
	{ "event: error code where there is none, or none where there is one",
	  { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 13) } }, ALONE },
	{ "event: error code where there is none, or none where there is one",
	  { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 6) | 1u << 11 } }, ALONE },
	{ "event: reserved bits", { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 6) | 1u << 12 } }, ALONE },
	{ "event: error code has high bits",
	  { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 13) | 1u << 11 }, { VMCS_ENTRY_EXCEPTION_ERROR, 0x10000 } }, ALONE },
	{ "event: instruction length", { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(4u, 0x80) } }, ALONE },
	{ "event: instruction length",
	  { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(6u, 3) }, { VMCS_ENTRY_INSTRUCTION_LENGTH, 16 } }, ALONE },
	{ "entry MSR-load list: address", { { VMCS_ENTRY_MSR_LOAD_COUNT, 1 }, { VMCS_ENTRY_MSR_LOAD_ADDRESS, HIGH } }, 0 },
	{ "controls for SMM outside SMM", { { VMCS_ENTRY_CONTROLS, ENTRY | ENTRY_TO_SMM } }, 0 },

	{ "host CR0: fixed bits", { { VMCS_HOST_CR0, 0x80050013 } }, 0 },
	{ "host CR4: fixed bits", { { VMCS_HOST_CR4, 0x6e0 } }, 0 },
	{ "host CR4: CET without CR0.WP", { { VMCS_HOST_CR4, 0x8026e0 }, { VMCS_HOST_CR0, 0x80040033 } }, 0 },
	{ "host CR3: physical-address width", { { VMCS_HOST_CR3, HIGH } }, 0 },
	{ "host SYSENTER_ESP: not canonical", { { VMCS_HOST_SYSENTER_ESP, NOT_CANONICAL } }, 0 },
	{ "host SYSENTER_EIP: not canonical", { { VMCS_HOST_SYSENTER_EIP, NOT_CANONICAL } }, 0 },
	{ "host PAT: memory types", { { VMCS_HOST_PAT, 2 } }, 0 },
	{ "host EFER: reserved bits", { { VMCS_HOST_EFER, 0xd03 } }, 0 },
	{ "host EFER: LMA and LME do not fit the host's address-space size", { { VMCS_HOST_EFER, 0x901 } }, 0 },
	{ "host PERF_GLOBAL_CTRL: reserved bits",
	  { { VMCS_EXIT_CONTROLS, EXIT | EXIT_LOAD_PERF }, { VMCS_HOST_PERF_GLOBAL_CTRL, 16 } }, 0 },
	{ "host selectors: RPL or TI", { { VMCS_HOST_DS_SELECTOR, 3 } }, 0 },
	{ "host selectors: RPL or TI", { { VMCS_HOST_TR_SELECTOR, 0x44 } }, 0 },
	{ "host CS is null", { { VMCS_HOST_CS_SELECTOR, 0 } }, 0 },
	{ "host TR is null", { { VMCS_HOST_TR_SELECTOR, 0 } }, 0 },
	{ "host SS is null in 32-bit mode",
	  { { VMCS_EXIT_CONTROLS, EXIT & ~EXIT_HOST_64 }, { VMCS_HOST_SS_SELECTOR, 0 } }, ALONE },
	{ "host base addresses: not canonical", { { VMCS_HOST_GDTR_BASE, NOT_CANONICAL } }, 0 },
	{ "host address-space size is not 64 bits", { { VMCS_EXIT_CONTROLS, EXIT & ~EXIT_HOST_64 } }, ALONE },
	{ "host CR4: PAE is 0", { { VMCS_HOST_CR4, 0x26c0 } }, 0 },
	{ "host RIP: not canonical", { { VMCS_HOST_RIP, NOT_CANONICAL } }, 0 },

	{ "guest CR0: fixed bits", { { VMCS_GUEST_CR0, 0x80050013 } }, 0 },
	{ "guest CR0: PG without PE", { { VMCS_GUEST_CR0, 0x80050032 } }, ALONE },
	{ "guest CR4: fixed bits", { { VMCS_GUEST_CR4, 0x6e0 } }, 0 },
	{ "guest CR4: CET without CR0.WP", { { VMCS_GUEST_CR4, 0x8026e0 }, { VMCS_GUEST_CR0, 0x80040033 } }, 0 },
	{ "guest DEBUGCTL: reserved bits", { { VMCS_GUEST_DEBUGCTL, 8 } }, 0 },
	{ "guest in IA-32e mode without CR0.PG and CR4.PAE", { { VMCS_GUEST_CR4, 0x26c0 } }, 0 },
	{ "guest in IA-32e mode without CR0.PG and CR4.PAE", { { VMCS_GUEST_CR0, 0x50033 } }, ALONE },
	{ "guest CR4: PCIDE outside IA-32e mode",
	  { { VMCS_ENTRY_CONTROLS, ENTRY & ~ENTRY_GUEST_64 }, { VMCS_GUEST_CR4, 0x226e0 } }, ALONE },
	{ "guest CR3: physical-address width", { { VMCS_GUEST_CR3, HIGH } }, 0 },
	{ "guest DR7: high half", { { VMCS_GUEST_DR7, 1ull << 32 } }, 0 },
	{ "guest SYSENTER_ESP: not canonical", { { VMCS_GUEST_SYSENTER_ESP, NOT_CANONICAL } }, 0 },
	{ "guest SYSENTER_EIP: not canonical", { { VMCS_GUEST_SYSENTER_EIP, NOT_CANONICAL } }, 0 },
	{ "guest PAT: memory types", { { VMCS_GUEST_PAT, 8 } }, 0 },
	{ "guest EFER: reserved bits", { { VMCS_GUEST_EFER, 0xd03 } }, 0 },
	{ "guest EFER: LMA does not fit the entry controls", { { VMCS_GUEST_EFER, 0x801 } }, 0 },
	{ "guest EFER: LME differs from LMA under paging", { { VMCS_GUEST_EFER, 0xc01 } }, 0 },
	{ "guest PERF_GLOBAL_CTRL: reserved bits",
	  { { VMCS_ENTRY_CONTROLS, ENTRY | ENTRY_LOAD_PERF }, { VMCS_GUEST_PERF_GLOBAL_CTRL, 16 } }, 0 },
	{ "guest BNDCFGS: reserved bits or address not canonical",
	  { { VMCS_ENTRY_CONTROLS, ENTRY | ENTRY_LOAD_BND }, { VMCS_GUEST_BNDCFGS, 4 } }, 0 },
	{ "guest BNDCFGS: reserved bits or address not canonical",
	  { { VMCS_ENTRY_CONTROLS, ENTRY | ENTRY_LOAD_BND }, { VMCS_GUEST_BNDCFGS, NOT_CANONICAL } }, 0 },
	{ "guest RIP: wider than a linear address, or above 4 GiB outside 64-bit code", { { VMCS_GUEST_RIP, 1ull << 48 } }, 0 },
	{ "guest RIP: wider than a linear address, or above 4 GiB outside 64-bit code", { { VMCS_GUEST_CS_RIGHTS, 0xc09b } }, ALONE },
	{ "guest RFLAGS: reserved bits", { { VMCS_GUEST_RFLAGS, 0 } }, 0 },
	{ "guest RFLAGS: reserved bits", { { VMCS_GUEST_RFLAGS, 0x8002 } }, 0 },
	{ "guest RFLAGS: VM in IA-32e mode or without CR0.PE", { { V86 } }, ALONE },
	{ "guest RFLAGS: IF is 0 and an external interrupt is injected",
	  { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(0u, 0x40) } }, ALONE },

	{ "TR selector: TI", { { VMCS_GUEST_TR_SELECTOR, 0x44 } }, 0 },
	{ "LDTR selector: TI",
	  { { VMCS_GUEST_LDTR_SELECTOR, 0x54 }, { VMCS_GUEST_LDTR_RIGHTS, 0x82 }, { VMCS_GUEST_LDTR_LIMIT, 0xf } }, 0 },
	{ "SS selector: RPL differs from that of CS", { { VMCS_GUEST_SS_SELECTOR, 0x1b } }, ALONE },
	{ "virtual-8086 mode: bases", { { V86 }, { VMCS_GUEST_DS_BASE, 1 } }, ALONE },
	{ "virtual-8086 mode: limits", { { V86 } }, ALONE },
	{ "virtual-8086 mode: access rights", { { V86 } }, ALONE },
	{ "bases of FS, GS, TR, LDTR: not canonical", { { VMCS_GUEST_FS_BASE, NOT_CANONICAL } }, 0 },
	{ "bases of ES, CS, SS, DS: above 4 GiB", { { VMCS_GUEST_SS_BASE, 1ull << 32 } }, 0 },
	{ "CS: type", { { VMCS_GUEST_CS_RIGHTS, 0xa093 } }, 0 },
	{ "SS: type", { { VMCS_GUEST_SS_RIGHTS, 0xc09b } }, 0 },
	{ "ES, DS, FS, GS: type", { { VMCS_GUEST_DS_RIGHTS, 0xc092 } }, 0 },
	{ "ES, DS, FS, GS: type", { { VMCS_GUEST_DS_RIGHTS, 0xc099 } }, 0 },
	{ "ES to GS: S is 0", { { VMCS_GUEST_DS_RIGHTS, 0xc083 } }, 0 },
	{ "CS: DPL", { { VMCS_GUEST_CS_RIGHTS, 0xa0fb } }, 0 },
	{ "CS: DPL", { { VMCS_GUEST_CS_RIGHTS, 0xa0ff } }, 0 },
	{ "SS: DPL differs from its RPL", { { VMCS_GUEST_SS_RIGHTS, 0xc0f3 } }, ALONE },
	{ "SS: DPL is not 0", { { VMCS_GUEST_CS_RIGHTS, 0xa093 }, { VMCS_GUEST_SS_RIGHTS, 0xc0f3 } }, ALONE },
	{ "ES, DS, FS, GS: DPL below RPL", { { VMCS_GUEST_DS_SELECTOR, 0x1b } }, 0 },
	{ "ES to GS: not present", { { VMCS_GUEST_DS_RIGHTS, 0xc013 } }, 0 },
	{ "ES to GS: reserved bits", { { VMCS_GUEST_DS_RIGHTS, 0xc193 } }, 0 },
	{ "ES to GS: reserved bits", { { VMCS_GUEST_CS_RIGHTS, 0x2a09b } }, 0 },
	{ "CS: L and D/B", { { VMCS_GUEST_CS_RIGHTS, 0xe09b } }, 0 },
	{ "ES to GS: granularity does not fit the limit", { { VMCS_GUEST_DS_LIMIT, 0xffffe } }, 0 },
	{ "ES to GS: granularity does not fit the limit", { { VMCS_GUEST_DS_RIGHTS, 0x4093 } }, 0 },
	{ "TR: type", { { VMCS_GUEST_TR_RIGHTS, 0x83 } }, 0 },
	{ "TR: access rights", { { VMCS_GUEST_TR_RIGHTS, 0x1008b } }, 0 },
	{ "TR: access rights", { { VMCS_GUEST_TR_RIGHTS, 0xb } }, 0 },
	{ "TR: granularity does not fit the limit", { { VMCS_GUEST_TR_RIGHTS, 0x808b } }, 0 },
	{ "LDTR: access rights", { { VMCS_GUEST_LDTR_SELECTOR, 0x50 }, { VMCS_GUEST_LDTR_RIGHTS, 0x83 } }, 0 },
	{ "LDTR: granularity does not fit the limit",
	  { { VMCS_GUEST_LDTR_SELECTOR, 0x50 }, { VMCS_GUEST_LDTR_RIGHTS, 0x8082 } }, 0 },
	{ "GDTR, IDTR: base not canonical", { { VMCS_GUEST_IDTR_BASE, NOT_CANONICAL } }, 0 },
	{ "GDTR, IDTR: base not canonical", { { VMCS_GUEST_GDTR_BASE, NOT_CANONICAL } }, 0 },
	{ "GDTR, IDTR: limit above 64 KiB", { { VMCS_GUEST_GDTR_LIMIT, 0x10000 } }, 0 },
	{ "GDTR, IDTR: limit above 64 KiB", { { VMCS_GUEST_IDTR_LIMIT, 0x10000 } }, 0 },

	{ "activity state: not supported", { { VMCS_GUEST_ACTIVITY, 4 } }, ALONE },
	{ "activity state: HLT with SS.DPL not 0", { { VMCS_GUEST_ACTIVITY, 1 }, { VMCS_GUEST_SS_RIGHTS, 0xc0f3 } }, ALONE },
	{ "activity state: inactive while blocking by STI or MOV SS",
	  { { VMCS_GUEST_ACTIVITY, 1 }, { VMCS_GUEST_INTERRUPTIBILITY, 2 } }, ALONE },
	{ "activity state: the event cannot be injected in it",
	  { { VMCS_GUEST_ACTIVITY, 2 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 6) } }, ALONE },
	{ "activity state: the event cannot be injected in it",
	  { { VMCS_GUEST_ACTIVITY, 1 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 6) } }, ALONE },
	{ "interruptibility: reserved bits", { { VMCS_GUEST_INTERRUPTIBILITY, 0x20 } }, 0 },
	{ "interruptibility: enclave interruption", { { VMCS_GUEST_INTERRUPTIBILITY, 16 } }, 0 },
	{ "interruptibility: blocking by STI and by MOV SS",
	  { { VMCS_GUEST_INTERRUPTIBILITY, 3 }, { VMCS_GUEST_RFLAGS, 0x202 } }, 0 },
	{ "interruptibility: blocking by STI with RFLAGS.IF 0", { { VMCS_GUEST_INTERRUPTIBILITY, 1 } }, 0 },
	{ "interruptibility: external interrupt while blocked",
	  { { VMCS_GUEST_INTERRUPTIBILITY, 1 }, { VMCS_GUEST_RFLAGS, 0x202 },
	    { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(0u, 0x40) } }, ALONE },
	{ "interruptibility: NMI while blocked by STI or MOV SS",
	  { { VMCS_GUEST_INTERRUPTIBILITY, 2 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(2u, 2) } }, ALONE },
	{ "interruptibility: blocking by SMI outside SMM", { { VMCS_GUEST_INTERRUPTIBILITY, 4 } }, 0 },
	{ "interruptibility: NMI while virtual NMIs are blocked",
	  { { VMCS_PIN_CONTROLS, PIN | PIN_NMI | PIN_VIRTUAL_NMI }, { VMCS_GUEST_INTERRUPTIBILITY, 8 },
	    { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(2u, 2) } }, ALONE },
	{ "pending debug exceptions: reserved bits", { { VMCS_GUEST_PENDING_DEBUG, 0x10 } }, 0 },
	{ "pending debug exceptions: BS does not fit TF and BTF",
	  { { VMCS_GUEST_INTERRUPTIBILITY, 2 }, { VMCS_GUEST_PENDING_DEBUG, 1ull << 14 } }, 0 },
	{ "pending debug exceptions: BS does not fit TF and BTF",
	  { { VMCS_GUEST_INTERRUPTIBILITY, 2 }, { VMCS_GUEST_RFLAGS, 0x102 } }, 0 },
	{ "pending debug exceptions: RTM with others", { { VMCS_GUEST_PENDING_DEBUG, 1ull << 16 } }, 0 },
	{ "VMCS link pointer: address", { { VMCS_GUEST_LINK_POINTER, ODD } }, 0 },
};
/* clang-format on */

#define N_MUTATIONS (sizeof(mutations) / sizeof(mutations[0]))
#define FINDINGS    64

static struct vmx_check_finding found[FINDINGS];

static uint32_t check(void)
{
	return vmx_check_entry(&vmcs_caps, vmcs_value, NULL, found, FINDINGS);
}

static void apply(const struct mutation *m)
{
	for (unsigned int i = 0; i < CHANGES; i++)
		if (m->change[i].field || m->change[i].value || !i)
			vmcs_set(m->change[i].field, m->change[i].value);
}

static const struct vmx_check_finding *finding(const char *rule, uint32_t n)
{
	for (uint32_t i = 0; i < n && i < FINDINGS; i++)
		if (!strcmp(found[i].rule, rule))
			return &found[i];
	return NULL;
}

/* Pairs of which one makes the other legal. */
static const struct {
	const char *rule, *made_legal_by;
} excuses[] = {
	{"APIC virtualization without TPR shadow", "virtual-APIC page: address"},
	{"APIC virtualization without TPR shadow", "TPR threshold: bits 31:4"},
	{"NMI-window exiting without virtual NMIs", "virtual NMIs without NMI exiting"},
	{"ES to GS: granularity does not fit the limit", "ES to GS: granularity does not fit the limit"},
};

static bool legal(const struct mutation *a, const struct mutation *b)
{
	for (size_t i = 0; i < sizeof(excuses) / sizeof(excuses[0]); i++)
		if ((!strcmp(a->rule, excuses[i].rule) && !strcmp(b->rule, excuses[i].made_legal_by)) ||
		    (!strcmp(b->rule, excuses[i].rule) && !strcmp(a->rule, excuses[i].made_legal_by)))
			return false;
	return !a->alone && !b->alone;
}

static bool overlap(const struct mutation *a, const struct mutation *b)
{
	for (unsigned int i = 0; i < CHANGES; i++)
		for (unsigned int k = 0; k < CHANGES; k++)
			if (a->change[i].field == b->change[k].field && (a->change[i].field || (!i && !k)))
				return true;
	return false;
}

Test(vmx_check, accepts_a_good_vmcs)
{
	vmcs_good();
	cr_expect_eq(check(), 0, "%s", found[0].rule);
}

Test(vmx_check, single_mutations)
{
	for (size_t i = 0; i < N_MUTATIONS; i++) {
		const struct vmx_check_finding *f;
		uint32_t n;

		vmcs_good();
		apply(&mutations[i]);
		n = check();
		f = finding(mutations[i].rule, n);
		cr_expect(f, "mutation %zu: \"%s\" is not found, but %u others, first \"%s\"", i,
			  mutations[i].rule, n, n ? found[0].rule : "");
		if (f) {
			cr_expect_eq(f->value, vmcs_value(NULL, f->field), "mutation %zu: value", i);
			cr_expect(f->section && *f->section);
		}
		cr_expect(n == 1 || mutations[i].alone || n <= 2,
			  "mutation %zu \"%s\": %u findings: %s, %s, %s", i, mutations[i].rule, n,
			  found[0].rule, found[1].rule, found[2].rule);
	}
}

Test(vmx_check, double_mutations)
{
	unsigned int pairs = 0;

	for (size_t i = 0; i < N_MUTATIONS; i++) {
		for (size_t k = i + 1; k < N_MUTATIONS; k++) {
			const struct mutation *a = &mutations[i], *b = &mutations[k];
			uint32_t n;

			if (!legal(a, b) || overlap(a, b))
				continue;
			vmcs_good();
			apply(a);
			apply(b);
			n = check();
			cr_expect(finding(a->rule, n), "\"%s\" is hidden by \"%s\"", a->rule, b->rule);
			cr_expect(finding(b->rule, n), "\"%s\" is hidden by \"%s\"", b->rule, a->rule);
			for (uint32_t f = 1; f < n && f < FINDINGS; f++)
				cr_expect_geq(found[f].area, found[f - 1].area, "in the order of a CPU");
			pairs++;
		}
	}
	cr_expect_gt(pairs, 2000, "%u pairs", pairs);
}

Test(vmx_check, every_rule_has_a_mutation)
{
	uint32_t rules = 0;

	for (size_t i = 0; i < N_MUTATIONS; i++) {
		size_t k = 0;

		while (k < i && strcmp(mutations[k].rule, mutations[i].rule))
			k++;
		rules += k == i;
	}
	cr_expect_eq(rules, vmx_check_rules(), "%u rules have mutations, %u exist", rules, vmx_check_rules());
}

Test(vmx_check, counts_what_does_not_fit)
{
	struct vmx_check_finding one;

	vmcs_good();
	vmcs_set(VMCS_HOST_CR3, HIGH);
	vmcs_set(VMCS_GUEST_CR3, HIGH);
	cr_expect_eq(vmx_check_entry(&vmcs_caps, vmcs_value, NULL, &one, 1), 2);
	cr_expect_eq(one.field, VMCS_HOST_CR3);
	cr_expect_eq(vmx_check_entry(&vmcs_caps, vmcs_value, NULL, NULL, 0), 2);
}
