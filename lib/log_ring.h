/* SPDX-License-Identifier: MIT */
/* Reading a CPU's log ring (plinth/shared.h) while the VMM may be writing it. */
#ifndef PLINTH_LIB_LOG_RING_H
#define PLINTH_LIB_LOG_RING_H

#include <stdbool.h>

#include <plinth/log.h>
#include <plinth/shared.h>

/** log_ring_first() - the oldest record, from @from on, that can still be there. */
uint64_t log_ring_first(const struct plinth_shared_cpu *cpu, uint64_t from);

/**
 * log_ring_read() - one record; its text is NUL-terminated in @out.
 * @sequence: at least 1
 *
 * Context: any. Return: false if it is not there (overwritten, or being written).
 */
bool log_ring_read(const struct plinth_shared_cpu *cpu, uint64_t sequence, struct plinth_log_record *out);

#endif
