/* SPDX-License-Identifier: MIT */
/* VMCALL: the driver's stop, and what extension modules register. All else is #UD. */
#include "internal.h"

static struct exit_ranges calls;
static uint64_t stop_rip, stop_token[2];

void hypercall_init(const struct plinth_boot *boot)
{
	stop_rip = boot->stop_rip;
	stop_token[0] = boot->stop_token[0];
	stop_token[1] = boot->stop_token[1];
}

/* Only the driver can stop: the kernel's privilege, its one address, this load's token. */
static bool is_stop(struct vcpu *vcpu)
{
	return vcpu->regs.rax == PLINTH_HYPERCALL_STOP && vcpu->exit.rip == stop_rip &&
	       vcpu->regs.rcx == stop_token[0] && vcpu->regs.rdx == stop_token[1] && vcpu_read(vcpu, VCPU_CPL) == 0;
}

enum exit_action exit_hypercall(struct vcpu *vcpu)
{
	const struct exit_range *row;

	if (is_stop(vcpu)) {
		vcpu->regs.rax = 0;
		return EXIT_LEAVE;
	}
	row = ranges_find(&calls, vcpu->regs.rax);
	if (!row || (row->caller == EXIT_CALLER_KERNEL && vcpu_read(vcpu, VCPU_CPL)))
		return exit_raise_ud(vcpu);
	return row->handler(vcpu, row->context);
}

int exit_register_hypercall(uint64_t first, uint64_t last, enum exit_caller caller, exit_range_fn *handler,
			    void *context)
{
	if (caller != EXIT_CALLER_KERNEL && caller != EXIT_CALLER_ANYBODY)
		return PLINTH_E_INVAL;
	return ranges_add(&calls, &(struct exit_range){ first, last, handler, context, caller });
}

int exit_unregister_hypercall(uint64_t first)
{
	return ranges_remove(&calls, first);
}
