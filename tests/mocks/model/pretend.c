/* SPDX-License-Identifier: MIT */
/* A guest without VT-x: for vCPU modules that only pretend, so that what is around them can be tried. */
#include "internal.h"

#include "../intrinsics/calls.h"

#define DPL(rights) ((rights) >> 5 & 3)

void pretence_put(struct model_cpu *cpu)
{
	const struct pretence *p = cpu->pretence;

	cpu->rip = p->reg[VCPU_RIP];
	cpu->rsp = p->reg[VCPU_RSP];
	cpu->st.rflags = p->reg[VCPU_RFLAGS];
	cpu->st.cr0 = p->reg[VCPU_CR0];
	cpu->st.cr2 = p->reg[VCPU_CR2];
	cpu->st.cr3 = p->reg[VCPU_CR3];
	cpu->st.cr4 = p->reg[VCPU_CR4];
	cpu->st.msr[MODEL_MSR_FS_BASE] = p->reg[VCPU_FS_BASE];
	cpu->regs = cpu->pretending->regs;
	cpu->event = (struct model_event){.info = p->event, .error = p->event_error};
	cpu->guest = true;
}

void pretence_take(struct model_cpu *cpu, const struct model_exit *exit)
{
	struct pretence *p = cpu->pretence;
	struct vcpu *vcpu = cpu->pretending;

	p->reg[VCPU_RIP] = cpu->rip;
	p->reg[VCPU_RSP] = cpu->rsp;
	p->reg[VCPU_RFLAGS] = cpu->st.rflags;
	p->reg[VCPU_CR0] = cpu->st.cr0;
	p->reg[VCPU_CR2] = cpu->st.cr2;
	p->reg[VCPU_CR3] = cpu->st.cr3;
	p->reg[VCPU_CR4] = cpu->st.cr4;
	p->reg[VCPU_FS_BASE] = cpu->st.msr[MODEL_MSR_FS_BASE];
	p->reg[VCPU_CPL] = DPL(cpu->st.seg[MODEL_SS].rights);
	p->qualification = exit->qualification;
	p->event = 0;
	vcpu->regs = cpu->regs;
	vcpu->exit = (struct vcpu_exit){.reason = exit->reason,
					.rip = cpu->rip,
					.length = exit->length,
					.rflags = cpu->st.rflags,
					.blocked = cpu->interruptibility};
	cpu->st.rflags = RFLAGS_FIXED;
	cpu->st.msr[MODEL_MSR_FS_BASE] = (uint64_t)&vcpu->local;
	cpu->guest = false;
}

void model_pretend(struct vcpu *vcpu, struct pretence *guest)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	cpu->pretending = vcpu;
	cpu->pretence = guest;
	pretence_put(cpu);
	model_switch_back(MODEL_GUEST);
}
