/* SPDX-License-Identifier: MIT */
/*
 * A VMM that hangs. Interrupts are off in root mode, but an NMI arrives: from the system's own watchdog, or
 * from the driver on another CPU when this one does not answer. Several of them over some time that all find
 * the same exit have found a loop.
 */
#include "internal.h"

#define LOOP_NMIS  3
#define LOOP_TICKS 100000000ull /* of the TSC: tens of milliseconds; a line on a slow UART takes 10 */

/* Every exit is counted, so the sum of the counters names one. */
static uint64_t exits_so_far(const struct vcpu *vcpu)
{
	uint64_t sum = 0;

	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		sum += vcpu->exits[kind];
	return sum;
}

void watchdog_nmi(struct vcpu *vcpu, const struct cpu_fault *fault)
{
	const struct crash crash = {.what = "endless loop in root mode", .fault = fault};
	struct cpu_private *p = vcpu->cpu->priv;
	uint64_t exits = exits_so_far(vcpu), now = cpu_rdtsc();

	/* A report takes its time. */
	if (vcpu->cpu->local.in_fault)
		return;
	if (!p->loop_nmis || exits != p->loop_exits) {
		p->loop_exits = exits;
		p->loop_since = now;
		p->loop_nmis = 1;
		return;
	}
	if (++p->loop_nmis >= LOOP_NMIS && now - p->loop_since >= LOOP_TICKS)
		vcpu_crash(vcpu, &crash);
}
