/* SPDX-License-Identifier: MIT */
#include "log_ring.h"

uint64_t log_ring_first(const struct plinth_shared_cpu *cpu, uint64_t from)
{
	uint64_t head = __atomic_load_n(&cpu->log_head, __ATOMIC_ACQUIRE);
	uint64_t oldest = head > PLINTH_LOG_RECORDS ? head - PLINTH_LOG_RECORDS + 1 : 1;

	return from > oldest ? from : oldest;
}

bool log_ring_read(const struct plinth_shared_cpu *cpu, uint64_t sequence, struct plinth_log_record *out)
{
	const struct plinth_log_record *record = &cpu->log[(sequence - 1) % PLINTH_LOG_RECORDS];

	plinth_words_load(out, record, sizeof(*out) / 8);
	if (out->sequence != sequence)
		return false;
	/* The copy is done before the number is looked at again. */
	out->text[PLINTH_LOG_TEXT - 1] = '\0';
	return __atomic_load_n(&record->sequence, __ATOMIC_RELAXED) == sequence;
}
