/* SPDX-License-Identifier: MIT */
/*
 * Giving the CPU back: the reverse of a launch, from root mode. The guest's state is
 * read, the CPU runs no guests any more, and on the launch tables (which hold the VMM and the
 * kernel's half) everything the guest sees is loaded; the driver's landing does the rest.
 */
#include <string.h>

#include <plinth/memory.h>

#include "internal.h"

#define DESCRIPTOR_BUSY (1ull << 41) /* in a TSS descriptor's first half */
#define TSS_RSP0	4	     /* offset (SDM, "64-Bit TSS Format") */
#define MSR_STAR	0xc0000081u
#define U_CET_SHSTK	1ull
#define S_CET_ENDBR	4ull	     /* indirect branches must lead to ENDBR64 */
#define KERNEL_HALF	(1ull << 63) /* set in each of its addresses */

static bool is_user(const struct vcpu_system *g)
{
	return g->segment[SEG_CS].selector & 3;
}

static void control_registers_load(const struct vcpu_system *g)
{
	/* CR3 first, with PCID 0: CR4.PCIDE can only be set then (SDM, "CR4.PCIDE"). */
	cpu_write_cr3(mem_launch_tables());
	cpu_write_cr0(g->cr0);
	/*
	 * VMM code has no landing pads for indirect branches. The driver does without them while it stops a
	 * CPU, and has them back afterwards; a CPU that is given back by a VMM that died goes on without.
	 */
	if (g->cr4 & CR4_CET)
		cpu_wrmsr(MSR_IA32_S_CET, cpu_rdmsr(MSR_IA32_S_CET) & ~S_CET_ENDBR);
	cpu_write_cr4(g->cr4);
	cpu_flush_tlb();
}

/*
 * A user's shadow stack pointer goes into this MSR on the way into the kernel, and IRET takes it from there:
 * the VM exit was no such way, but the landing ends with an IRET (SDM, "Shadow Stack Switching").
 */
static void shadow_stack_load(const struct vcpu_system *g)
{
	if (is_user(g) && g->cr4 & CR4_CET && g->ssp && cpu_rdmsr(MSR_IA32_U_CET) & U_CET_SHSTK)
		cpu_wrmsr(MSR_IA32_PL3_SSP, g->ssp);
}

/* The landing runs at CPL 0, with the segments SYSCALL would load (SDM, "SYSCALL"). */
static void code_load(const struct vcpu_system *g)
{
	uint16_t cs = g->segment[SEG_CS].selector, ss = g->segment[SEG_SS].selector;

	if (is_user(g)) {
		cs = (uint16_t)(cpu_rdmsr(MSR_STAR) >> 32) & ~(uint16_t)3;
		ss = cs + 8;
	}
	cpu_load_code(cs, ss);
}

/*
 * The launch tables hold the kernel's half as it was at the last start, which is no place to look for an LDT:
 * with page-table isolation it is a part of the process that runs. What it said the CPU has kept, and so has
 * the vCPU.
 */
static void data_load(struct tables *tables, enum cpu_data_segment which, const struct vcpu_segment_state *s)
{
	if (s->selector & SELECTOR_TI)
		tables_show_ldt(tables, s->selector, segment_descriptor(s));
	cpu_load_data(which, s->selector);
}

/*
 * Every step leaves a state in which an NMI can be taken: our GDT gets a copy of the
 * guest's, so the selectors of both worlds are valid while segments, TR and IDT
 * change over. LTR wants a descriptor that is not busy and sets the busy bit: it
 * works on the copy, the guest's own GDT may be read-only. Between LTR and LIDT our gates
 * find the guest's task state, and take none of its stacks.
 */
static void tables_load(struct tables *tables, const struct vcpu_system *g)
{
	size_t bytes = (size_t)g->gdt.limit + 1;
	const uint16_t tr = g->segment[SEG_TR].selector;

	if (bytes > TABLES_GUEST_BYTES)
		bytes = TABLES_GUEST_BYTES;
	memcpy(tables->gdt, (const void *)g->gdt.base, bytes);
	tables->gdt[tr / 8] &= ~DESCRIPTOR_BUSY;
	code_load(g);
	data_load(tables, CPU_ES, &g->segment[SEG_ES]);
	data_load(tables, CPU_DS, &g->segment[SEG_DS]);
	data_load(tables, CPU_GS, &g->segment[SEG_GS]);
	cpu_wrmsr(MSR_IA32_GS_BASE, g->segment[SEG_GS].base);
	tables_gates_stay(tables);
	cpu_load_tr(tr);
	cpu_load_idt(&g->idt);
	/* From here NMIs are the kernel's, and FS need not lead to cpu_local() any more. */
	data_load(tables, CPU_FS, &g->segment[SEG_FS]);
	cpu_wrmsr(MSR_IA32_FS_BASE, g->segment[SEG_FS].base);
	cpu_load_ldt(g->segment[SEG_LDTR].selector);
	cpu_load_gdt(&g->gdt);
}

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
	const bool user = is_user(g);

	memcpy(back, regs, sizeof(*regs));
	back->rsp = (uint64_t)(user ? frame_user(regs, g) : frame_kernel(regs, g));
	back->land = user ? vcpu_common.land_user : vcpu_common.land;
}

_Static_assert(sizeof(struct vcpu_regs) == offsetof(struct cpu_handback, rsp), "same registers, same order");

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
	control_registers_load(g);
	mem_cpu_leave(vcpu->cpu->local.cpu);
	vendor_give_msrs(vcpu);
	cpu_write_dr7(g->dr7);
	shadow_stack_load(g);
	tables_load(p->tables, g);
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
