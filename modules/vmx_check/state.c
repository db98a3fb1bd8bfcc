/* SPDX-License-Identifier: MIT */
/* What is neither register nor control: activity, blocking, pending debug exceptions, the link pointer. */
#include "internal.h"

/* SDM, "Guest Non-Register State": activity state; "Miscellaneous Data": which a CPU has, bit 0 for HLT. */
enum activity { ACTIVE, HLT, SHUTDOWN, WAIT_FOR_SIPI };
#define MISC_ACTIVITY(m) ((m) >> 6 & 7)

/* SDM, "Format of Interruptibility State", "Format of Pending-Debug-Exceptions". */
#define STATE_RESERVED	   (~0x1full)
#define PENDING_RESERVED   (~0x1500full) /* without B0-B3, enabled breakpoint, BS, RTM */
#define PENDING_BREAKPOINT (1ull << 12)	 /* enabled breakpoint */

#define NO_LINK (~0ull)

static bool blocks(const struct view *v, uint32_t bits)
{
	return has(v, VMCS_GUEST_INTERRUPTIBILITY, bits);
}

/* -- activity state ------------------------------------------------------------------- */

static uint32_t activity_known(const struct view *v)
{
	uint64_t state = get(v, VMCS_GUEST_ACTIVITY);

	return broken_if(state > WAIT_FOR_SIPI ||
				 (state && !(MISC_ACTIVITY(v->caps->misc) >> (state - 1) & 1)),
			 VMCS_GUEST_ACTIVITY);
}

static uint32_t halted_dpl(const struct view *v)
{
	return broken_if(get(v, VMCS_GUEST_ACTIVITY) == HLT && RIGHTS_DPL(get(v, VMCS_GUEST_SS_RIGHTS)),
			 VMCS_GUEST_ACTIVITY);
}

static uint32_t blocked_active(const struct view *v)
{
	return broken_if(get(v, VMCS_GUEST_ACTIVITY) != ACTIVE && blocks(v, BLOCKING_STI | BLOCKING_MOV_SS),
			 VMCS_GUEST_ACTIVITY);
}

/* Events that may end each inactive state. */
static bool wakes(uint64_t activity, uint32_t info)
{
	uint32_t type = INFO_TYPE(info), vector = INFO_VECTOR(info);
	bool machine_check = type == TYPE_EXCEPTION && vector == VECTOR_MC;

	if (activity == SHUTDOWN)
		return type == TYPE_NMI || machine_check;
	if (activity == HLT)
		return type == TYPE_EXTERNAL || type == TYPE_NMI || machine_check || type == TYPE_OTHER ||
		       (type == TYPE_EXCEPTION && vector == VECTOR_DB);
	return activity == ACTIVE;
}

static uint32_t inactive_event(const struct view *v)
{
	uint64_t info = get(v, VMCS_ENTRY_INTERRUPTION_INFO);

	return broken_if(info & INFO_VALID && !wakes(get(v, VMCS_GUEST_ACTIVITY), (uint32_t)info),
			 VMCS_GUEST_ACTIVITY);
}

static const struct rule activity_rules[] = {
	{"activity state: not supported", activity_known},
	{"activity state: HLT with SS.DPL not 0", halted_dpl},
	{"activity state: inactive while blocking by STI or MOV SS", blocked_active},
	{"activity state: the event cannot be injected in it", inactive_event},
};

/* -- interruptibility ------------------------------------------------------------------- */

static uint32_t state_reserved(const struct view *v)
{
	return broken_if(blocks(v, (uint32_t)STATE_RESERVED), VMCS_GUEST_INTERRUPTIBILITY);
}

/* Only a CPU with enclaves can be interrupted in one, and not where MOV SS blocks that. */
static uint32_t enclave(const struct view *v)
{
	return broken_if(blocks(v, ENCLAVE_INTERRUPTION) &&
				 (!v->caps->enclaves || blocks(v, BLOCKING_MOV_SS)),
			 VMCS_GUEST_INTERRUPTIBILITY);
}

static uint32_t sti_and_mov_ss(const struct view *v)
{
	return broken_if(blocks(v, BLOCKING_STI) && blocks(v, BLOCKING_MOV_SS), VMCS_GUEST_INTERRUPTIBILITY);
}

static uint32_t sti_without_if(const struct view *v)
{
	return broken_if(blocks(v, BLOCKING_STI) && !has(v, VMCS_GUEST_RFLAGS, RFLAGS_IF),
			 VMCS_GUEST_INTERRUPTIBILITY);
}

static uint32_t external_blocked(const struct view *v)
{
	return broken_if(injects(v, TYPE_EXTERNAL) && blocks(v, BLOCKING_STI | BLOCKING_MOV_SS),
			 VMCS_GUEST_INTERRUPTIBILITY);
}

/* With STI some CPUs accept it; nobody can rely on that. */
static uint32_t nmi_blocked(const struct view *v)
{
	return broken_if(injects(v, TYPE_NMI) && blocks(v, BLOCKING_STI | BLOCKING_MOV_SS),
			 VMCS_GUEST_INTERRUPTIBILITY);
}

static uint32_t smi_blocked(const struct view *v)
{
	return broken_if(blocks(v, BLOCKING_SMI), VMCS_GUEST_INTERRUPTIBILITY);
}

static uint32_t virtual_nmi_blocked(const struct view *v)
{
	return broken_if(has(v, VMCS_PIN_CONTROLS, PIN_VIRTUAL_NMI) && injects(v, TYPE_NMI) &&
				 blocks(v, BLOCKING_NMI),
			 VMCS_GUEST_INTERRUPTIBILITY);
}

static const struct rule interruptibility_rules[] = {
	{"interruptibility: reserved bits", state_reserved},
	{"interruptibility: enclave interruption", enclave},
	{"interruptibility: blocking by STI and by MOV SS", sti_and_mov_ss},
	{"interruptibility: blocking by STI with RFLAGS.IF 0", sti_without_if},
	{"interruptibility: external interrupt while blocked", external_blocked},
	{"interruptibility: NMI while blocked by STI or MOV SS", nmi_blocked},
	{"interruptibility: blocking by SMI outside SMM", smi_blocked},
	{"interruptibility: NMI while virtual NMIs are blocked", virtual_nmi_blocked},
};

/* -- pending debug exceptions, link pointer ------------------------------------------------ */

static uint32_t pending_reserved(const struct view *v)
{
	return broken_if(has(v, VMCS_GUEST_PENDING_DEBUG, PENDING_RESERVED), VMCS_GUEST_PENDING_DEBUG);
}

/* The trap of a single step that blocking put off must be noted, and nothing else. */
static uint32_t pending_step(const struct view *v)
{
	bool stepping = has(v, VMCS_GUEST_RFLAGS, RFLAGS_TF) && !has(v, VMCS_GUEST_DEBUGCTL, DEBUGCTL_BTF);
	bool put_off = blocks(v, BLOCKING_STI | BLOCKING_MOV_SS) || get(v, VMCS_GUEST_ACTIVITY) == HLT;

	return broken_if(put_off && has(v, VMCS_GUEST_PENDING_DEBUG, PENDING_BS) != stepping,
			 VMCS_GUEST_PENDING_DEBUG);
}

/* RTM wants "enabled breakpoint" too, all others 0, and no blocking by MOV SS. */
static uint32_t pending_rtm(const struct view *v)
{
	uint64_t pending = get(v, VMCS_GUEST_PENDING_DEBUG);

	return broken_if(pending & PENDING_RTM && (pending != (PENDING_RTM | PENDING_BREAKPOINT) ||
						   blocks(v, BLOCKING_MOV_SS)),
			 VMCS_GUEST_PENDING_DEBUG);
}

static uint32_t link_pointer(const struct view *v)
{
	return bad_address(v, get(v, VMCS_GUEST_LINK_POINTER) != NO_LINK, VMCS_GUEST_LINK_POINTER, 4096);
}

static const struct rule other_rules[] = {
	{"pending debug exceptions: reserved bits", pending_reserved},
	{"pending debug exceptions: BS does not fit TF and BTF", pending_step},
	{"pending debug exceptions: RTM with others", pending_rtm},
	{"VMCS link pointer: address", link_pointer},
};

const struct section state_sections[3] = {
	{SECTION("Checks on Guest Non-Register State: activity", VMX_CHECK_GUEST, activity_rules)},
	{SECTION("Checks on Guest Non-Register State: interruptibility", VMX_CHECK_GUEST,
		 interruptibility_rules)},
	{SECTION("Checks on Guest Non-Register State", VMX_CHECK_GUEST, other_rules)},
};
