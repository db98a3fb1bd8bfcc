/* SPDX-License-Identifier: MIT */
/*
 * Watched MSRs: writes of them are recorded, and done as without. Which of them exit can be changed only
 * while no CPU is a guest: so a watch is set before the start, and an MSR that is not watched any more exits
 * until the next listener comes after a stop.
 */
#include <plinth/exit_handler.h>
#include <plinth/log.h>

#include "internal.h"

struct watched_msr {
	uint64_t session; /* of who watches it; 0: nobody, but it may exit all the same */
	uint32_t msr;
	bool exits;
};

static struct watched_msr watched_msrs[EVENTS_MSRS];

/* -- writes ---------------------------------------------------------------------------------------- */

static void record_write(struct vcpu *vcpu, uint64_t session, const struct exit_msr *access, uint64_t before,
			 bool done)
{
	const struct events_record record = {
		.tsc = cpu_rdtsc(),
		.cr3 = vcpu_read(vcpu, VCPU_CR3),
		.rip = vcpu->exit.rip,
		.address = access->msr,
		.before = before,
		.after = access->value,
		.cpu = vcpu->cpu->local.cpu,
		.kind = EVENTS_MSR,
		.access = EVENTS_WRITE,
		.cpl = (uint8_t)vcpu_read(vcpu, VCPU_CPL),
		.flags = done ? EVENTS_DONE : 0,
	};

	ring_add(session, &record);
}

/* Return: the session that wants to know of this write; 0: nobody does. */
static uint64_t who_watches(struct vcpu *vcpu, const struct watched_msr *watched)
{
	uint64_t session;

	events_lock();
	session = listener_is(watched->session) && !listener_is_gone() &&
				  !listener_is_at(vcpu_read(vcpu, VCPU_CR3))
			  ? watched->session
			  : 0;
	events_unlock();
	return session;
}

static enum exit_action on_msr_write(struct vcpu *vcpu, struct exit_msr *access,
				     const struct exit_link *below, void *context)
{
	const uint64_t session = who_watches(vcpu, context);
	uint64_t before = 0;
	enum exit_action action;

	if (!session)
		return exit_below(vcpu, below);
	if (vcpu_read_msr(vcpu, access->msr, &before))
		before = 0; /* one that can only be written */
	action = exit_below(vcpu, below);
	record_write(vcpu, session, access, before, action == EXIT_NEXT);
	return action;
}

/* -- setting and ending ------------------------------------------------------------------------------ */

/* Exits that nobody wants any more. Context: no CPU is a guest. */
static void stop_exits(struct watched_msr *watched)
{
	if (!watched->exits ||
	    exit_unregister_msr(watched->msr, watched->msr, VCPU_MSR_WRITE, on_msr_write, watched))
		return;
	watched->exits = false;
}

void msrs_end_others(bool guests)
{
	for (unsigned int i = 0; i < EVENTS_MSRS; i++) {
		struct watched_msr *watched = &watched_msrs[i];

		events_lock();
		if (!listener_is(watched->session))
			watched->session = 0;
		events_unlock();
		if (!watched->session && !guests)
			stop_exits(watched);
	}
}

/* The one that exits already, or a place for it; NULL: there is none. */
static struct watched_msr *place_of_msr(uint32_t msr)
{
	struct watched_msr *place = NULL;

	for (unsigned int i = 0; i < EVENTS_MSRS; i++) {
		struct watched_msr *watched = &watched_msrs[i];

		if (watched->exits && watched->msr == msr)
			return watched;
		if (!watched->exits)
			place = watched;
	}
	return place;
}

static int start_exits(struct watched_msr *watched, uint32_t msr)
{
	int err = exit_register_msr(msr, msr, VCPU_MSR_WRITE, on_msr_write, watched);

	if (err)
		return err;
	watched->msr = msr;
	watched->exits = true;
	return 0;
}

static int refuse_msr(const struct events_message *about, int err, const char *why)
{
	LOG_ERR("MSR 0x%llx cannot be watched: %s", (unsigned long long)about->address, why);
	return err;
}

int msrs_watch(bool guests, const struct events_message *about)
{
	struct watched_msr *watched = place_of_msr((uint32_t)about->address);
	int err = 0;

	if (about->address > UINT32_MAX || about->access)
		return refuse_msr(about, PLINTH_E_INVAL, "no such MSR, or more is said than its number");
	if (!watched)
		return refuse_msr(about, PLINTH_E_LIMIT, "8 exit already: stop, and listen anew");
	if (!watched->exits && guests)
		return refuse_msr(about, PLINTH_E_STATE, "the VMM runs: stop it, listen, and start it then");
	if (!watched->exits)
		err = start_exits(watched, (uint32_t)about->address);
	if (err)
		return refuse_msr(about, err,
				  "its writes cannot exit on this CPU, or there is no room for more");
	events_lock();
	watched->session = about->session;
	events_unlock();
	return 0;
}
