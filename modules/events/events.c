/* SPDX-License-Identifier: MIT */
/* The listener's messages. */
#include <plinth/call.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>

#include "internal.h"

PLINTH_MODULE("events", "0.1.0", "accesses of watched pages and MSRs, recorded for plinthctl events");

_Static_assert(sizeof(struct events_answer) <= PLINTH_CALL_BYTES, "all of a ring is one answer");
_Static_assert(EVENTS_RING <= EVENTS_AT_ONCE, "all of a ring is one answer");

/* Any CPU that answers beneath a guest has a vCPU. */
static bool are_guests(void)
{
	return cpu_local()->vcpu;
}

static void end_others(void)
{
	pages_end_others();
	msrs_end_others(are_guests());
}

static int begin_session(struct call *call, const struct events_message *about)
{
	struct events_session *answer = call->out;
	uint64_t session;

	if (call->room < sizeof(*answer))
		return PLINTH_E_LIMIT;
	events_lock();
	session = listener_begin(about);
	events_unlock();
	if (!session) {
		LOG_ERR("somebody else listens: one listener at a time");
		return PLINTH_E_BUSY;
	}
	end_others();
	answer->session = session;
	call->out_bytes = sizeof(*answer);
	return 0;
}

static bool is_listeners(const struct events_message *about, bool ends)
{
	bool is;

	events_lock();
	is = listener_is(about->session);
	if (is && ends)
		listener_end();
	events_unlock();
	return is;
}

static int stranger(void)
{
	LOG_ERR("these watches have ended: their listener was not heard of in time, or has ended them");
	return PLINTH_E_STATE;
}

static int poll_events(struct call *call, const struct events_message *about)
{
	struct events_answer *answer = call->out;
	bool is;

	if (call->room < sizeof(*answer))
		return PLINTH_E_LIMIT;
	events_lock();
	is = listener_renew(about);
	events_unlock();
	if (!is)
		return stranger();
	ring_take(about->session, answer);
	answer->ended = pages_given_up();
	call->out_bytes = sizeof(*answer) - (EVENTS_AT_ONCE - answer->n) * sizeof(answer->record[0]);
	return 0;
}

static int end_events(const struct events_message *about)
{
	if (!is_listeners(about, true))
		return stranger();
	end_others();
	return 0;
}

static int on_events_message(struct call *call, void *context)
{
	const struct events_message *about = call->in;

	(void)context;
	if (call->in_bytes != sizeof(*about) || about->reserved0 || about->flags & ~EVENTS_ISOLATED)
		return PLINTH_E_INVAL;
	switch (about->op) {
	case EVENTS_LISTEN: return begin_session(call, about);
	case EVENTS_WATCH_PAGE:
		return is_listeners(about, false) ? pages_watch(cpu_local()->vcpu, about) : stranger();
	case EVENTS_WATCH_MSR:
		return is_listeners(about, false) ? msrs_watch(are_guests(), about) : stranger();
	case EVENTS_POLL: return poll_events(call, about);
	case EVENTS_END: return end_events(about);
	default: return PLINTH_E_INVAL;
	}
}

/* Any of them fails only where there is no more room; then there is no such name to send messages to. */
__attribute__((constructor)) static void attach_events(void)
{
	pages_register();
	(void)!call_register(EVENTS_NAME, on_events_message, NULL);
}
