/* SPDX-License-Identifier: MIT */
/*
 * CPUID is nearly every exit there is, and its path is counted in single instructions.
 * So it costs nothing here: all other kinds are called through record(), which notes how
 * many CPUIDs there have been, and the report works out how many lie between two rows.
 */
#include <plinth/memory.h>

#include "exit_kind.h"
#include "internal.h"

static enum exit_action record(struct vcpu *vcpu)
{
	struct history *h = &vcpu->cpu->priv->history;

	h->rows[h->n++ % HISTORY_ROWS] = (struct history_row){
		.rip = vcpu->exit.rip,
		.cpuids = vcpu->shared->exits[PLINTH_EXIT_CPUID],
		.kind = vcpu->exit.kind,
	};
	mem_cpu_flush(vcpu->cpu->local.cpu);
	return vcpu->guest->handlers[vcpu->exit.kind](vcpu);
}

/* An NMI that exits is nobody's business but ours. */
static enum exit_action record_exception(struct vcpu *vcpu)
{
	return event_nmi_exit(vcpu) ? EXIT_RETRY : record(vcpu);
}

static enum exit_action record_entry_failure(struct vcpu *vcpu)
{
	return entry_failed(vcpu, record);
}

void history_handlers(struct guest *guest)
{
	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		guest->recording[kind] = kind == PLINTH_EXIT_CPUID ? guest->handlers[kind] : record;
	guest->recording[PLINTH_EXIT_EXCEPTION] = record_exception;
	guest->recording[PLINTH_EXIT_ENTRY_FAILURE] = record_entry_failure;
}

static void log_cpuids(uint64_t count)
{
	if (count)
		LOG_ERR("  %llu x cpuid", (unsigned long long)count);
}

void history_log(const struct vcpu *vcpu)
{
	const struct history *h = &vcpu->cpu->priv->history;
	uint64_t cpuids = vcpu->shared->exits[PLINTH_EXIT_CPUID];
	uint64_t n = h->n < HISTORY_ROWS ? h->n : HISTORY_ROWS;

	LOG_ERR("exits before, newest first:");
	for (uint64_t i = 1; i <= n; i++) {
		const struct history_row *row = &h->rows[(h->n - i) % HISTORY_ROWS];

		log_cpuids(cpuids - row->cpuids);
		cpuids = row->cpuids;
		LOG_ERR("  %-14s RIP 0x%llx", exit_kind_name(row->kind), (unsigned long long)row->rip);
	}
	log_cpuids(n < HISTORY_ROWS ? cpuids : 0);
}
