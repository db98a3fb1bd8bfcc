/* SPDX-License-Identifier: MIT */
/*
 * Reads the tables that this CPU's VMCS names, as the CPU does (SDM, "EPT Translation Mechanism"), and asks
 * nobody else; and has all CPUs flush, as a caller that wants it now.
 */
#include <plinth/debug_slat.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/memory.h>
#include <plinth/slat.h>
#include <plinth/vcpu.h>
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

/* What is known between two looks is in the caller's registers. */
static enum exit_action flush_answer(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_regs *regs = &vcpu->regs;
	bool done;

	(void)below;
	(void)context;
	if (!regs->rbx)
		regs->rbx = slat_flush(slat_host());
	done = regs->rbx && slat_flushed(regs->rbx);
	if (!done && regs->rbx && regs->rdx) {
		regs->rdx--;
		if (regs->rcx)
			vcpu_hasten(regs->rbx);
		return EXIT_RETRY;
	}
	regs->rax = done ? 0 : (uint64_t)PLINTH_E_BUSY;
	return EXIT_NEXT;
}

__attribute__((constructor)) static void take_slat_calls(void)
{
	(void)!exit_register_hypercall(DEBUG_SLAT_FLUSH, DEBUG_SLAT_FLUSH, EXIT_CALLER_ANYBODY, flush_answer,
				       NULL);
	(void)!exit_register_hypercall(DEBUG_SLAT_HYPERCALL, DEBUG_SLAT_HYPERCALL, EXIT_CALLER_ANYBODY,
				       slat_answer, NULL);
}
