/* SPDX-License-Identifier: MIT */
/*
 * A guest that no hardware runs: for vendors' modules that only pretend, so that what is around them can be
 * tried.
 */
#include <string.h>

#include "internal.h"

#include "../intrinsics/calls.h"

#define DPL(rights) ((rights) >> 5 & 3)

/* What root mode finds, as after an exit of the hardware's. */
static void arrive(struct model_cpu *cpu, const struct vendor_root *root)
{
	struct model_segment *seg = cpu->st.seg;

	cpu->guests = cpu->st;
	cpu->arrived = true;
	for (unsigned int i = 0; i < MODEL_SEGS; i++)
		model_flat(&seg[i], 0, 0, 0);
	model_flat(&seg[MODEL_CS], root->cs, 0, 0xa09b);
	model_flat(&seg[MODEL_SS], root->ss, 0, 0xc093);
	model_flat(&seg[MODEL_TR], root->tr, root->tss, 0x8b);
	seg[MODEL_TR].limit = 0x67;
	cpu->st.gdt = (struct model_table){root->gdt, 0xffff};
	cpu->st.idt = (struct model_table){root->idt, 0xffff};
	cpu->st.cr3 = root->cr3;
	cpu->st.msr[MODEL_MSR_FS_BASE] = root->fs_base;
	cpu->st.msr[MODEL_MSR_GS_BASE] = 0;
}

static void go_back(struct model_cpu *cpu)
{
	if (!cpu->arrived)
		return;
	cpu->arrived = false;
	memcpy(cpu->st.seg, cpu->guests.seg, sizeof(cpu->st.seg));
	cpu->st.gdt = cpu->guests.gdt;
	cpu->st.idt = cpu->guests.idt;
	cpu->st.msr[MODEL_MSR_GS_BASE] = cpu->guests.msr[MODEL_MSR_GS_BASE];
}

static void pretence_resume(struct model_cpu *cpu)
{
	const struct pretence *p = cpu->pretence;

	go_back(cpu);
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

static struct vcpu *pretence_leave(struct model_cpu *cpu, const struct model_exit *exit)
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
	p->detail = exit->detail;
	p->event = 0;
	vcpu->regs = cpu->regs;
	vcpu->exit = (struct vcpu_exit){.reason = exit->kind,
					.rip = cpu->rip,
					.length = exit->length,
					.rflags = cpu->st.rflags,
					.blocked = cpu->interruptibility};
	arrive(cpu, &p->root);
	cpu->st.rflags = RFLAGS_FIXED;
	cpu->guest = false;
	return vcpu;
}

static int pretence_enter(struct model_cpu *cpu, struct vcpu *vcpu, bool *exits)
{
	(void)vcpu;
	(void)exits;
	pretence_resume(cpu);
	return 0;
}

static const struct model_guest_ops pretence_ops = {.leave = pretence_leave, .enter = pretence_enter};

void model_pretend(struct vcpu *vcpu, struct pretence *guest)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	cpu->pretending = vcpu;
	cpu->pretence = guest;
	cpu->arrived = false;
	cpu->guest_ops = &pretence_ops;
	pretence_resume(cpu);
	model_switch_back(MODEL_GUEST);
}
