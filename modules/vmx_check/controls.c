/* SPDX-License-Identifier: MIT */
/* The control fields: what a CPU looks at first. */
#include "internal.h"

/* SDM, "Basic VMX Information" and "Miscellaneous Data". */
#define BASIC_ANY_ERROR	 (1ull << 56) /* error codes with any hardware exception */
#define MISC_ZERO_LENGTH (1ull << 30) /* injection of software events with length 0 */
#define MISC_TARGETS(m)	 ((m) >> 16 & 0x1ff)

/* SDM, "Format of Extended-Page-Table Pointer". */
#define EPTP_TYPE(e)   ((e)&7)
#define EPTP_LEVELS(e) (((e) >> 3 & 7) + 1)
#define EPTP_DIRTY     (1ull << 6)
#define EPTP_RESERVED  0xf80ull /* bit 7 needs supervisor shadow-stack control, which nobody sets here */

#define MSR_ENTRY_BYTES 16u /* SDM, "Format of an MSR Entry" */

/* -- VM-execution controls --------------------------------------------------------- */

/* Low half of a capability MSR: bits that must be 1; high half: bits that may be. */
static uint32_t not_allowed(const struct view *v, enum vmcs_field field, uint64_t capability)
{
	const uint64_t value = get(v, field);

	return broken_if(~value & (uint32_t)capability || value & ~(capability >> 32), field);
}

static uint32_t pin_allowed(const struct view *v)
{
	return not_allowed(v, VMCS_PIN_CONTROLS, v->caps->pin);
}

static uint32_t primary_allowed(const struct view *v)
{
	return not_allowed(v, VMCS_PRIMARY_CONTROLS, v->caps->primary);
}

static uint32_t secondary_allowed(const struct view *v)
{
	if (!has(v, VMCS_PRIMARY_CONTROLS, PRIMARY_SECONDARY))
		return KEPT;
	return not_allowed(v, VMCS_SECONDARY_CONTROLS, v->caps->secondary);
}

static uint32_t tertiary_allowed(const struct view *v)
{
	return broken_if(has(v, VMCS_PRIMARY_CONTROLS, PRIMARY_TERTIARY) &&
				 get(v, VMCS_TERTIARY_CONTROLS) & ~v->caps->tertiary,
			 VMCS_TERTIARY_CONTROLS);
}

static uint32_t cr3_targets(const struct view *v)
{
	return broken_if(get(v, VMCS_CR3_TARGET_COUNT) > MISC_TARGETS(v->caps->misc), VMCS_CR3_TARGET_COUNT);
}

static uint32_t io_bitmaps(const struct view *v)
{
	const bool is_used = has(v, VMCS_PRIMARY_CONTROLS, PRIMARY_IO_BITMAPS);
	const uint32_t field = bad_address(v, is_used, VMCS_IO_BITMAP_A, 4096);

	return field == KEPT ? bad_address(v, is_used, VMCS_IO_BITMAP_B, 4096) : field;
}

static uint32_t msr_bitmap(const struct view *v)
{
	return bad_address(v, has(v, VMCS_PRIMARY_CONTROLS, PRIMARY_MSR_BITMAPS), VMCS_MSR_BITMAP, 4096);
}

static uint32_t virtual_apic(const struct view *v)
{
	return bad_address(v, has(v, VMCS_PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW), VMCS_VIRTUAL_APIC_ADDRESS,
			   4096);
}

static uint32_t tpr_threshold(const struct view *v)
{
	return broken_if(has(v, VMCS_PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW) &&
				 !has_secondary(v, SECONDARY_VIRTUAL_DELIVERY) &&
				 has(v, VMCS_TPR_THRESHOLD, ~0xfull),
			 VMCS_TPR_THRESHOLD);
}

static uint32_t without_tpr_shadow(const struct view *v)
{
	return broken_if(!has(v, VMCS_PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW) &&
				 has_secondary(v, SECONDARY_X2APIC | SECONDARY_APIC_REGISTERS |
							  SECONDARY_VIRTUAL_DELIVERY),
			 VMCS_SECONDARY_CONTROLS);
}

static uint32_t virtual_nmis(const struct view *v)
{
	return broken_if(!has(v, VMCS_PIN_CONTROLS, PIN_NMI) && has(v, VMCS_PIN_CONTROLS, PIN_VIRTUAL_NMI),
			 VMCS_PIN_CONTROLS);
}

static uint32_t nmi_window_alone(const struct view *v)
{
	return broken_if(!has(v, VMCS_PIN_CONTROLS, PIN_VIRTUAL_NMI) &&
				 has(v, VMCS_PRIMARY_CONTROLS, PRIMARY_NMI_WINDOW),
			 VMCS_PRIMARY_CONTROLS);
}

static uint32_t apic_access(const struct view *v)
{
	return bad_address(v, has_secondary(v, SECONDARY_APIC_ACCESSES), VMCS_APIC_ACCESS_ADDRESS, 4096);
}

static uint32_t x2apic_alone(const struct view *v)
{
	return broken_if(has_secondary(v, SECONDARY_X2APIC) && has_secondary(v, SECONDARY_APIC_ACCESSES),
			 VMCS_SECONDARY_CONTROLS);
}

static uint32_t virtual_delivery(const struct view *v)
{
	return broken_if(has_secondary(v, SECONDARY_VIRTUAL_DELIVERY) &&
				 !has(v, VMCS_PIN_CONTROLS, PIN_EXTERNAL_INTERRUPT),
			 VMCS_PIN_CONTROLS);
}

static bool posts(const struct view *v)
{
	return has(v, VMCS_PIN_CONTROLS, PIN_POSTED_INTERRUPTS);
}

static uint32_t posted_controls(const struct view *v)
{
	if (posts(v) && !has_secondary(v, SECONDARY_VIRTUAL_DELIVERY))
		return VMCS_SECONDARY_CONTROLS;
	return broken_if(posts(v) && !has(v, VMCS_EXIT_CONTROLS, EXIT_ACK_INTR), VMCS_EXIT_CONTROLS);
}

static uint32_t posted_vector(const struct view *v)
{
	return broken_if(posts(v) && get(v, VMCS_POSTED_INTERRUPT_VECTOR) > 0xff,
			 VMCS_POSTED_INTERRUPT_VECTOR);
}

static uint32_t posted_address(const struct view *v)
{
	return bad_address(v, posts(v), VMCS_POSTED_INTERRUPT_ADDRESS, 64);
}

static uint32_t vpid(const struct view *v)
{
	return broken_if(has_secondary(v, SECONDARY_VPID) && !get(v, VMCS_VPID), VMCS_VPID);
}

static uint32_t eptp_type(const struct view *v)
{
	uint64_t type = EPTP_TYPE(get(v, VMCS_EPT_POINTER));
	bool known = (type == 0 && v->caps->ept_vpid & EPT_CAP_UC) ||
		     (type == 6 && v->caps->ept_vpid & EPT_CAP_WB);

	return broken_if(has_secondary(v, SECONDARY_EPT) && !known, VMCS_EPT_POINTER);
}

static uint32_t eptp_levels(const struct view *v)
{
	uint64_t levels = EPTP_LEVELS(get(v, VMCS_EPT_POINTER));
	bool known = (levels == 4 && v->caps->ept_vpid & EPT_CAP_WALK_4) ||
		     (levels == 5 && v->caps->ept_vpid & EPT_CAP_WALK_5);

	return broken_if(has_secondary(v, SECONDARY_EPT) && !known, VMCS_EPT_POINTER);
}

static uint32_t eptp_dirty(const struct view *v)
{
	return broken_if(has_secondary(v, SECONDARY_EPT) && has(v, VMCS_EPT_POINTER, EPTP_DIRTY) &&
				 !(v->caps->ept_vpid & EPT_CAP_DIRTY),
			 VMCS_EPT_POINTER);
}

static uint32_t eptp_reserved(const struct view *v)
{
	uint64_t eptp = get(v, VMCS_EPT_POINTER);

	return broken_if(has_secondary(v, SECONDARY_EPT) &&
				 (eptp & EPTP_RESERVED || eptp >> v->caps->physical_bits),
			 VMCS_EPT_POINTER);
}

static uint32_t pml(const struct view *v)
{
	if (has_secondary(v, SECONDARY_PML) && !has_secondary(v, SECONDARY_EPT))
		return VMCS_SECONDARY_CONTROLS;
	return bad_address(v, has_secondary(v, SECONDARY_PML), VMCS_PML_ADDRESS, 4096);
}

static uint32_t needs_ept(const struct view *v)
{
	return broken_if(has_secondary(v, SECONDARY_UNRESTRICTED | SECONDARY_MODE_EXEC) &&
				 !has_secondary(v, SECONDARY_EPT),
			 VMCS_SECONDARY_CONTROLS);
}

static uint32_t trace_translated(const struct view *v)
{
	if (!has_secondary(v, SECONDARY_PT_GUEST_PHYS))
		return KEPT;
	if (!has_secondary(v, SECONDARY_EPT))
		return VMCS_SECONDARY_CONTROLS;
	return broken_if(!has(v, VMCS_EXIT_CONTROLS, EXIT_CLEAR_RTIT) ||
				 !has(v, VMCS_ENTRY_CONTROLS, ENTRY_LOAD_RTIT),
			 VMCS_SECONDARY_CONTROLS);
}

static uint32_t tsc_multiplier(const struct view *v)
{
	return broken_if(has_secondary(v, SECONDARY_TSC_SCALING) && !get(v, VMCS_TSC_MULTIPLIER),
			 VMCS_TSC_MULTIPLIER);
}

static const struct rule execution_rules[] = {
	{"pin-based controls: reserved bits", pin_allowed},
	{"primary controls: reserved bits", primary_allowed},
	{"secondary controls: reserved bits", secondary_allowed},
	{"tertiary controls: reserved bits", tertiary_allowed},
	{"CR3-target count: too many", cr3_targets},
	{"I/O bitmaps: address", io_bitmaps},
	{"MSR bitmap: address", msr_bitmap},
	{"virtual-APIC page: address", virtual_apic},
	{"TPR threshold: bits 31:4", tpr_threshold},
	{"APIC virtualization without TPR shadow", without_tpr_shadow},
	{"virtual NMIs without NMI exiting", virtual_nmis},
	{"NMI-window exiting without virtual NMIs", nmi_window_alone},
	{"APIC-access page: address", apic_access},
	{"x2APIC mode with virtualized APIC accesses", x2apic_alone},
	{"virtual-interrupt delivery without external-interrupt exiting", virtual_delivery},
	{"posted interrupts: controls they need", posted_controls},
	{"posted interrupts: vector", posted_vector},
	{"posted interrupts: address", posted_address},
	{"VPID is 0", vpid},
	{"EPT pointer: memory type", eptp_type},
	{"EPT pointer: page-walk length", eptp_levels},
	{"EPT pointer: accessed and dirty flags", eptp_dirty},
	{"EPT pointer: reserved bits", eptp_reserved},
	{"page-modification logging", pml},
	{"a control that needs EPT", needs_ept},
	{"traces to guest-physical addresses: controls they need", trace_translated},
	{"TSC multiplier is 0", tsc_multiplier},
};

/* -- VM-exit controls -------------------------------------------------------------- */

static uint32_t exit_allowed(const struct view *v)
{
	return not_allowed(v, VMCS_EXIT_CONTROLS, v->caps->exit);
}

static uint32_t timer_saved(const struct view *v)
{
	return broken_if(!has(v, VMCS_PIN_CONTROLS, PIN_PREEMPTION_TIMER) &&
				 has(v, VMCS_EXIT_CONTROLS, EXIT_SAVE_TIMER),
			 VMCS_EXIT_CONTROLS);
}

/* First and last byte of a list of MSRs. */
static uint32_t msr_list(const struct view *v, enum vmcs_field count, enum vmcs_field address)
{
	uint64_t n = get(v, count), first = get(v, address);

	return broken_if(n && (bad_physical(v, first, MSR_ENTRY_BYTES) ||
			       (first + n * MSR_ENTRY_BYTES - 1) >> v->caps->physical_bits),
			 address);
}

static uint32_t exit_store(const struct view *v)
{
	return msr_list(v, VMCS_EXIT_MSR_STORE_COUNT, VMCS_EXIT_MSR_STORE_ADDRESS);
}

static uint32_t exit_load(const struct view *v)
{
	return msr_list(v, VMCS_EXIT_MSR_LOAD_COUNT, VMCS_EXIT_MSR_LOAD_ADDRESS);
}

static const struct rule exit_rules[] = {
	{"exit controls: reserved bits", exit_allowed},
	{"preemption timer saved but not active", timer_saved},
	{"exit MSR-store list: address", exit_store},
	{"exit MSR-load list: address", exit_load},
};

/* -- VM-entry controls ------------------------------------------------------------- */

static uint32_t entry_allowed(const struct view *v)
{
	return not_allowed(v, VMCS_ENTRY_CONTROLS, v->caps->entry);
}

/* The information field if there is an event to inject, else 0. */
static uint32_t event(const struct view *v)
{
	uint64_t info = get(v, VMCS_ENTRY_INTERRUPTION_INFO);

	return info & INFO_VALID ? (uint32_t)info : 0;
}

static uint32_t event_type(const struct view *v)
{
	uint32_t info = event(v);
	bool other = v->caps->primary >> 32 & PRIMARY_TRAP_FLAG;

	return broken_if(
		info && (INFO_TYPE(info) == TYPE_RESERVED || (INFO_TYPE(info) == TYPE_OTHER && !other)),
		VMCS_ENTRY_INTERRUPTION_INFO);
}

static uint32_t event_vector(const struct view *v)
{
	uint32_t vector = INFO_VECTOR(event(v));

	return broken_if((injects(v, TYPE_NMI) && vector != VECTOR_NMI) ||
				 (injects(v, TYPE_EXCEPTION) && vector > 31) ||
				 (injects(v, TYPE_OTHER) && vector),
			 VMCS_ENTRY_INTERRUPTION_INFO);
}

/* With an error code (SDM, "Exception and Interrupt Vectors"): #DF, #TS, #NP, #SS, #GP, #PF, #AC. */
#define ERROR_VECTORS (1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17)

/* Real mode has no error codes. */
static bool error_possible(const struct view *v)
{
	return injects(v, TYPE_EXCEPTION) &&
	       (!has_secondary(v, SECONDARY_UNRESTRICTED) || has(v, VMCS_GUEST_CR0, CR0_PE));
}

static bool error_expected(const struct view *v)
{
	return error_possible(v) && ERROR_VECTORS >> (event(v) & 31) & 1;
}

static uint32_t event_error(const struct view *v)
{
	bool given = event(v) & INFO_ERROR;

	if (error_possible(v) && v->caps->basic & BASIC_ANY_ERROR)
		return KEPT;
	return broken_if(event(v) && given != error_expected(v), VMCS_ENTRY_INTERRUPTION_INFO);
}

static uint32_t event_reserved(const struct view *v)
{
	return broken_if(event(v) & INFO_RESERVED, VMCS_ENTRY_INTERRUPTION_INFO);
}

static uint32_t event_error_code(const struct view *v)
{
	return broken_if(event(v) & INFO_ERROR && get(v, VMCS_ENTRY_EXCEPTION_ERROR) >> 16,
			 VMCS_ENTRY_EXCEPTION_ERROR);
}

static uint32_t event_length(const struct view *v)
{
	uint32_t type = INFO_TYPE(event(v));
	uint64_t length = get(v, VMCS_ENTRY_INSTRUCTION_LENGTH);
	uint64_t least = v->caps->misc & MISC_ZERO_LENGTH ? 0 : 1;

	return broken_if(type >= TYPE_SOFTWARE && type < TYPE_OTHER && (length < least || length > 15),
			 VMCS_ENTRY_INSTRUCTION_LENGTH);
}

static uint32_t entry_load(const struct view *v)
{
	return msr_list(v, VMCS_ENTRY_MSR_LOAD_COUNT, VMCS_ENTRY_MSR_LOAD_ADDRESS);
}

static uint32_t not_in_smm(const struct view *v)
{
	return broken_if(has(v, VMCS_ENTRY_CONTROLS, ENTRY_TO_SMM | ENTRY_NO_DUAL), VMCS_ENTRY_CONTROLS);
}

static const struct rule entry_rules[] = {
	{"entry controls: reserved bits", entry_allowed},
	{"event: reserved type", event_type},
	{"event: vector does not fit its type", event_vector},
	{"event: error code where there is none, or none where there is one", event_error},
	{"event: reserved bits", event_reserved},
	{"event: error code has high bits", event_error_code},
	{"event: instruction length", event_length},
	{"entry MSR-load list: address", entry_load},
	{"controls for SMM outside SMM", not_in_smm},
};

const struct section control_sections[3] = {
	{SECTION("VM-Execution Control Fields", VMX_CHECK_CONTROLS, execution_rules)},
	{SECTION("VM-Exit Control Fields", VMX_CHECK_CONTROLS, exit_rules)},
	{SECTION("VM-Entry Control Fields", VMX_CHECK_CONTROLS, entry_rules)},
};
