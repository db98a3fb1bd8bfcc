/* SPDX-License-Identifier: MIT */
/* An INIT takes the CPU out of the VMM. */
#include <plinth/memory.h>

#include "internal.h"

/*
 * The exit has used the INIT up, so it is sent once more, where nothing holds it back. What it leaves alone
 * is the guest's before that: no instruction between that place and the INIT need be reached.
 */
void vcpu_take_init(struct vcpu *vcpu)
{
	volatile uint32_t *xapic;
	const bool reached = apic_reach(&xapic);
	struct vcpu_system system;

	LOG_WARN("INIT: the CPU leaves the VMM and is reset");
	vcpu = switch_to_host(vcpu);
	vendor_system(vcpu, &system);
	state_set(vcpu, PLINTH_CPU_RESET);
	/*
	 * The tables with the kernel's half: its counters run again from here on, and may write records
	 * there.
	 */
	cpu_write_cr3(mem_launch_tables());
	vendor_give_msrs(vcpu);
	vcpu_withdraw(vcpu);
	mem_cpu_leave(vcpu->cpu->local.cpu);
	if (reached)
		cpu_init_self(xapic);
	state_set(vcpu, PLINTH_CPU_HALTED);
	LOG_ERR("the INIT does not come: CPU %u halts", vcpu->cpu->local.cpu);
	for (;;)
		cpu_halt();
}
