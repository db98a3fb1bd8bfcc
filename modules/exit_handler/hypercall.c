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
	return row ? row->handler(vcpu, row->context) : exit_raise_ud(vcpu);
}

int exit_register_hypercall(uint64_t first, uint64_t last, exit_range_fn *handler, void *context)
{
	return ranges_add(&calls, first, last, handler, context);
}

int exit_unregister_hypercall(uint64_t first)
{
	return ranges_remove(&calls, first);
}
