/* SPDX-License-Identifier: MIT */
/*
 * Stands in the chain of violations, above ept or below it, as it is loaded behind ept or before. A register
 * lies at TRAP_PAGE: what the guest writes from RAX is what it reads next.
 */
#include <plinth/exit_handler.h>

#include "trap.h"

PLINTH_MODULE("trap_handler", "0.1.0", "accesses of a trapped page (tests)");

static uint64_t value, done, others;

static enum exit_action do_access(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_memory_access wants;

	(void)context;
	vcpu_memory_access(vcpu, &wants);
	if (wants.address >> 12 != TRAP_PAGE >> 12) {
		__atomic_add_fetch(&others, 1, __ATOMIC_RELAXED);
		return exit_below(vcpu, below);
	}
	if (wants.wanted & SLAT_WRITE)
		__atomic_store_n(&value, vcpu->regs.rax, __ATOMIC_RELAXED);
	else
		vcpu->regs.rax = __atomic_load_n(&value, __ATOMIC_RELAXED);
	__atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
	return EXIT_NEXT;
}

static enum exit_action count(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)below;
	(void)context;
	vcpu->regs.rax = __atomic_load_n(&done, __ATOMIC_RELAXED);
	vcpu->regs.rdx = __atomic_load_n(&others, __ATOMIC_RELAXED);
	return EXIT_NEXT;
}

__attribute__((constructor)) static void trap_handler_attach(void)
{
	(void)!exit_register_kind(PLINTH_EXIT_SLAT_VIOLATION, PLINTH_EXIT_SLAT_VIOLATION, do_access, NULL);
	(void)!exit_register_hypercall(TRAP_COUNT, TRAP_COUNT, EXIT_CALLER_KERNEL, count, NULL);
}

__attribute__((destructor)) static void trap_handler_detach(void)
{
	(void)!exit_unregister_kind(PLINTH_EXIT_SLAT_VIOLATION, PLINTH_EXIT_SLAT_VIOLATION, do_access, NULL);
	(void)!exit_unregister_hypercall(TRAP_COUNT, TRAP_COUNT, EXIT_CALLER_KERNEL, count, NULL);
}
