/* SPDX-License-Identifier: MIT */
/*
 * Remembers the last exits of every CPU in the trace rings of the shared region, for
 * `plinthctl trace`. It puts itself before the handler of each exit kind, so it costs nothing
 * when it is not loaded, and about two RDTSC and one VMREAD an exit when it is.
 */
#include <plinth/exit_handler.h>

PLINTH_MODULE("exit_tracer", "0.1.0", "the last exits of every CPU, for plinthctl trace");

/* The handlers that were there before us. */
static vcpu_exit_fn *next[PLINTH_EXIT_KINDS];

/*
 * Kinds that are recorded. To trace a few only, say which: e.g.
 *	.kinds = 1ull << PLINTH_EXIT_MSR_READ | 1ull << PLINTH_EXIT_MSR_WRITE
 * What is left out here costs nothing; `plinthctl trace --exit` chooses among what is recorded.
 */
static const struct {
	uint64_t kinds;
} filter = { .kinds = ~0ull };

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

static enum exit_action trace(struct vcpu *vcpu)
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

__attribute__((constructor)) static void enlist(void)
{
	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		if (filter.kinds >> kind & 1)
			(void)!exit_register_kind(kind, trace, &next[kind]);
}
