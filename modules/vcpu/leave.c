/* SPDX-License-Identifier: MIT */
/*
 * Giving the CPU back: the reverse of a launch, from root mode. The guest's state is
 * read, the CPU runs no guests any more, and on the launch tables (which hold the VMM and the
 * kernel's half) everything the guest sees is loaded (restore.c); the driver's landing does the rest.
 */
#include <string.h>

#include <plinth/memory.h>

#include "internal.h"

#define TSS_RSP0    4		 /* offset (SDM, "64-Bit TSS Format") */
#define KERNEL_HALF (1ull << 63) /* set in each of its addresses */

/* What the landing pops (see boot.h), below the guest's stack pointer. */
static uint64_t *frame_kernel(const struct vcpu_regs *regs, const struct vcpu_system *g)
{
	uint64_t *frame = (uint64_t *)g->rsp - 3;

	frame[0] = regs->rdi;
	frame[1] = g->rflags;
	frame[2] = g->rip;
	return frame;
}

/* In user mode: at the top of the stack the CPU would take for an interrupt; nothing lies on it. */
static uint64_t *frame_user(const struct vcpu_regs *regs, const struct vcpu_system *g)
{
	uint64_t top, *frame;

	memcpy(&top, (const char *)g->segment[SEG_TR].base + TSS_RSP0, sizeof(top));
	frame = (uint64_t *)top - 6;
	frame[0] = regs->rdi;
	frame[1] = g->rip;
	frame[2] = g->segment[SEG_CS].selector;
	frame[3] = g->rflags;
	frame[4] = g->rsp;
	frame[5] = g->segment[SEG_SS].selector;
	return frame;
}

static void frame_push(struct cpu_handback *back, const struct vcpu_regs *regs, const struct vcpu_system *g)
{
	const bool user = system_is_user(g);

	back->regs = *regs;
	back->rsp = (uint64_t)(user ? frame_user(regs, g) : frame_kernel(regs, g));
	back->land = user ? vcpu_common.land_user : vcpu_common.land;
}

void vcpu_withdraw(struct vcpu *host)
{
	event_withdraw(host);
	switch_unload_all(host->cpu);
	vendor_unload(host);
	vendor_root_off(host->cpu);
}

void vcpu_leave(struct vcpu *vcpu)
{
	struct cpu_private *p = vcpu->cpu->priv;
	struct vcpu_system system, *g = &system;

	vendor_system(vcpu, &system);
	if (vcpu->shared->state == PLINTH_CPU_GUEST)
		state_set(vcpu, p->fatal ? PLINTH_CPU_DEAD : PLINTH_CPU_READY);
	vcpu_withdraw(vcpu);
	restore_control_registers(g);
	mem_cpu_leave(vcpu->cpu->local.cpu);
	vendor_give_msrs(vcpu);
	restore_registers(p->tables, g);
	frame_push(&p->handback, &vcpu->regs, g);
	p->handback.nmis = p->nmis_owed;
	p->nmis_owed = 0;
	p->handback.machine_check = p->mc_owed;
	p->mc_owed = false;
	cpu_hand_back(&p->handback, g->cr3);
}

bool vcpu_can_leave(struct vcpu *vcpu, const char **why)
{
	*why = NULL;
	if (!vcpu->cpu->priv->loaded)
		*why = "it runs no guest any more";
	else if (kernel_shadow_stack(vcpu_read(vcpu, VCPU_CR4)))
		*why = "the guest's kernel runs on a shadow stack";
	else if (vcpu_read(vcpu, VCPU_CPL) == 3)
		return true;
	else if (vcpu_read(vcpu, VCPU_CPL) ||
		 !(vcpu_read(vcpu, VCPU_RIP) & vcpu_read(vcpu, VCPU_RSP) & KERNEL_HALF))
		*why = "the guest is not on its kernel's stack";
	else if (vcpu_read(vcpu, VCPU_CR3) & vcpu_common.user_cr3)
		*why = "the guest's kernel is not on its own page tables";
	return !*why;
}
