/* SPDX-License-Identifier: MIT */
/*
 * Events, blocking, and how a CPU is brought back from its guest, in the fields of the VMCS (SDM, "VM-Entry
 * Controls for Event Injection", "Information for VM Exits That Occur During Event Delivery").
 *
 * What brings a CPU back: a VMX-preemption timer. A CPU without that timer comes back when its guest
 * could take an NMI: for that time NMIs exit and their blocking is a virtual one. A CPU that has not even
 * that comes back when its guest has interrupts on: every CPU can tell of that, and code that handles an NMI
 * has them off.
 */
#include "internal.h"

#define INFO_TYPES		    8
#define QUALIFICATION_NMI_UNBLOCKED (1u << 12) /* of an exit by second-level translation */

#define RETRY_TICKS 1000 /* of the timer, while the guest itself holds NMIs off */

/* Interruption types, by their number in the field. */
static const uint8_t event_types[INFO_TYPES] = {
	[0] = VCPU_EVENT_INTERRUPT,	 [2] = VCPU_EVENT_NMI,	      [3] = VCPU_EVENT_EXCEPTION,
	[4] = VCPU_EVENT_SOFT_INTERRUPT, [5] = VCPU_EVENT_PRIVILEGED, [6] = VCPU_EVENT_SOFT_EXCEPTION,
};

static uint32_t info_type(uint8_t event_type)
{
	uint32_t type = 0;

	while (event_types[type] != event_type)
		type++;
	return type << 8;
}

static bool has_length(uint8_t event_type)
{
	return event_type == VCPU_EVENT_SOFT_INTERRUPT || event_type == VCPU_EVENT_PRIVILEGED ||
	       event_type == VCPU_EVENT_SOFT_EXCEPTION;
}

/*
 * The bit that is "NMI unblocking due to IRET" in two of the fields, and reserved on entries, is not looked
 * at.
 */
static struct vcpu_event event_of(uint32_t info, enum vmcs_field error, uint64_t length)
{
	struct vcpu_event event = {.type = VCPU_EVENT_NONE};

	if (!(info & INFO_VALID))
		return event;
	event.type = event_types[INFO_TYPE(info)];
	event.vector = (uint8_t)info;
	event.has_error = info & INFO_ERROR;
	if (event.has_error)
		event.error = (uint32_t)vmcs_read(error);
	if (has_length(event.type))
		event.length = (uint8_t)length;
	return event;
}

struct vcpu_event vendor_queued(struct vcpu *vcpu)
{
	(void)vcpu;
	return event_of((uint32_t)vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO), VMCS_ENTRY_EXCEPTION_ERROR,
			vmcs_read(VMCS_ENTRY_INSTRUCTION_LENGTH));
}

struct vcpu_event vendor_interrupted(struct vcpu *vcpu)
{
	return event_of((uint32_t)vmcs_read(VMCS_IDT_VECTORING_INFO), VMCS_IDT_VECTORING_ERROR,
			vcpu->exit.length);
}

struct vcpu_event vendor_reported(struct vcpu *vcpu)
{
	return event_of((uint32_t)vmcs_read(VMCS_EXIT_INTERRUPTION_INFO), VMCS_EXIT_INTERRUPTION_ERROR,
			vcpu->exit.length);
}

/* The word that makes it valid comes last. */
void vendor_queue(struct vcpu *vcpu, const struct vcpu_event *event)
{
	(void)vcpu;
	if (event->type == VCPU_EVENT_NONE) {
		vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, 0);
		return;
	}
	if (event->has_error)
		vmcs_write(VMCS_ENTRY_EXCEPTION_ERROR, event->error);
	if (has_length(event->type))
		vmcs_write(VMCS_ENTRY_INSTRUCTION_LENGTH, event->length);
	vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO,
		   INFO_VALID | info_type(event->type) | (event->has_error ? INFO_ERROR : 0) | event->vector);
}

uint64_t vendor_blocked(struct vcpu *vcpu)
{
	(void)vcpu;
	return vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
}

void vendor_block(struct vcpu *vcpu, uint64_t set, uint64_t clear)
{
	const uint64_t before = vendor_blocked(vcpu), after = (before | set) & ~clear;

	if (after != before)
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, after);
}

bool vendor_nmi_unblocked(struct vcpu *vcpu)
{
	return vcpu->exit.kind == PLINTH_EXIT_SLAT_VIOLATION &&
	       vcpu_detail(vcpu) & QUALIFICATION_NMI_UNBLOCKED;
}

/* By the best of three ways, and always by the same. */
static void recall_set(struct vcpu *vcpu, bool on)
{
	struct controls *c = &vcpu->vendor->controls;
	const uint32_t pin = c->has_timer	 ? PIN_PREEMPTION_TIMER
			     : c->has_nmi_window ? PIN_NMI | PIN_VIRTUAL_NMI
						 : 0;
	const uint32_t primary = c->has_timer	     ? 0
				 : c->has_nmi_window ? PRIMARY_NMI_WINDOW
						     : PRIMARY_INTERRUPTS;

	if (pin) {
		c->pin = on ? c->pin | pin : c->pin & ~pin;
		vmcs_write(VMCS_PIN_CONTROLS, c->pin);
	}
	if (primary) {
		c->primary = on ? c->primary | primary : c->primary & ~primary;
		vmcs_write(VMCS_PRIMARY_CONTROLS, c->primary);
	}
}

/*
 * Later: not by the window of interrupts, which is open, and would be again before the guest has moved. A
 * handler of an NMI with interrupts on is one that the next NMI, or the stop, finds over.
 */
void vendor_recall(struct vcpu *vcpu, enum vendor_recall when)
{
	const struct controls *c = &vcpu->vendor->controls;

	if (when == VENDOR_RECALL_LATER && !c->has_timer && !c->has_nmi_window)
		return;
	if (when != VENDOR_RECALL_NEVER && c->has_timer)
		vmcs_write(VMCS_GUEST_PREEMPTION_TIMER, when == VENDOR_RECALL_LATER ? RETRY_TICKS : 0);
	recall_set(vcpu, when != VENDOR_RECALL_NEVER);
}

int vendor_step(struct vcpu *vcpu, bool on)
{
	struct controls *c = &vcpu->vendor->controls;

	if (!c->has_trap)
		return PLINTH_E_NOTSUP;
	c->primary = on ? c->primary | PRIMARY_TRAP_FLAG : c->primary & ~PRIMARY_TRAP_FLAG;
	vmcs_write(VMCS_PRIMARY_CONTROLS, c->primary);
	return 0;
}
