/* SPDX-License-Identifier: MIT */
/* An INIT takes the CPU out of the VMM. */
#include <plinth/memory.h>

#include "internal.h"

/* Mapped when it is needed: the guest's memory does without it as long as there is no INIT. */
static volatile uint32_t *xapic(void)
{
	uint64_t base = cpu_rdmsr(MSR_IA32_APIC_BASE);
	void *mine, *there = __atomic_load_n(&vcpu_common.xapic, __ATOMIC_ACQUIRE);

	if (base & APIC_BASE_X2APIC)
		return NULL;
	if (there)
		return there;
	mine = mem_map(base & APIC_BASE_ADDRESS, CPU_XAPIC_BYTES / MEM_PAGE, MEM_RW);
	if (!__atomic_compare_exchange_n(&vcpu_common.xapic, &there, mine, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		mem_unmap(mine, CPU_XAPIC_BYTES / MEM_PAGE);
		return there;
	}
	return mine;
}

/*
 * The exit has used the INIT up, so it is sent once more, where nothing holds it back. What it leaves alone
 * is the guest's before that: no instruction between that place and the INIT need be reached.
 */
void vcpu_take_init(struct vcpu *vcpu)
{
	const bool x2apic = cpu_rdmsr(MSR_IA32_APIC_BASE) & APIC_BASE_X2APIC;
	volatile uint32_t *registers = xapic();
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
	if (x2apic || registers)
		cpu_init_self(registers);
	state_set(vcpu, PLINTH_CPU_HALTED);
	LOG_ERR("the INIT does not come: CPU %u halts", vcpu->cpu->local.cpu);
	for (;;)
		cpu_halt();
}
