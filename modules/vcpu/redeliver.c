/* SPDX-License-Identifier: MIT */
/* What an exit interrupted the delivery of: it is delivered again, or what follows from a fault in it. */
#include "internal.h"

#define ERROR_EXT 1u /* of an error code */

/* Vectors whose delivery, when it meets a fault, becomes a double fault (SDM, "Interrupt 8"). */
#define CONTRIBUTORY (1u << 0 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 20)

static bool doubles(const struct vcpu_event *event)
{
	return event->type == VCPU_EVENT_EXCEPTION && CONTRIBUTORY >> (event->vector & 31) & 1;
}

/* A fault in the delivery of a double fault shuts the CPU down, which is what a triple fault does. */
static bool shuts_down(const struct vcpu_event *event)
{
	return event->type == VCPU_EVENT_EXCEPTION && event->vector == VECTOR_DF;
}

/* Faults whose error code tells of a segment, and in its lowest bit that the program was not at fault. */
#define WITH_EXT (1u << 10 | 1u << 11 | 1u << 12 | 1u << 13)

/* A fault that meets the delivery of anything but INT n, INT3 and INTO (SDM, "Error Code"). */
static void tell_external(struct vcpu *vcpu, const struct vcpu_event *first, struct vcpu_event *queued)
{
	if (queued->type != VCPU_EVENT_EXCEPTION || !(WITH_EXT >> (queued->vector & 31) & 1) ||
	    first->type == VCPU_EVENT_SOFT_INTERRUPT || first->type == VCPU_EVENT_SOFT_EXCEPTION)
		return;
	queued->error |= ERROR_EXT;
	vendor_queue(vcpu, queued);
}

void vcpu_reinject(struct vcpu *vcpu)
{
	struct vcpu_event event = vendor_interrupted(vcpu);

	if (event.type == VCPU_EVENT_NONE)
		event = vendor_reported(vcpu);
	if (event.type != VCPU_EVENT_NONE)
		event_queue(vcpu, &event);
}

void event_redeliver(struct vcpu *vcpu)
{
	const struct vcpu_event first = vendor_interrupted(vcpu);
	struct vcpu_event queued = vendor_queued(vcpu);

	/*
	 * An entry that failed was no exit: what the one before it interrupted waits for the next entry
	 * already.
	 */
	if (vcpu->exit.kind == PLINTH_EXIT_ENTRY_FAILURE)
		return;
	if (first.type == VCPU_EVENT_NONE) {
		event_block_nmi_again(vcpu);
	} else if (queued.type == VCPU_EVENT_NONE || event_can_wait(&queued)) {
		vcpu_reinject(vcpu);
	} else if (doubles(&first)) {
		vcpu_inject(vcpu, VECTOR_DF, true, 0);
	} else if (shuts_down(&first)) {
		event_shut_down(vcpu);
	} else {
		tell_external(vcpu, &first, &queued);
	}
}
