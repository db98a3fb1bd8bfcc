/* SPDX-License-Identifier: MIT */
#include "log_lines.h"

#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "lib/log_ring.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

const char *log_level_name(uint8_t level)
{
	return level <= PLINTH_LOG_DEBUG ? level_names[level] : "?";
}

int log_level_parse(const char *name)
{
	for (int i = 0; i <= PLINTH_LOG_DEBUG; i++)
		if (!strcmp(name, level_names[i]))
			return i;
	return -1;
}

static void read_ring(const struct plinth_shared_cpu *ring, uint32_t cpu, uint64_t *seen,
		      struct log_lines *out)
{
	uint64_t first = log_ring_first(ring, *seen + 1);

	/* A head that went back belongs to another load. */
	if (ring->log_head < *seen)
		*seen = 0;
	else if (*seen)
		out->missed += first - *seen - 1;
	for (uint64_t i = log_ring_first(ring, *seen + 1); i <= ring->log_head; i++) {
		out->lines[out->n].cpu = cpu;
		out->n += log_ring_read(ring, i, &out->lines[out->n].record);
	}
	*seen = ring->log_head;
}

static int compare_lines(const void *left, const void *right)
{
	const struct log_line *a = left, *b = right;

	if (a->record.tsc != b->record.tsc)
		return a->record.tsc < b->record.tsc ? -1 : 1;
	return (a->record.sequence > b->record.sequence) - (a->record.sequence < b->record.sequence);
}

int log_lines_read(struct plinth_shared *shared, uint64_t *seen, struct log_lines *out)
{
	*out = (struct log_lines){0};
	/* One more than fits into the rings: read_ring() reads into the next free one. */
	out->lines = calloc((size_t)shared->n_cpus * PLINTH_LOG_RECORDS + 1, sizeof(*out->lines));
	if (!out->lines) {
		error_line("log: out of memory");
		return -1;
	}
	for (uint32_t cpu = 0; cpu < shared->n_cpus; cpu++)
		read_ring(plinth_shared_cpu(shared, cpu), cpu, &seen[cpu], out);
	qsort(out->lines, out->n, sizeof(*out->lines), compare_lines);
	return 0;
}
