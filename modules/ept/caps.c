/* SPDX-License-Identifier: MIT */
/* What the CPU has for second-level translation (SDM, "VPID and EPT Capabilities"). */
#include <plinth/intrinsics.h>
#include <plinth/vmcs.h>

#include "internal.h"

#define CAP_NEEDED (EPT_CAP_WALK_4 | EPT_CAP_WB | EPT_CAP_2M | EPT_CAP_INVEPT | EPT_CAP_INVEPT_ALL)
#define REACH_4	   48u /* address bits that four levels reach */

/* The capability MSR exists only where the CPU can do EPT or VPID at all. */
bool caps_has_ept(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(1, 0, &leaf);
	return leaf.ecx & CPUID_1_ECX_VMX &&
	       cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS) >> 32 & PRIMARY_SECONDARY &&
	       cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2) >> 32 & SECONDARY_EPT;
}

unsigned int caps_address_bits(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(CPUID_ADDRESS_WIDTHS, 0, &leaf);
	return leaf.eax & 0xff;
}

uint64_t caps_reach(unsigned int levels)
{
	unsigned int bits = caps_address_bits();

	return 1ull << (levels == 4 && bits > REACH_4 ? REACH_4 : bits < 30 ? 30 : bits);
}

int caps_kind(struct table_kind *out)
{
	uint64_t caps = cpu_rdmsr(MSR_IA32_VMX_EPT_VPID_CAP);

	if ((caps & CAP_NEEDED) != CAP_NEEDED) {
		LOG_ERR("the CPU's EPT lacks 0x%llx of IA32_VMX_EPT_VPID_CAP; load without the module ept",
			(unsigned long long)(CAP_NEEDED & ~caps));
		return PLINTH_E_NOTSUP;
	}
	out->large_1g = caps & EPT_CAP_1G;
	out->execute_only = caps & EPT_CAP_EXECUTE_ONLY;
	out->levels = caps & EPT_CAP_WALK_5 && caps_address_bits() > REACH_4 ? 5 : 4;
	out->reach = caps_reach(out->levels);
	return 0;
}
