/* SPDX-License-Identifier: MIT */
/*
 * Remembers the last exits of every CPU in the trace rings of the shared region, for
 * `plinthctl trace`. It puts itself before the handler of each exit kind, so it costs nothing
 * when it is not loaded, and about two RDTSC and one VMREAD an exit when it is. Kinds that
 * `plinthctl trace --record` leaves out cost a few instructions.
 */
#include <stdbool.h>

#include <plinth/exit_handler.h>
#include <plinth/serial.h>

PLINTH_MODULE("exit_tracer", "0.1.0", "the last exits of every CPU, for plinthctl trace");

/* The handlers that were there before us. */
static vcpu_exit_fn *next[PLINTH_EXIT_KINDS];

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

	*sequence = ++ring->trace_head;
	r = &ring->trace[(*sequence - 1) % PLINTH_TRACE_RECORDS];
	__atomic_store_n(&r->sequence, 0, __ATOMIC_RELEASE);
	r->tsc = tsc;
	r->rip = vcpu->exit.rip;
	r->qualification = vcpu_qualification(vcpu);
	r->kind = vcpu->exit.kind;
	r->ticks = 0;
	r->rax = vcpu->regs.rax;
	return r;
}

static enum exit_action record_and_handle(struct vcpu *vcpu)
{
	uint64_t sequence, tsc = cpu_rdtsc();
	struct plinth_trace_record *r = record(vcpu, tsc, &sequence);
	enum exit_action action = next[vcpu->exit.kind](vcpu);

	tsc = cpu_rdtsc() - tsc;
	r->ticks = tsc > UINT32_MAX ? UINT32_MAX : (uint32_t)tsc;
	__atomic_store_n(&r->sequence, sequence, __ATOMIC_RELEASE);
	vcpu->shared->trace_ticks += tsc;
	return action;
}

static enum exit_action trace(struct vcpu *vcpu)
{
	uint32_t kind = vcpu->exit.kind;

	return is_recorded(kind) ? record_and_handle(vcpu) : next[kind](vcpu);
}

__attribute__((constructor)) static void enlist(void)
{
	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		(void)!exit_register_kind(kind, trace, &next[kind]);
}
