/* SPDX-License-Identifier: MIT */
/* Decides about pages when the kernel asks for it. */
#include <plinth/slat.h>
#include <plinth/exit_handler.h>

#include "trap.h"

PLINTH_MODULE("trap_page", "0.1.0", "a hypercall that is slat_trap() (tests)");

static enum exit_action set_trap(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	int err = slat_trap(slat_host(), vcpu->regs.rcx, 4096, (uint32_t)vcpu->regs.rdx);

	(void)below;
	(void)context;
	if (!err && !slat_flush(slat_host()))
		err = PLINTH_E_VIRT;
	vcpu->regs.rax = (uint64_t)err;
	return EXIT_NEXT;
}

__attribute__((constructor)) static void trap_page_attach(void)
{
	(void)!exit_register_hypercall(TRAP_SET, TRAP_SET, EXIT_CALLER_KERNEL, set_trap, NULL);
}

__attribute__((destructor)) static void trap_page_detach(void)
{
	(void)!exit_unregister_hypercall(TRAP_SET, TRAP_SET, EXIT_CALLER_KERNEL, set_trap, NULL);
}
