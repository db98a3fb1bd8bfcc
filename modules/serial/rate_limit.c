/* SPDX-License-Identifier: MIT */
/* What floods the log would push everything else out of its rings: each CPU has a credit of lines. */
#include <plinth/intrinsics.h>

#include "internal.h"

/* At most so many lines at once, then one in RATE_PERIOD ticks (about a thousand a second). */
#define RATE_BURST  128u /* of PLINTH_LOG_RECORDS */
#define RATE_PERIOD (1ull << 21)

bool rate_limit_admits(struct plinth_shared_cpu *ring, enum plinth_log_level level)
{
	uint64_t now = cpu_rdtsc(), credit = (now - ring->log_credit_tsc) / RATE_PERIOD;
	uint32_t left = ring->log_credit;

	if (credit) {
		left = credit > RATE_BURST - left ? RATE_BURST : left + (uint32_t)credit;
		plinth_set(&ring->log_credit_tsc, now);
	}
	__atomic_store_n(&ring->log_credit, left - (left > 0), __ATOMIC_RELAXED);
	if (left || level == PLINTH_LOG_ERR)
		return true;
	plinth_count(&ring->log_lost, 1);
	return false;
}

uint64_t rate_limit_missing(struct plinth_shared_cpu *ring)
{
	uint64_t missing = ring->log_lost - ring->log_lost_told;

	if (missing)
		plinth_set(&ring->log_lost_told, ring->log_lost);
	return missing;
}
