/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of this CPU, through which the VMM sends what it has to send: in root mode, interrupts off.
 * It stays the guest's, whose registers are as before.
 */
#include <plinth/memory.h>

#include "internal.h"

#define CPUID_1_EBX_ID_SHIFT 24u

/* All CPUs have theirs at one address, each sees its own. */
static volatile uint32_t *map_registers(uint64_t pa)
{
	void *mine, *there = __atomic_load_n(&vcpu_common.xapic, __ATOMIC_ACQUIRE);

	if (there)
		return there;
	mine = mem_map(pa, CPU_XAPIC_BYTES / MEM_PAGE, MEM_RW);
	if (!__atomic_compare_exchange_n(&vcpu_common.xapic, &there, mine, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		mem_unmap(mine, CPU_XAPIC_BYTES / MEM_PAGE);
		return there;
	}
	return mine;
}

bool apic_reach(volatile uint32_t **xapic)
{
	const uint64_t base = cpu_rdmsr(MSR_IA32_APIC_BASE);
	const bool x2apic = base & APIC_BASE_X2APIC;

	*xapic = x2apic ? NULL : map_registers(base & APIC_BASE_ADDRESS);
	return x2apic || *xapic;
}

/* The number it was born with, which nobody changes; of it an APIC that is not in x2APIC mode has 8 bits. */
uint32_t apic_id(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(CPUID_TOPOLOGY, 0, &leaf);
	if (leaf.ebx)
		return leaf.edx;
	cpu_cpuid(1, 0, &leaf);
	return leaf.ebx >> CPUID_1_EBX_ID_SHIFT;
}
