/* SPDX-License-Identifier: MIT */
#ifndef PLINTH_SERIAL_RATE_LIMIT_H
#define PLINTH_SERIAL_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/log.h>
#include <plinth/shared.h>

/**
 * rate_limit_admits() - may this CPU write one more line? An error always; what may not is counted.
 * @ring: the CPU's own
 */
bool rate_limit_admits(struct plinth_shared_cpu *ring, enum plinth_log_level level);

/** rate_limit_missing() - the lines that were only counted since this was asked last. */
uint64_t rate_limit_missing(struct plinth_shared_cpu *ring);

#endif
