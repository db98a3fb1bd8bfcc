/* SPDX-License-Identifier: MIT */
/*
 * Who listens. A listener can die at any moment without a word, and nobody tells the VMM: so it is one only
 * for a time that each poll renews.
 */
#include <plinth/intrinsics.h>
#include <plinth/x86.h>

#include "internal.h"

static struct {
	char lock;
	uint64_t session, last_session;
	uint64_t until; /* TSC */
	uint64_t cr3;	/* of its own kernel half; 0: not known */
	bool is_isolated;
} listener;

void events_lock(void)
{
	while (__atomic_test_and_set(&listener.lock, __ATOMIC_ACQUIRE))
		cpu_pause();
}

void events_unlock(void)
{
	__atomic_clear(&listener.lock, __ATOMIC_RELEASE);
}

/* Nobody waits for ever: what a hostile number would make of the sum, too. */
#define LEASE_MOST (1ull << 42)

static uint64_t end_of(uint64_t lease)
{
	return cpu_rdtsc() + (lease < LEASE_MOST ? lease : LEASE_MOST);
}

bool listener_is_gone(void)
{
	return (int64_t)(listener.until - cpu_rdtsc()) < 0;
}

uint64_t listener_begin(const struct events_message *about)
{
	struct vcpu *vcpu = cpu_local()->vcpu;

	if (listener.session && !listener_is_gone())
		return 0;
	listener.session = ++listener.last_session;
	listener.until = end_of(about->lease);
	listener.cr3 = vcpu ? vcpu_read(vcpu, VCPU_CR3) & CR3_TABLE : 0;
	listener.is_isolated = about->flags & EVENTS_ISOLATED;
	return listener.session;
}

bool listener_is(uint64_t session)
{
	return session && session == listener.session;
}

uint64_t listener_session(void)
{
	return listener.session;
}

bool listener_renew(const struct events_message *about)
{
	if (!listener_is(about->session))
		return false;
	listener.until = end_of(about->lease);
	return true;
}

void listener_end(void)
{
	listener.session = 0;
}

bool listener_is_at(uint64_t cr3)
{
	return listener.cr3 && x86_is_on(cr3, listener.cr3, listener.is_isolated);
}
