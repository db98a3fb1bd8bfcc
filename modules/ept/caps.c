/* SPDX-License-Identifier: MIT */
/* What the CPU has for second-level translation (SDM, "VPID and EPT Capabilities"). */
#include <plinth/intrinsics.h>

#include "internal.h"

#define MSR_EPT_VPID_CAP MSR_IA32_VMX_EPT_VPID_CAP
#define CAN_SECONDARY	 (1ull << 63) /* allowed-1 half of the primary controls */
#define CAN_EPT		 (1ull << 33) /* of the secondary controls */
#define CAP_EXECUTE_ONLY (1ull << 0)
#define CAP_WALK_4	 (1ull << 6)
#define CAP_WALK_5	 (1ull << 7)
#define CAP_WB		 (1ull << 14)
#define CAP_2M		 (1ull << 16)
#define CAP_1G		 (1ull << 17)
#define CAP_INVEPT	 (1ull << 20)
#define CAP_INVEPT_ALL	 (1ull << 26)
#define CAP_NEEDED	 (CAP_WALK_4 | CAP_WB | CAP_2M | CAP_INVEPT | CAP_INVEPT_ALL)
#define REACH_4		 48u /* address bits that four levels reach */

/* The capability MSR exists only where the CPU can do EPT or VPID at all. */
bool caps_has_ept(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(1, 0, &leaf);
	return leaf.ecx & CPUID_1_ECX_VMX && cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS) & CAN_SECONDARY &&
	       cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2) & CAN_EPT;
}

unsigned int caps_address_bits(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(0x80000008, 0, &leaf);
	return leaf.eax & 0xff;
}

uint64_t caps_reach(unsigned int levels)
{
	unsigned int bits = caps_address_bits();

	return 1ull << (levels == 4 && bits > REACH_4 ? REACH_4 : bits < 30 ? 30 : bits);
}

int caps_kind(struct table_kind *out)
{
	uint64_t caps = cpu_rdmsr(MSR_EPT_VPID_CAP);

	if ((caps & CAP_NEEDED) != CAP_NEEDED) {
		LOG_ERR("the CPU's EPT lacks 0x%llx of IA32_VMX_EPT_VPID_CAP; load without the module ept",
			(unsigned long long)(CAP_NEEDED & ~caps));
		return PLINTH_E_NOTSUP;
	}
	out->large_1g = caps & CAP_1G;
	out->execute_only = caps & CAP_EXECUTE_ONLY;
	out->levels = caps & CAP_WALK_5 && caps_address_bits() > REACH_4 ? 5 : 4;
	out->reach = caps_reach(out->levels);
	return 0;
}
