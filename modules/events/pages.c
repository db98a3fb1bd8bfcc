/* SPDX-License-Identifier: MIT */
/*
 * Watched pages: an access that is to be seen is recorded, then this CPU alone carries it out. Whatever
 * stands in the way of that ends the watch, not the guest.
 */
#include <plinth/exit_handler.h>
#include <plinth/log.h>
#include <plinth/memory.h>
#include <plinth/slat.h>

#include "internal.h"

_Static_assert(EVENTS_READ == SLAT_READ && EVENTS_WRITE == SLAT_WRITE && EVENTS_EXECUTE == SLAT_EXECUTE,
	       "accesses are those of slat.h");
_Static_assert(EVENTS_PAGES == SLAT_WATCHES, "as many as there can be");

struct watched_page {
	uint64_t gpa;
	uint64_t session;
	uint32_t access; /* that is recorded; 0: none is watched in this place */
};

static struct watched_page watched[EVENTS_PAGES];
static uint32_t given_up;

/* -- setting and ending ------------------------------------------------------------------------ */

/* The lock is held. @gpa: of a page; NULL: no such watch. */
static struct watched_page *page_find(uint64_t gpa)
{
	for (unsigned int i = 0; i < EVENTS_PAGES; i++)
		if (watched[i].access && watched[i].gpa == gpa)
			return &watched[i];
	return NULL;
}

static struct watched_page *place_for(uint64_t gpa)
{
	for (unsigned int i = 0; i < EVENTS_PAGES; i++)
		if (!watched[i].access) {
			watched[i].gpa = gpa;
			watched[i].session = listener_session();
			return &watched[i];
		}
	return NULL;
}

/* Noted first: an access by another CPU can come before the call is over. */
static int note_page(uint64_t gpa, uint32_t access)
{
	struct watched_page *page;
	int err = 0;

	events_lock();
	page = page_find(gpa) ? NULL : place_for(gpa);
	if (page)
		page->access = access;
	else
		err = page_find(gpa) ? PLINTH_E_BUSY : PLINTH_E_LIMIT;
	events_unlock();
	return err;
}

static void drop_page(uint64_t gpa)
{
	struct watched_page *page;

	events_lock();
	page = page_find(gpa);
	if (page)
		page->access = 0;
	events_unlock();
}

/* One page's watch ends: first in the tables, so that no access finds one there that nobody knows. */
static void end_page(uint64_t gpa)
{
	int err = slat_unwatch(gpa);

	if (err)
		LOG_ERR("the page at 0x%llx stays watched: %d", (unsigned long long)gpa, err);
	else
		drop_page(gpa);
}

static uint64_t page_of_before(void)
{
	uint64_t gpa = ~0ull;

	events_lock();
	for (unsigned int i = 0; i < EVENTS_PAGES; i++)
		if (watched[i].access && !listener_is(watched[i].session))
			gpa = watched[i].gpa;
	events_unlock();
	return gpa;
}

void pages_end_others(void)
{
	for (unsigned int i = 0; i < EVENTS_PAGES; i++) {
		const uint64_t gpa = page_of_before();

		if (gpa == ~0ull)
			break;
		end_page(gpa);
	}
	__atomic_store_n(&given_up, 0, __ATOMIC_RELAXED);
}

uint32_t pages_given_up(void)
{
	return __atomic_load_n(&given_up, __ATOMIC_RELAXED);
}

/*
 * What is left of a page. What can be written can be read, for the hardware; and not every CPU can execute
 * what it may not read. Then more is trapped than was asked for, and passes unrecorded.
 */
static int watch_page(uint64_t gpa, uint32_t access)
{
	uint32_t left = SLAT_ALL & ~access;
	int err;

	if (!(left & SLAT_READ))
		left &= ~SLAT_WRITE;
	err = slat_watch(gpa, left);
	return err == PLINTH_E_NOTSUP && left == SLAT_EXECUTE ? slat_watch(gpa, 0) : err;
}

static const char *why_not(int err)
{
	switch (err) {
	case PLINTH_E_NOMEM: return "too few pages are left for tables";
	case PLINTH_E_BUSY: return "it is watched, or mapped elsewhere, already";
	case PLINTH_E_LIMIT: return "16 pages are watched already";
	case PLINTH_E_PERM: return "it is the VMM's, or no ordinary memory";
	default: return "the machine has no such page";
	}
}

static int refuse_page(const struct events_message *about, int err, const char *why)
{
	LOG_ERR("the page at 0x%llx cannot be watched: %s", (unsigned long long)about->address, why);
	return err;
}

int pages_watch(struct vcpu *vcpu, const struct events_message *about)
{
	int err;

	if (!about->access || about->access & ~SLAT_ALL || about->address % PAGE_BYTES)
		return refuse_page(about, PLINTH_E_INVAL, "no such access, or not a page's address");
	if (!slat_host())
		return refuse_page(about, PLINTH_E_NOTSUP, "this CPU has no second-level translation");
	if (!vcpu)
		return refuse_page(about, PLINTH_E_STATE, "the VMM does not run: start it first");
	if (vcpu_step(vcpu, false))
		return refuse_page(about, PLINTH_E_NOTSUP,
				   "this CPU cannot come back behind a single instruction");
	err = note_page(about->address, about->access);
	if (!err) {
		err = watch_page(about->address, about->access);
		if (err)
			drop_page(about->address);
	}
	return err ? refuse_page(about, err, why_not(err)) : 0;
}

/* -- accesses ------------------------------------------------------------------------------------- */

/* The eight bytes around an address; ordinary memory, which is there: slat_watch() has looked. */
static uint64_t value_at(struct vcpu *vcpu, uint64_t address)
{
	const uint64_t *at = mem_glance(vcpu->cpu->local.cpu, address & ~7ull);

	return at ? __atomic_load_n(at, __ATOMIC_RELAXED) : 0;
}

static void record_access(struct vcpu *vcpu, uint64_t session, const struct vcpu_memory_access *access)
{
	const struct events_record record = {
		.tsc = cpu_rdtsc(),
		.cr3 = vcpu_read(vcpu, VCPU_CR3),
		.rip = vcpu->exit.rip,
		.address = access->address,
		.before = value_at(vcpu, access->address),
		.cpu = vcpu->cpu->local.cpu,
		.kind = EVENTS_PAGE,
		.access = access->wanted,
		.cpl = (uint8_t)vcpu_read(vcpu, VCPU_CPL),
	};

	ring_begin(session, &record);
}

enum sight { NOT_WATCHED, UNSEEN, SEEN, NOBODY_LISTENS };

static enum sight look(struct vcpu *vcpu, const struct vcpu_memory_access *access, uint64_t *session)
{
	const struct watched_page *page;
	enum sight sight;

	events_lock();
	page = page_find(access->address & ~(PAGE_BYTES - 1));
	if (page && listener_is_gone())
		listener_end();
	*session = listener_session();
	if (!page)
		sight = NOT_WATCHED;
	else if (!listener_is(page->session))
		sight = NOBODY_LISTENS;
	else if (!(access->wanted & page->access) || listener_is_at(vcpu_read(vcpu, VCPU_CR3)))
		sight = UNSEEN;
	else
		sight = SEEN;
	events_unlock();
	return sight;
}

static void give_page_up(uint64_t address, int err)
{
	LOG_WARN("the page at 0x%llx is not watched any more: a CPU could not pass by (%d)",
		 (unsigned long long)address, err);
	__atomic_add_fetch(&given_up, 1, __ATOMIC_RELAXED);
	end_page(address & ~(PAGE_BYTES - 1));
}

static enum exit_action on_access(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_memory_access access;
	enum sight sight;
	uint64_t session;
	int err;

	(void)context;
	vcpu_memory_access(vcpu, &access);
	sight = look(vcpu, &access, &session);
	if (sight == NOT_WATCHED)
		return exit_below(vcpu, below);
	if (sight == NOBODY_LISTENS) {
		pages_end_others();
		return EXIT_RETRY;
	}
	if (sight == SEEN)
		record_access(vcpu, session, &access);
	err = slat_pass(vcpu);
	if (err)
		give_page_up(access.address, err);
	return EXIT_RETRY;
}

/* Behind the instruction: what it has left there. Whoever had it carried out ends the step. */
static enum exit_action on_step_over(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	const struct events_record *begun = ring_begun();

	(void)context;
	if (begun)
		ring_done(value_at(vcpu, begun->address));
	return exit_below(vcpu, below);
}

void pages_register(void)
{
	(void)!exit_register_kind(PLINTH_EXIT_SLAT_VIOLATION, PLINTH_EXIT_SLAT_VIOLATION, on_access, NULL);
	(void)!exit_register_kind(PLINTH_EXIT_STEP, PLINTH_EXIT_STEP, on_step_over, NULL);
}
