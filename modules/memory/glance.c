/* SPDX-License-Identifier: MIT */
/*
 * A look at any memory of the machine, in passing: an address of each CPU's own, whose mapping that CPU alone
 * changes and uses. So there is nothing to lock, nothing that can run out, and no other CPU has to forget
 * anything.
 */
#include <pagetable.h>
#include <plinth/intrinsics.h>
#include <plinth/x86.h>

#include "internal.h"

#define ENTRY_BITS (PT_BIT_PRESENT | PT_BIT_WRITE | PT_BIT_ACCESSED | PT_BIT_DIRTY | PT_BIT_NX)

static struct {
	uint64_t va;
	uint64_t end; /* of the machine's addresses */
	uint32_t n_cpus;
} glance;

void glance_init(uint64_t va, uint32_t n_cpus)
{
	struct cpu_leaf leaf;

	cpu_cpuid(CPUID_ADDRESS_WIDTHS, 0, &leaf);
	glance.va = va;
	glance.end = 1ull << (leaf.eax & 0xff);
	glance.n_cpus = n_cpus;
}

void *mem_glance(uint32_t cpu, uint64_t pa)
{
	const uint64_t va = glance.va + (uint64_t)cpu * MEM_PAGE;

	if (cpu >= glance.n_cpus || pa >= glance.end)
		return NULL;
	__atomic_store_n(space_entry(va), (pa & PT_BITS_ADDRESS) | ENTRY_BITS, __ATOMIC_RELEASE);
	cpu_invlpg(va);
	return (char *)va + pa % MEM_PAGE;
}
