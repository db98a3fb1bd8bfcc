/* SPDX-License-Identifier: MIT */
/*
 * The last events of each CPU, until they are asked for. What is of an earlier session is nobody's any more,
 * and found so by whoever comes first.
 */
#include <string.h>

#include <plinth/intrinsics.h>

#include "internal.h"

static struct ring {
	uint64_t session;
	uint64_t lost;
	uint32_t n;
	bool is_under_way;
	struct events_record begun;
	struct events_record record[EVENTS_RING];
} rings[EVENTS_CPUS];

static uint64_t lost_elsewhere; /* on CPUs without a ring */

static struct ring *own_ring(void)
{
	const uint32_t cpu = cpu_local()->cpu;

	return cpu < EVENTS_CPUS ? &rings[cpu] : NULL;
}

static void renew_ring(struct ring *ring, uint64_t session)
{
	if (ring->session == session)
		return;
	ring->session = session;
	ring->lost = ring->n = 0;
	ring->is_under_way = false;
}

void ring_add(uint64_t session, const struct events_record *record)
{
	struct ring *ring = own_ring();

	if (!ring) {
		__atomic_add_fetch(&lost_elsewhere, 1, __ATOMIC_RELAXED);
		return;
	}
	renew_ring(ring, session);
	if (ring->n == EVENTS_RING)
		ring->lost++;
	else
		ring->record[ring->n++] = *record;
}

/* Of an instruction that touches something else that is watched, or was interrupted: as far as it came. */
static void end_begun(struct ring *ring)
{
	if (!ring->is_under_way)
		return;
	ring->is_under_way = false;
	ring_add(ring->session, &ring->begun);
}

void ring_begin(uint64_t session, const struct events_record *record)
{
	struct ring *ring = own_ring();

	if (!ring) {
		ring_add(session, record);
		return;
	}
	renew_ring(ring, session);
	end_begun(ring);
	ring->begun = *record;
	ring->is_under_way = true;
}

const struct events_record *ring_begun(void)
{
	const struct ring *ring = own_ring();

	return ring && ring->is_under_way ? &ring->begun : NULL;
}

void ring_done(uint64_t after)
{
	struct ring *ring = own_ring();

	ring->begun.after = after;
	ring->begun.flags |= EVENTS_DONE;
	end_begun(ring);
}

void ring_take(uint64_t session, struct events_answer *out)
{
	struct ring *ring = own_ring();

	if (!ring) {
		out->lost = __atomic_load_n(&lost_elsewhere, __ATOMIC_RELAXED);
		return;
	}
	renew_ring(ring, session);
	end_begun(ring);
	out->lost = ring->lost;
	out->n = ring->n;
	memcpy(out->record, ring->record, ring->n * sizeof(ring->record[0]));
	ring->n = 0;
}
