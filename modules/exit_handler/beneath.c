/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor beneath us: what the operating system has settled with it while it booted goes on. Its
 * hypercalls and its MSRs are passed down, its CPUID leaves stay as they are, and Plinth's own stand behind
 * them, where those who look for several hypervisors look: they go up from 40000000h in steps of 100h.
 */
#include "internal.h"

#define LEAF_STEP  0x100u
#define LEAF_TRIES 8u

/* CPUID faulting (MSR_MISC_FEATURES_ENABLES): the kernel wants #GP for CPUID of processes. */
#define MSR_FEATURES_ENABLES 0x140u
#define CPUID_FAULTS	     1ull

/*
 * The first word of a hypervisor's first leaf is the last one of them; the CPU alone repeats some leaf of its
 * own there.
 */
static bool is_taken(uint32_t first)
{
	struct cpu_leaf answer;

	cpu_cpuid(first, 0, &answer);
	return answer.eax >= first && answer.eax - first < LEAF_STEP;
}

void beneath_init(void)
{
	struct cpu_leaf features;
	uint32_t leaf = EXIT_HYPERVISOR_LEAF;

	cpu_cpuid(1, 0, &features);
	exit_state.is_beneath = features.ecx & CPUID_1_ECX_HYPERVISOR;
	exit_state.own_leaf = leaf;
	if (!exit_state.is_beneath)
		return;
	/* Old ones say nothing in that word; the first place is theirs in any case. */
	leaf += LEAF_STEP;
	for (uint32_t i = 2; i < LEAF_TRIES && is_taken(leaf); i++)
		leaf += LEAF_STEP;
	exit_state.own_leaf = leaf;
	LOG_INFO(
		"a hypervisor is beneath: its hypercalls and MSRs are passed on, Plinth's CPUID leaf is 0x%x",
		leaf);
}

/*
 * Only from where it would have been the kernel's: root mode asks with the privilege of a kernel in 64-bit
 * mode, so nobody else may have it asked.
 */
enum exit_action beneath_call(struct vcpu *vcpu)
{
	if (!exit_state.is_beneath || vcpu_read(vcpu, VCPU_CPL) || !vcpu_read(vcpu, VCPU_CODE64) ||
	    cpu_hypercall_guest(vcpu))
		return exit_raise_ud(vcpu);
	return EXIT_NEXT;
}

/*
 * A CPU raises this #GP before it would exit, for it is a fault by privilege (SDM, "Relative Priority of
 * Faults and VM Exits"). A hypervisor that provides it by its own exits of CPUID does not: there we are asked
 * first.
 */
bool beneath_cpuid_faults(struct vcpu *vcpu)
{
	uint64_t enables;

	return exit_state.is_beneath && vcpu_read(vcpu, VCPU_CPL) &&
	       !cpu_rdmsr_safe(MSR_FEATURES_ENABLES, &enables) && enables & CPUID_FAULTS;
}
