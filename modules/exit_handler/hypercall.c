/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: the driver's stop, what modules register, and what a hypervisor beneath answers. All else is
 * #UD.
 */
#include "internal.h"

#define BY_KERNEL  PLINTH_REGISTERED_KERNEL
#define BY_PROCESS PLINTH_REGISTERED_PROCESS

/* Only the driver can stop: the kernel's privilege, its one address, this load's token. */
static bool is_stop(struct vcpu *vcpu)
{
	return vcpu->regs.rax == PLINTH_HYPERCALL_STOP && vcpu->exit.rip == exit_state.stop_rip &&
	       vcpu->regs.rcx == exit_state.stop_token[0] && vcpu->regs.rdx == exit_state.stop_token[1] &&
	       vcpu_read(vcpu, VCPU_CPL) == 0;
}

static enum exit_action hypercall_bottom(struct vcpu *vcpu, const struct exit_link *below)
{
	const bool ours = below->number == PLINTH_HYPERCALL_STOP || below->number == PLINTH_HYPERCALL_MAPS ||
			  below->number == PLINTH_HYPERCALL_CALL;

	return ours ? exit_raise_ud(vcpu) : beneath_call(vcpu);
}

enum exit_action exit_hypercall(struct vcpu *vcpu)
{
	const struct exit_policy *policy = vcpu->guest->policy;
	struct exit_link top = {.policy = policy,
				.n = policy->n,
				.sort = PLINTH_REGISTERED_HYPERCALL,
				.number = vcpu->regs.rax,
				.call = chain_call_hook,
				.bottom = hypercall_bottom};

	if (is_stop(vcpu)) {
		vcpu->regs.rax = 0;
		return EXIT_LEAVE;
	}
	top.what = vcpu_read(vcpu, VCPU_CPL) ? BY_PROCESS : BY_KERNEL;
	return exit_below(vcpu, &top);
}

/* @what is 0, which no row has, for a caller that is none. */
static struct chain_row hypercall_row(uint64_t first, uint64_t last, enum exit_caller caller,
				      exit_hook_fn *handler, void *context)
{
	const uint32_t what = caller == EXIT_CALLER_KERNEL    ? BY_KERNEL
			      : caller == EXIT_CALLER_ANYBODY ? BY_KERNEL | BY_PROCESS
							      : 0;

	return (struct chain_row){.sort = PLINTH_REGISTERED_HYPERCALL,
				  .what = what,
				  .first = first,
				  .last = last,
				  .handler.hook = handler,
				  .context = context};
}

int exit_register_hypercall(uint64_t first, uint64_t last, enum exit_caller caller, exit_hook_fn *handler,
			    void *context)
{
	const struct chain_row row = hypercall_row(first, last, caller, handler, context);

	return chain_add(&row);
}

int exit_unregister_hypercall(uint64_t first, uint64_t last, enum exit_caller caller, exit_hook_fn *handler,
			      void *context)
{
	const struct chain_row row = hypercall_row(first, last, caller, handler, context);

	return chain_remove(&row);
}
