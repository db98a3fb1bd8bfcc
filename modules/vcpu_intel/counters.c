/* SPDX-License-Identifier: MIT */
/*
 * Performance counters stand still in root mode. What they count there is nobody's business; but a counter
 * that overflows may also have the CPU write a record (PEBS) to a linear address of the guest's choice, and
 * that goes through the page tables in use: those of root mode have nothing there, or the VMM.
 *
 * Recent CPUs save and load IA32_PERF_GLOBAL_CTRL by controls (vmcs_msrs in msr.c). All others do it by
 * lists of MSRs in memory (SDM, "VM-Exit Controls for MSRs"): an exit stores the guest's values and loads 0,
 * an entry loads what the exit has stored. IA32_PEBS_ENABLE has no control on any CPU, and a record may come
 * late: it is always in the lists. The CPU does all that by itself, so no exit has an instruction more.
 */
#include <stddef.h>

#include "internal.h"

#define LEAF_COUNTERS	    10u
#define COUNTERS_VERSION(a) ((a)&0xff)
#define WITH_GLOBAL_CONTROL 2 /* the first version that has IA32_PERF_GLOBAL_CTRL */
#define CPUID_1_EDX_DS	    0x00200000u
#define MISC_ENABLE_NO_PEBS (1ull << 12)

/*
 * A CPU of the version before has counters without a common switch, and no secondary controls: caps_check()
 * refuses it for those. Version 0 is a CPU whose counters a hypervisor hides.
 */
static bool has_counters(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(0, 0, &leaf);
	if (leaf.eax < LEAF_COUNTERS)
		return false;
	cpu_cpuid(LEAF_COUNTERS, 0, &leaf);
	return COUNTERS_VERSION(leaf.eax) >= WITH_GLOBAL_CONTROL;
}

static bool has_pebs(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(1, 0, &leaf);
	return leaf.edx & CPUID_1_EDX_DS && !(cpu_rdmsr(MSR_IA32_MISC_ENABLE) & MISC_ENABLE_NO_PEBS);
}

/* In the order in which they may come to life again: records before the counters that cause them. */
void counters_find(struct controls *c)
{
	c->n_listed = 0;
	if (!has_counters())
		return;
	if (has_pebs())
		c->listed[c->n_listed++] = MSR_IA32_PEBS_ENABLE;
	if (!msr_is_saved(c, &vmcs_msrs[ROW_PERF]))
		c->listed[c->n_listed++] = MSR_IA32_PERF_GLOBAL_CTRL;
}

void counters_write(struct vendor_private *p)
{
	const struct controls *c = &p->controls;
	const uint64_t guest = p->lists_pa + offsetof(struct msr_lists, guest);

	for (uint32_t i = 0; i < c->n_listed; i++) {
		p->lists.guest[i] = (struct msr_entry){.msr = c->listed[i], .value = cpu_rdmsr(c->listed[i])};
		p->lists.root[i] = (struct msr_entry){.msr = c->listed[i]};
	}
	vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, c->n_listed);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, c->n_listed);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, c->n_listed);
	if (!c->n_listed)
		return;
	vmcs_write(VMCS_EXIT_MSR_STORE_ADDRESS, guest);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_ADDRESS, guest);
	vmcs_write(VMCS_EXIT_MSR_LOAD_ADDRESS, p->lists_pa + offsetof(struct msr_lists, root));
}

void counters_give_back(const struct vendor_private *p)
{
	for (uint32_t i = 0; i < p->controls.n_listed; i++)
		cpu_wrmsr(p->lists.guest[i].msr, p->lists.guest[i].value);
}
