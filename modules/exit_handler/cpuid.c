/* SPDX-License-Identifier: MIT */
/*
 * CPUID: the hardware's answer, except for what depends on the guest's CR4 and for our
 * own leaves. Always exits, so this is the hottest handler.
 */
#include <string.h>

#include "internal.h"

static struct exit_ranges leaves;

/* Leaf 0x40000000: the highest of these leaves and the signature. */
static void own_leaf(struct vcpu_regs *regs)
{
	static const char signature[12] = "PlinthPlinth";
	uint32_t words[3];

	memcpy(words, signature, sizeof(words));
	regs->rax = EXIT_HYPERVISOR_LEAF;
	regs->rbx = words[0];
	regs->rcx = words[1];
	regs->rdx = words[2];
}

/* What CPUID reads from CR4 must be the guest's, not the VMM's (SDM, "CPUID"). */
static void follow_cr4(struct vcpu *vcpu, uint32_t leaf)
{
	uint64_t cr4 = vcpu_read(vcpu, VCPU_CR4);

	if (leaf == 1) {
		vcpu->regs.rcx &= ~(uint64_t)CPUID_1_ECX_OSXSAVE;
		vcpu->regs.rcx |= CPUID_1_ECX_HYPERVISOR | (cr4 & CR4_OSXSAVE ? CPUID_1_ECX_OSXSAVE : 0);
	} else {
		vcpu->regs.rcx &= ~(uint64_t)CPUID_7_ECX_OSPKE;
		vcpu->regs.rcx |= cr4 & CR4_PKE ? CPUID_7_ECX_OSPKE : 0;
	}
}

/* Leaves that may need more than the hardware's answer; kept apart to keep the others short. */
static __attribute__((noinline)) enum exit_action special(struct vcpu *vcpu)
{
	uint32_t leaf = (uint32_t)vcpu->regs.rax, subleaf = (uint32_t)vcpu->regs.rcx;
	const struct exit_range *row = ranges_find(&leaves, leaf);

	(void)cpu_cpuid_guest(vcpu);
	if (row)
		return row->handler(vcpu, row->context);
	if (leaf == EXIT_HYPERVISOR_LEAF)
		own_leaf(&vcpu->regs);
	else if (leaf == 1 || (leaf == 7 && !subleaf))
		follow_cr4(vcpu, leaf);
	return EXIT_NEXT;
}

/* Bits that all leaves with more to them have in common: odd ones (1, 7), and 0x40000000 and up. */
#define SPECIAL_BITS 0x40000001u

enum exit_action exit_cpuid(struct vcpu *vcpu)
{
	if ((uint32_t)vcpu->regs.rax & SPECIAL_BITS)
		return special(vcpu);
	return cpu_cpuid_guest(vcpu);
}

/*
 * Extensions may answer any leaf, so from the first registration on every leaf takes the
 * longer road.
 */
int exit_register_cpuid(uint32_t first, uint32_t last, exit_range_fn *handler, void *context)
{
	vcpu_exit_fn *previous;
	const struct exit_range row = {first, last, handler, context, EXIT_CALLER_ANYBODY};
	int err = ranges_add(&leaves, &row);

	return err ? err : exit_register_kind(PLINTH_EXIT_CPUID, special, &previous);
}

int exit_unregister_cpuid(uint32_t first)
{
	return ranges_remove(&leaves, first);
}
