/* SPDX-License-Identifier: MIT */
/*
 * What the whole PC may run on: it answers hypercalls, even those of root mode, with something made of every
 * register.
 */
#include "internal.h"

/* RAX of a call that it refuses by #UD. */
#define REFUSED 0x0badc0de

bool model_beneath(struct vcpu_regs *regs)
{
	uint64_t *words = (uint64_t *)regs;

	if (regs->rax == REFUSED)
		return false;
	for (unsigned int i = 0; i < sizeof(*regs) / sizeof(*words); i++)
		words[i] = words[i] * 3 + i;
	return true;
}

int model_hypercall_guest(struct vcpu *vcpu)
{
	model_tick();
	if (!model_in_root(model_here()))
		model_violation("a hypercall outside root mode");
	if (!model.kind->hypervisor) {
		model_violation("a hypercall in root mode, and nobody is beneath");
		return 0;
	}
	model.hypercalls++;
	if (model_beneath(&vcpu->regs))
		return 0;
	model_raise(VECTOR_UD, 0, RAISE_FIXUP, "a hypercall");
	return PLINTH_E_FAULT;
}
