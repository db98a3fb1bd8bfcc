/* SPDX-License-Identifier: MIT */
/*
 * What the driver asks the VMM beneath a guest: in root mode, on the CPU that asks, while others are in exits
 * of theirs.
 */
#include <stdbool.h>

#include <plinth/boot.h>
#include <plinth/exit_handler.h>
#include <plinth/memory.h>

#include "internal.h"

/* What it says is nobody's business but the driver's. */
static bool is_drivers(const struct vcpu *vcpu)
{
	return vcpu->regs.rcx == entry_state.token[0] && vcpu->regs.rdx == entry_state.token[1];
}

/* PLINTH_HYPERCALL_MAPS */
static enum exit_action tell_maps(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_regs *regs = &vcpu->regs;
	struct plinth_ctl_map map;
	int err;

	(void)context;
	if (!is_drivers(vcpu))
		return exit_below(vcpu, below);
	err = mem_next_mapping((uint32_t)regs->rdi, regs->rsi, &map);
	regs->rax = (uint64_t)err;
	if (err)
		return EXIT_NEXT;
	regs->rdi = map.va;
	regs->rsi = map.bytes;
	regs->rdx = map.flags;
	return EXIT_NEXT;
}

/* PLINTH_HYPERCALL_CALL */
static enum exit_action take_call(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)context;
	if (!is_drivers(vcpu))
		return exit_below(vcpu, below);
	vcpu->regs.rax = (uint64_t)call_answer();
	return EXIT_NEXT;
}

/* In constructors: who registers later stands above us, and decides about the driver's calls as well. */
static __attribute__((constructor)) void take_driver_calls(void)
{
	(void)!exit_register_hypercall(PLINTH_HYPERCALL_MAPS, PLINTH_HYPERCALL_MAPS, EXIT_CALLER_KERNEL,
				       tell_maps, NULL);
	(void)!exit_register_hypercall(PLINTH_HYPERCALL_CALL, PLINTH_HYPERCALL_CALL, EXIT_CALLER_KERNEL,
				       take_call, NULL);
}
