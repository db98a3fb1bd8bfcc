/* SPDX-License-Identifier: MIT */
/*
 * Both sides of rules that depend on more than one field, or on the CPU: what a rule must not complain
 * about, beside what it must. Other rules may have their own opinion of these states.
 */
#include <criterion/criterion.h>
#include <string.h>

#include <plinth/x86.h>

#include "vmcs.h"

#define PIN		    0x16u
#define PRIMARY		    0x9401e172u
#define SECONDARY	    (SECONDARY_RDTSCP | SECONDARY_VPID)
#define EPT		    (SECONDARY | SECONDARY_EPT)
#define EXIT		    (0x36dfbu | EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_LOAD_PAT | EXIT_LOAD_EFER)
#define NOT_64		    (0x11fbu | ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER)
#define ERROR		    (1u << 11)
#define EVENT(type, vector) (0x80000000u | (type) << 8 | (vector))
#define EPTP		    0x1001eull
#define WIDE		    (1ull << 39) /* beyond the physical addresses of this CPU */

enum { CHANGES = 5, KEPT = 0, BROKEN = 1 };

static struct vmx_caps caps;

/* -- CPUs that differ -------------------------------------------------------------------- */

static void uncached(void)
{
	caps.ept_vpid |= 1ull << 8;
}

static void no_write_back(void)
{
	caps.ept_vpid &= ~(1ull << 14);
}

static void no_four_levels(void)
{
	caps.ept_vpid &= ~(1ull << 6);
}

static void five_levels(void)
{
	caps.ept_vpid |= 1ull << 7;
}

static void dirty_flags(void)
{
	caps.ept_vpid |= 1ull << 21;
}

static void trap_flag(void)
{
	caps.primary |= (uint64_t)PRIMARY_TRAP_FLAG << 32;
}

static void any_error(void)
{
	caps.basic |= 1ull << 56;
}

static void no_ts(void)
{
	caps.cr0_fixed1 &= ~CR0_TS;
}

static void enclaves(void)
{
	caps.enclaves = 1;
}

static void masking(void)
{
	caps.lam = 1;
}

static void never_inactive(void)
{
	caps.misc = 0;
}

/* clang-format off */
static const struct state {
	int expected;
	const char *rule;
	void (*cpu)(void);
	struct { uint32_t field; uint64_t value; } change[CHANGES]; /* field 0 ends */
} states[] = {
	{ KEPT, "posted interrupts: controls they need", NULL,
	  { { VMCS_PIN_CONTROLS, PIN | PIN_POSTED_INTERRUPTS | PIN_EXTERNAL_INTERRUPT },
	    { VMCS_PRIMARY_CONTROLS, PRIMARY | PRIMARY_TPR_SHADOW },
	    { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_VIRTUAL_DELIVERY },
	    { VMCS_EXIT_CONTROLS, EXIT | EXIT_ACK_INTR } } },
	{ KEPT, "EPT pointer: memory type", NULL, { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP } } },
	{ KEPT, "EPT pointer: memory type", uncached,
	  { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP & ~7ull } } },
	{ BROKEN, "EPT pointer: memory type", no_write_back,
	  { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP } } },
	{ BROKEN, "EPT pointer: page-walk length", no_four_levels,
	  { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP } } },
	{ KEPT, "EPT pointer: page-walk length", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP } } },
	{ KEPT, "EPT pointer: page-walk length", five_levels,
	  { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP + (1 << 3) } } },
	{ BROKEN, "EPT pointer: page-walk length", five_levels,
	  { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP + (2 << 3) } } },
	{ KEPT, "EPT pointer: accessed and dirty flags", dirty_flags,
	  { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP | 1u << 6 } } },
	{ KEPT, "EPT pointer: reserved bits", NULL, { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP } } },
	{ BROKEN, "EPT pointer: reserved bits", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT }, { VMCS_EPT_POINTER, EPTP | WIDE } } },
	{ KEPT, "a control that needs EPT", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT | SECONDARY_MODE_EXEC }, { VMCS_EPT_POINTER, EPTP } } },
	{ KEPT, "TSC multiplier is 0", NULL,
	  { { VMCS_SECONDARY_CONTROLS, SECONDARY | SECONDARY_TSC_SCALING }, { VMCS_TSC_MULTIPLIER, 1ull << 63 } } },
	{ KEPT, "exit MSR-load list: address", NULL,
	  { { VMCS_EXIT_MSR_LOAD_COUNT, 2 }, { VMCS_EXIT_MSR_LOAD_ADDRESS, WIDE - 32 } } },

	{ KEPT, "event: reserved type", trap_flag, { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(7u, 0) } } },
	{ KEPT, "event: vector does not fit its type", trap_flag, { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(7u, 0) } } },
	{ BROKEN, "event: vector does not fit its type", trap_flag,
	  { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(7u, 1) } } },
	{ KEPT, "event: error code where there is none, or none where there is one", any_error,
	  { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 6) | ERROR } } },
	{ KEPT, "event: error code where there is none, or none where there is one", NULL,
	  { { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 13) | ERROR } } },
	/* Real mode has no error codes. */
	{ KEPT, "event: error code where there is none, or none where there is one", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT | SECONDARY_UNRESTRICTED }, { VMCS_GUEST_CR0, 0x30 },
	    { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 13) } } },
	{ BROKEN, "event: error code where there is none, or none where there is one", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT | SECONDARY_UNRESTRICTED },
	    { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 13) } } },

	/* The manual: the value of bit N-1 may differ from that of bit N. */
	{ KEPT, "guest RIP: wider than a linear address, or above 4 GiB outside 64-bit code", NULL,
	  { { VMCS_GUEST_RIP, 0x800000000000 } } },
	{ KEPT, "interruptibility: enclave interruption", enclaves, { { VMCS_GUEST_INTERRUPTIBILITY, 16 } } },
	{ BROKEN, "interruptibility: enclave interruption", enclaves, { { VMCS_GUEST_INTERRUPTIBILITY, 18 } } },

	{ BROKEN, "host CR4: fixed bits", NULL, { { VMCS_HOST_CR4, 0x26e0 | 1u << 30 } } },
	{ KEPT, "host CR4: CET without CR0.WP", NULL, { { VMCS_HOST_CR4, 0x8026e0 } } },
	{ BROKEN, "host CR3: physical-address width", NULL, { { VMCS_HOST_CR3, 0x20000 | CR3_LAM } } },
	{ KEPT, "host CR3: physical-address width", masking, { { VMCS_HOST_CR3, 0x20000 | CR3_LAM } } },
	{ BROKEN, "host CR3: physical-address width", masking, { { VMCS_HOST_CR3, CR3_NOFLUSH } } },
	{ BROKEN, "guest CR3: physical-address width", NULL, { { VMCS_GUEST_CR3, 0x20000 | CR3_LAM } } },
	{ KEPT, "guest CR3: physical-address width", masking, { { VMCS_GUEST_CR3, 0x20000 | CR3_LAM } } },
	{ BROKEN, "guest CR3: physical-address width", masking, { { VMCS_GUEST_CR3, WIDE | CR3_LAM } } },
	{ BROKEN, "guest CR0: fixed bits", no_ts, { { VMCS_GUEST_CR0, 0x8005003b } } },
	{ KEPT, "guest CR0: fixed bits", NULL, { { VMCS_GUEST_CR0, 0xe0050033 } } }, /* CD and NW are the guest's */
	{ KEPT, "guest CR0: fixed bits", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT | SECONDARY_UNRESTRICTED }, { VMCS_GUEST_CR0, 0x30 } } },
	{ BROKEN, "guest PAT: memory types", NULL, { { VMCS_GUEST_PAT, 0x0003040600070406 } } },
	{ BROKEN, "guest CR4: fixed bits", NULL, { { VMCS_GUEST_CR4, 0x26e0 | 1u << 30 } } },
	{ KEPT, "guest CR4: CET without CR0.WP", NULL, { { VMCS_GUEST_CR4, 0x8026e0 } } },
	{ KEPT, "guest RFLAGS: VM in IA-32e mode or without CR0.PE", NULL,
	  { { VMCS_ENTRY_CONTROLS, NOT_64 }, { VMCS_GUEST_RFLAGS, 0x20002 } } },
	{ BROKEN, "guest RFLAGS: VM in IA-32e mode or without CR0.PE", NULL,
	  { { VMCS_ENTRY_CONTROLS, NOT_64 }, { VMCS_GUEST_RFLAGS, 0x20002 }, { VMCS_GUEST_CR0, 0x30 } } },

	{ BROKEN, "bases of FS, GS, TR, LDTR: not canonical", NULL,
	  { { VMCS_GUEST_LDTR_SELECTOR, 0x50 }, { VMCS_GUEST_LDTR_RIGHTS, 0x82 }, { VMCS_GUEST_LDTR_BASE, 1ull << 47 } } },
	{ KEPT, "bases of FS, GS, TR, LDTR: not canonical", NULL,
	  { { VMCS_GUEST_LDTR_SELECTOR, 0x50 }, { VMCS_GUEST_LDTR_RIGHTS, 0x82 } } },
	/* Code that can be read at any privilege, and an unrestricted guest's data segment in CS. */
	{ KEPT, "CS: type", NULL, { { VMCS_GUEST_CS_RIGHTS, 0xa09f } } },
	{ KEPT, "CS: DPL", NULL, { { VMCS_GUEST_CS_RIGHTS, 0xa09f } } },
	{ KEPT, "CS: DPL", NULL, { { VMCS_GUEST_CS_RIGHTS, 0xa09d } } },
	{ KEPT, "CS: DPL", NULL, { { VMCS_GUEST_CS_RIGHTS, 0xa099 } } },
	{ BROKEN, "CS: DPL", NULL, { { VMCS_GUEST_CS_RIGHTS, 0xa0fd } } },
	{ KEPT, "CS: type", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT | SECONDARY_UNRESTRICTED }, { VMCS_GUEST_CS_RIGHTS, 0x93 } } },
	{ KEPT, "CS: DPL", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT | SECONDARY_UNRESTRICTED }, { VMCS_GUEST_CS_RIGHTS, 0x93 } } },
	{ BROKEN, "CS: DPL", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT | SECONDARY_UNRESTRICTED }, { VMCS_GUEST_CS_RIGHTS, 0xf3 } } },
	{ BROKEN, "CS: type", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT | SECONDARY_UNRESTRICTED }, { VMCS_GUEST_CS_RIGHTS, 0x97 } } },
	{ KEPT, "SS: type", NULL, { { VMCS_GUEST_SS_RIGHTS, 0xc097 } } }, /* expand-down */
	{ KEPT, "SS: type", NULL, { { VMCS_GUEST_SS_SELECTOR, 0 }, { VMCS_GUEST_SS_RIGHTS, 0x10000 } } },
	{ KEPT, "ES, DS, FS, GS: type", NULL, { { VMCS_GUEST_DS_RIGHTS, 0xc09b } } },
	{ KEPT, "ES, DS, FS, GS: DPL below RPL", NULL, { { VMCS_GUEST_DS_RIGHTS, 0xc09f }, { VMCS_GUEST_DS_SELECTOR, 0x1b } } },
	{ KEPT, "ES, DS, FS, GS: DPL below RPL", NULL,
	  { { VMCS_SECONDARY_CONTROLS, EPT | SECONDARY_UNRESTRICTED }, { VMCS_GUEST_DS_SELECTOR, 0x1b } } },
	{ KEPT, "TR: type", NULL, { { VMCS_ENTRY_CONTROLS, NOT_64 }, { VMCS_GUEST_TR_RIGHTS, 0x83 } } },
	{ KEPT, "LDTR: access rights", NULL, { { VMCS_GUEST_LDTR_SELECTOR, 0x50 }, { VMCS_GUEST_LDTR_RIGHTS, 0x82 } } },
	{ BROKEN, "LDTR: access rights", NULL, { { VMCS_GUEST_LDTR_SELECTOR, 0x50 }, { VMCS_GUEST_LDTR_RIGHTS, 0x92 } } },
	{ BROKEN, "LDTR: access rights", NULL, { { VMCS_GUEST_LDTR_SELECTOR, 0x50 }, { VMCS_GUEST_LDTR_RIGHTS, 0x182 } } },
	{ BROKEN, "LDTR: access rights", NULL, { { VMCS_GUEST_LDTR_SELECTOR, 0x50 }, { VMCS_GUEST_LDTR_RIGHTS, 0x02 } } },

	{ KEPT, "activity state: not supported", NULL, { { VMCS_GUEST_ACTIVITY, 2 } } },
	{ BROKEN, "activity state: not supported", never_inactive, { { VMCS_GUEST_ACTIVITY, 1 } } },
	{ KEPT, "activity state: HLT with SS.DPL not 0", NULL, { { VMCS_GUEST_ACTIVITY, 1 } } },
	{ KEPT, "activity state: the event cannot be injected in it", NULL,
	  { { VMCS_GUEST_ACTIVITY, 1 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(0u, 0x40) }, { VMCS_GUEST_RFLAGS, 0x202 } } },
	{ KEPT, "activity state: the event cannot be injected in it", NULL,
	  { { VMCS_GUEST_ACTIVITY, 1 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(2u, 2) } } },
	{ KEPT, "activity state: the event cannot be injected in it", NULL,
	  { { VMCS_GUEST_ACTIVITY, 1 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 18) } } },
	{ KEPT, "activity state: the event cannot be injected in it", NULL,
	  { { VMCS_GUEST_ACTIVITY, 1 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 1) } } },
	{ KEPT, "activity state: the event cannot be injected in it", trap_flag,
	  { { VMCS_GUEST_ACTIVITY, 1 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(7u, 0) } } },
	{ BROKEN, "activity state: the event cannot be injected in it", NULL,
	  { { VMCS_GUEST_ACTIVITY, 1 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(4u, 0x80) } } },
	{ KEPT, "activity state: the event cannot be injected in it", NULL,
	  { { VMCS_GUEST_ACTIVITY, 2 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(2u, 2) } } },
	{ KEPT, "activity state: the event cannot be injected in it", NULL,
	  { { VMCS_GUEST_ACTIVITY, 2 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(3u, 18) } } },
	{ BROKEN, "activity state: the event cannot be injected in it", NULL,
	  { { VMCS_GUEST_ACTIVITY, 2 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(0u, 0x40) }, { VMCS_GUEST_RFLAGS, 0x202 } } },
	{ BROKEN, "activity state: the event cannot be injected in it", NULL,
	  { { VMCS_GUEST_ACTIVITY, 3 }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(2u, 2) } } },
	{ KEPT, "interruptibility: NMI while virtual NMIs are blocked", NULL,
	  { { VMCS_PIN_CONTROLS, PIN | PIN_NMI | PIN_VIRTUAL_NMI }, { VMCS_ENTRY_INTERRUPTION_INFO, EVENT(2u, 2) } } },
	{ KEPT, "interruptibility: NMI while virtual NMIs are blocked", NULL,
	  { { VMCS_PIN_CONTROLS, PIN | PIN_NMI | PIN_VIRTUAL_NMI }, { VMCS_GUEST_INTERRUPTIBILITY, 8 } } },
	{ KEPT, "pending debug exceptions: RTM with others", NULL,
	  { { VMCS_GUEST_PENDING_DEBUG, 1ull << 16 | 1ull << 12 } } },
	{ BROKEN, "pending debug exceptions: RTM with others", NULL,
	  { { VMCS_GUEST_PENDING_DEBUG, 1ull << 16 | 1ull << 12 }, { VMCS_GUEST_INTERRUPTIBILITY, 2 } } },
};
/* clang-format on */

#define N_STATES (sizeof(states) / sizeof(states[0]))
#define FINDINGS 64

static bool complains(const char *rule)
{
	struct vmx_check_finding found[FINDINGS];
	uint32_t n = vmx_check_entry(&caps, vmcs_value, NULL, found, FINDINGS);

	for (uint32_t i = 0; i < n && i < FINDINGS; i++)
		if (!strcmp(found[i].rule, rule))
			return true;
	return false;
}

Test(vmx_check_legal, rules_and_their_exceptions)
{
	for (size_t i = 0; i < N_STATES; i++) {
		const struct state *s = &states[i];

		caps = vmcs_caps;
		vmcs_good();
		if (s->cpu)
			s->cpu();
		for (unsigned int k = 0; k < CHANGES && s->change[k].field; k++)
			vmcs_set(s->change[k].field, s->change[k].value);
		cr_expect_eq(complains(s->rule), s->expected, "state %zu: \"%s\" %s", i, s->rule,
			     s->expected == BROKEN ? "is not found" : "complains");
	}
}

/* A whole guest in virtual-8086 mode: each segment is where its selector says, 64 KiB, of privilege 3. */
Test(vmx_check_legal, virtual_8086_mode)
{
	static const char *const rules[] = {"virtual-8086 mode: bases", "virtual-8086 mode: limits",
					    "virtual-8086 mode: access rights"};

	caps = vmcs_caps;
	vmcs_good();
	vmcs_set(VMCS_ENTRY_CONTROLS, NOT_64);
	vmcs_set(VMCS_GUEST_RFLAGS, 0x20002);
	for (unsigned int s = 0; s < 6; s++) {
		vmcs_set(VMCS_GUEST_ES_SELECTOR + 2 * s, 0x1000 + s);
		vmcs_set(VMCS_GUEST_ES_BASE + 2 * s, (0x1000 + s) << 4);
		vmcs_set(VMCS_GUEST_ES_LIMIT + 2 * s, 0xffff);
		vmcs_set(VMCS_GUEST_ES_RIGHTS + 2 * s, 0xf3);
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		cr_expect_not(complains(rules[i]), "%s", rules[i]);
	vmcs_set(VMCS_GUEST_GS_LIMIT, 0xfffff);
	cr_expect(complains(rules[1]));
	vmcs_set(VMCS_GUEST_GS_RIGHTS, 0xf7);
	cr_expect(complains(rules[2]));
}
