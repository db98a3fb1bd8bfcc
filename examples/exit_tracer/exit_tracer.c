/* SPDX-License-Identifier: MIT */
/*
 * Remembers the last exits of every CPU in the trace rings of the shared region, for
 * `plinthctl trace`. It stands above the handlers of all exit kinds that were there before it, so it costs
 * nothing when it is not loaded, and about two RDTSC and one vcpu_detail() an exit when it is. Kinds that
 * `plinthctl trace --record` leaves out cost a few instructions.
 */
#include <stdbool.h>

#include <plinth/exit_handler.h>
#include <plinth/serial.h>

PLINTH_MODULE("exit_tracer", "0.1.0", "the last exits of every CPU, for plinthctl trace");

/* The bits of `plinthctl trace --record`; the page may change at any moment. */
static bool is_recorded(uint32_t kind)
{
	uint64_t off = __atomic_load_n(&log_tuning()->trace_off, __ATOMIC_RELAXED);

	return !(off >> kind & 1);
}

/* Taken before the handler runs: it may change what it reads, and it may never return. */
static struct plinth_trace_record *record(struct vcpu *vcpu, uint64_t tsc, uint64_t *sequence)
{
	struct plinth_shared_cpu *ring = vcpu->shared;
	struct plinth_trace_record *r;

	const struct plinth_trace_record now = {
		.tsc = tsc,
		.rip = vcpu->exit.rip,
		.detail = vcpu_detail(vcpu),
		.kind = vcpu->exit.kind,
		.rax = vcpu->regs.rax,
	};

	plinth_count(&ring->trace_head, 1);
	*sequence = ring->trace_head;
	r = &ring->trace[(*sequence - 1) % PLINTH_TRACE_RECORDS];
	plinth_words_store(r, &now, sizeof(now) / 8);
	return r;
}

static enum exit_action record_and_handle(struct vcpu *vcpu, const struct exit_link *below)
{
	uint64_t sequence, tsc = cpu_rdtsc();
	struct plinth_trace_record *r = record(vcpu, tsc, &sequence);
	enum exit_action action = exit_below(vcpu, below);

	tsc = cpu_rdtsc() - tsc;
	__atomic_store_n(&r->ticks, tsc > UINT32_MAX ? UINT32_MAX : (uint32_t)tsc, __ATOMIC_RELEASE);
	__atomic_store_n(&r->sequence, sequence, __ATOMIC_RELEASE);
	plinth_count(&vcpu->shared->trace_ticks, tsc);
	return action;
}

static enum exit_action trace(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)context;
	return is_recorded(vcpu->exit.kind) ? record_and_handle(vcpu, below) : exit_below(vcpu, below);
}

__attribute__((constructor)) static void enlist(void)
{
	(void)!exit_register_kind(0, PLINTH_EXIT_KINDS - 1, trace, NULL);
}
