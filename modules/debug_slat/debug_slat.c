/* SPDX-License-Identifier: MIT */
/*
 * Reads the tables that this CPU's VMCS names, as the CPU does (SDM, "EPT Translation Mechanism"), and asks
 * nobody else.
 */
#include <plinth/debug_slat.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/memory.h>
#include <plinth/vmcs.h>

PLINTH_MODULE("debug_slat", "0.1.0", "memory types by second-level translation (tests only)");

#define ACCESS	     7ull
#define LARGE	     (1ull << 7)
#define ADDRESS_BITS 0x000ffffffffff000ull

/* The last entry on the way, and its level; 0: there is none. */
static uint64_t entry_of(uint64_t gpa, unsigned int *level)
{
	uint64_t pointer = cpu_vmread(VMCS_EPT_POINTER), entry = pointer;

	for (*level = (pointer >> 3 & 7) + 1; *level; --*level) {
		const uint64_t *table = mem_phys_to_virt(entry & ADDRESS_BITS);

		if (!table)
			return 0;
		entry = __atomic_load_n(&table[gpa >> (12 + 9 * (*level - 1)) & 511], __ATOMIC_ACQUIRE);
		if (!(entry & ACCESS))
			return 0;
		if (*level == 1 || (*level < 4 && entry & LARGE))
			return entry;
	}
	return 0;
}

static enum exit_action slat_answer(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	unsigned int level;
	uint64_t entry = entry_of(vcpu->regs.rcx, &level);

	(void)below;
	(void)context;
	vcpu->regs.rax = entry ? 0 : (uint64_t)PLINTH_E_FAULT;
	vcpu->regs.rcx = entry >> 3 & 7;
	vcpu->regs.rdx = level;
	return EXIT_NEXT;
}

__attribute__((constructor)) static void take_slat_calls(void)
{
	(void)!exit_register_hypercall(DEBUG_SLAT_HYPERCALL, DEBUG_SLAT_HYPERCALL, EXIT_CALLER_ANYBODY,
				       slat_answer, NULL);
}
