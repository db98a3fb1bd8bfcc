/* SPDX-License-Identifier: MIT */
/*
 * Giving the CPU back: the reverse of a launch, from root mode. The guest's state is
 * read from the VMCS, VMX is left, and on the launch tables (which hold the VMM and the
 * kernel's half) everything the guest sees is loaded; the driver's landing does the rest.
 */
#include <string.h>

#include <plinth/memory.h>

#include "internal.h"

#define DESCRIPTOR_BUSY (1ull << 41) /* in a TSS descriptor's first half */
#define TSS_RSP0	4	     /* offset (SDM, "64-Bit TSS Format") */
#define MSR_STAR	0xc0000081u
#define U_CET_SHSTK	1ull
#define KERNEL_HALF	(1ull << 63) /* set in each of its addresses */

/* All that the VMCS knows of the guest and that VMXOFF does not restore. */
struct guest_state {
	uint64_t cr0, cr3, cr4;
	uint64_t rip, rsp, ssp, rflags, dr7, debugctl;
	uint64_t efer, pat;
	uint64_t switched[SWITCHED_MSRS];
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t tr_base;
	struct cpu_selectors selectors;
	struct segment_state data[SEG_GS + 1]; /* by enum segment: DS, ES, FS and GS */
	struct cpu_table gdt, idt;
};

static bool is_user(const struct cpu_selectors *s)
{
	return s->cs & 3;
}

static void selectors_read(struct cpu_selectors *s)
{
	s->es = (uint16_t)vmcs_read(VMCS_GUEST_ES_SELECTOR);
	s->cs = (uint16_t)vmcs_read(VMCS_GUEST_CS_SELECTOR);
	s->ss = (uint16_t)vmcs_read(VMCS_GUEST_SS_SELECTOR);
	s->ds = (uint16_t)vmcs_read(VMCS_GUEST_DS_SELECTOR);
	s->fs = (uint16_t)vmcs_read(VMCS_GUEST_FS_SELECTOR);
	s->gs = (uint16_t)vmcs_read(VMCS_GUEST_GS_SELECTOR);
	s->ldtr = (uint16_t)vmcs_read(VMCS_GUEST_LDTR_SELECTOR);
	s->tr = (uint16_t)vmcs_read(VMCS_GUEST_TR_SELECTOR);
}

/* The VMCS numbers the segments as enum segment does, two encodings apart. */
static void segment_read(struct segment_state *s, enum segment which)
{
	s->selector = (uint16_t)vmcs_read(VMCS_GUEST_ES_SELECTOR + 2 * which);
	s->base = vmcs_read(VMCS_GUEST_ES_BASE + 2 * which);
	s->limit = (uint32_t)vmcs_read(VMCS_GUEST_ES_LIMIT + 2 * which);
	s->rights = (uint32_t)vmcs_read(VMCS_GUEST_ES_RIGHTS + 2 * which);
}

static void state_read(struct vcpu *vcpu, struct guest_state *g)
{
	g->cr0 = vcpu_read(vcpu, VCPU_CR0);
	g->cr3 = vmcs_read(VMCS_GUEST_CR3);
	g->cr4 = vcpu_read(vcpu, VCPU_CR4);
	g->rip = vmcs_read(VMCS_GUEST_RIP);
	g->rsp = vmcs_read(VMCS_GUEST_RSP);
	/* Not there, and so 0, where the CPU has no shadow stacks. */
	g->ssp = vmcs_read(VMCS_GUEST_SSP);
	g->rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	g->dr7 = vmcs_read(VMCS_GUEST_DR7);
	g->debugctl = vmcs_read(VMCS_GUEST_DEBUGCTL);
	g->efer = vmcs_read(VMCS_GUEST_EFER);
	g->pat = vmcs_read(VMCS_GUEST_PAT);
	for (size_t i = 0; i < SWITCHED_MSRS; i++)
		if (is_switched(&vcpu->priv->controls, &switched_msrs[i]))
			g->switched[i] = vmcs_read(switched_msrs[i].field);
	g->sysenter_cs = vmcs_read(VMCS_GUEST_SYSENTER_CS);
	g->sysenter_esp = vmcs_read(VMCS_GUEST_SYSENTER_ESP);
	g->sysenter_eip = vmcs_read(VMCS_GUEST_SYSENTER_EIP);
	g->tr_base = vmcs_read(VMCS_GUEST_TR_BASE);
	selectors_read(&g->selectors);
	segment_read(&g->data[SEG_ES], SEG_ES);
	segment_read(&g->data[SEG_DS], SEG_DS);
	segment_read(&g->data[SEG_FS], SEG_FS);
	segment_read(&g->data[SEG_GS], SEG_GS);
	g->gdt.base = vmcs_read(VMCS_GUEST_GDTR_BASE);
	g->gdt.limit = (uint16_t)vmcs_read(VMCS_GUEST_GDTR_LIMIT);
	g->idt.base = vmcs_read(VMCS_GUEST_IDTR_BASE);
	g->idt.limit = (uint16_t)vmcs_read(VMCS_GUEST_IDTR_LIMIT);
}

/* CR4.VMXE is the VMM's; VMX is off when this runs. */
static void control_registers_load(const struct guest_state *g)
{
	/* CR3 first, with PCID 0: CR4.PCIDE can only be set then (SDM, "CR4.PCIDE"). */
	cpu_write_cr3(mem_launch_tables());
	cpu_write_cr0(g->cr0);
	/*
	 * VMM code has no landing pads for indirect branches. The driver does without them while it stops a CPU, and
	 * has them back afterwards; a CPU that is given back by a VMM that died goes on without.
	 */
	if (g->cr4 & CR4_CET)
		cpu_wrmsr(MSR_IA32_S_CET, cpu_rdmsr(MSR_IA32_S_CET) & ~S_CET_ENDBR);
	cpu_write_cr4(g->cr4 & ~CR4_VMXE);
	cpu_flush_tlb();
}

static void msrs_load(const struct vcpu *vcpu, const struct guest_state *g)
{
	if (vcpu->priv->controls.exit & EXIT_SAVE_EFER)
		cpu_wrmsr(MSR_IA32_EFER, g->efer);
	if (vcpu->priv->controls.exit & EXIT_SAVE_PAT)
		cpu_wrmsr(MSR_IA32_PAT, g->pat);
	cpu_wrmsr(MSR_IA32_SYSENTER_CS, g->sysenter_cs);
	cpu_wrmsr(MSR_IA32_SYSENTER_ESP, g->sysenter_esp);
	cpu_wrmsr(MSR_IA32_SYSENTER_EIP, g->sysenter_eip);
	cpu_wrmsr(MSR_IA32_DEBUGCTL, g->debugctl);
	counters_give_back(vcpu->priv);
	for (size_t i = 0; i < SWITCHED_MSRS; i++)
		if (is_switched(&vcpu->priv->controls, &switched_msrs[i]))
			cpu_wrmsr(switched_msrs[i].msr, g->switched[i]);
	cpu_write_dr7(g->dr7);
}

/*
 * A user's shadow stack pointer goes into this MSR on the way into the kernel, and IRET takes it from there: the VM exit
 * was no such way, but the landing ends with an IRET (SDM, "Shadow Stack Switching").
 */
static void shadow_stack_load(const struct guest_state *g)
{
	if (is_user(&g->selectors) && g->cr4 & CR4_CET && g->ssp && cpu_rdmsr(MSR_IA32_U_CET) & U_CET_SHSTK)
		cpu_wrmsr(MSR_IA32_PL3_SSP, g->ssp);
}

/* The landing runs at CPL 0, with the segments SYSCALL would load (SDM, "SYSCALL"). */
static void selectors_for_landing(struct cpu_selectors *s)
{
	if (!is_user(s))
		return;
	s->cs = (uint16_t)(cpu_rdmsr(MSR_STAR) >> 32) & ~(uint16_t)3;
	s->ss = s->cs + 8;
}

/*
 * The launch tables hold the kernel's half as it was at the last start, which is no place to look for an LDT: with
 * page-table isolation it is a part of the process that runs. What it said the CPU has kept, and so has the VMCS.
 */
static void data_load(struct host_tables *host, enum cpu_data_segment which, const struct segment_state *s)
{
	if (s->selector & SELECTOR_TI)
		host_show_ldt(host, s->selector, segment_descriptor(s));
	cpu_load_data(which, s->selector);
}

/*
 * Every step leaves a state in which an NMI can be taken: our GDT gets a copy of the
 * guest's, so the selectors of both worlds are valid while segments, TR and IDT
 * change over. LTR wants a descriptor that is not busy and sets the busy bit: it
 * works on the copy, the guest's own GDT may be read-only. Between LTR and LIDT our gates
 * find the guest's task state, and take none of its stacks.
 */
static void tables_load(struct host_tables *host, const struct guest_state *g)
{
	size_t bytes = (size_t)g->gdt.limit + 1;
	struct cpu_selectors selectors = g->selectors;

	selectors_for_landing(&selectors);
	if (bytes > HOST_GDT_GUEST_BYTES)
		bytes = HOST_GDT_GUEST_BYTES;
	memcpy(host->gdt, (const void *)g->gdt.base, bytes);
	host->gdt[selectors.tr / 8] &= ~DESCRIPTOR_BUSY;
	cpu_load_code(selectors.cs, selectors.ss);
	data_load(host, CPU_ES, &g->data[SEG_ES]);
	data_load(host, CPU_DS, &g->data[SEG_DS]);
	data_load(host, CPU_GS, &g->data[SEG_GS]);
	cpu_wrmsr(MSR_IA32_GS_BASE, g->data[SEG_GS].base);
	host_gates_stay(host);
	cpu_load_tr(selectors.tr);
	cpu_load_idt(&g->idt);
	/* From here NMIs are the kernel's, and FS need not lead to cpu_local() any more. */
	data_load(host, CPU_FS, &g->data[SEG_FS]);
	cpu_wrmsr(MSR_IA32_FS_BASE, g->data[SEG_FS].base);
	cpu_load_ldt(selectors.ldtr);
	cpu_load_gdt(&g->gdt);
}

/* What the landing pops (see boot.h), below the guest's stack pointer. */
static uint64_t *frame_kernel(const struct vcpu_regs *regs, const struct guest_state *g)
{
	uint64_t *frame = (uint64_t *)g->rsp - 3;

	frame[0] = regs->rdi;
	frame[1] = g->rflags;
	frame[2] = g->rip;
	return frame;
}

/* In user mode: at the top of the stack the CPU would take for an interrupt; nothing lies on it. */
static uint64_t *frame_user(const struct vcpu_regs *regs, const struct guest_state *g)
{
	uint64_t top, *frame;

	memcpy(&top, (const char *)g->tr_base + TSS_RSP0, sizeof(top));
	frame = (uint64_t *)top - 6;
	frame[0] = regs->rdi;
	frame[1] = g->rip;
	frame[2] = g->selectors.cs;
	frame[3] = g->rflags;
	frame[4] = g->rsp;
	frame[5] = g->selectors.ss;
	return frame;
}

static void frame_push(struct cpu_handback *back, const struct vcpu_regs *regs, const struct guest_state *g)
{
	const bool user = is_user(&g->selectors);

	memcpy(back, regs, sizeof(*regs));
	back->rsp = (uint64_t)(user ? frame_user(regs, g) : frame_kernel(regs, g));
	back->land = user ? vcpu_common.land_user : vcpu_common.land;
}

_Static_assert(sizeof(struct vcpu_regs) == offsetof(struct cpu_handback, rsp), "same registers, same order");

static void vmx_leave(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;

	event_withdraw(vcpu);
	/* Nothing can be done about a failure here; what follows does not depend on it. */
	(void)cpu_vmclear(p->vmcs_pa);
	(void)cpu_vmxoff();
}

void vcpu_leave(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;
	struct guest_state g;

	state_read(vcpu, &g);
	if (vcpu->shared->state == PLINTH_CPU_GUEST)
		state_set(vcpu, p->fatal ? PLINTH_CPU_DEAD : PLINTH_CPU_READY);
	vmx_leave(vcpu);
	control_registers_load(&g);
	mem_cpu_leave(vcpu->local.cpu);
	msrs_load(vcpu, &g);
	shadow_stack_load(&g);
	tables_load(p->host, &g);
	frame_push(&p->handback, &vcpu->regs, &g);
	p->handback.nmis = p->nmis_owed;
	p->nmis_owed = 0;
	p->handback.machine_check = p->mc_owed;
	p->mc_owed = false;
	cpu_hand_back(&p->handback, g.cr3);
}

/* -- INIT ------------------------------------------------------------------------------- */

/* Mapped when it is needed: the guest's memory does without it as long as there is no INIT. */
static volatile uint32_t *xapic(void)
{
	uint64_t base = cpu_rdmsr(MSR_IA32_APIC_BASE);
	void *mine, *there = __atomic_load_n(&vcpu_common.xapic, __ATOMIC_ACQUIRE);

	if (base & APIC_BASE_X2APIC)
		return NULL;
	if (there)
		return there;
	mine = mem_map(base & APIC_BASE_ADDRESS, CPU_XAPIC_BYTES / MEM_PAGE, MEM_RW);
	if (!__atomic_compare_exchange_n(&vcpu_common.xapic, &there, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		mem_unmap(mine, CPU_XAPIC_BYTES / MEM_PAGE);
		return there;
	}
	return mine;
}

/*
 * The exit has used the INIT up, so it is sent once more, where VMX does not hold it back. What it leaves alone is the
 * guest's before that: no instruction between VMXOFF and the INIT need be reached.
 */
void vcpu_take_init(struct vcpu *vcpu)
{
	const bool x2apic = cpu_rdmsr(MSR_IA32_APIC_BASE) & APIC_BASE_X2APIC;
	volatile uint32_t *registers = xapic();
	struct guest_state g;

	LOG_WARN("INIT: the CPU leaves the VMM and is reset");
	state_read(vcpu, &g);
	state_set(vcpu, PLINTH_CPU_RESET);
	/* The tables with the kernel's half: its counters run again from here on, and may write records there. */
	cpu_write_cr3(mem_launch_tables());
	msrs_load(vcpu, &g);
	vmx_leave(vcpu);
	mem_cpu_leave(vcpu->local.cpu);
	if (x2apic || registers)
		cpu_init_self(registers);
	state_set(vcpu, PLINTH_CPU_HALTED);
	LOG_ERR("the INIT does not come: CPU %u halts", vcpu->local.cpu);
	for (;;)
		cpu_halt();
}

bool vcpu_can_leave(struct vcpu *vcpu, const char **why)
{
	*why = NULL;
	if (!vcpu->priv->vmx_on)
		*why = "it is not in VMX operation any more";
	else if (caps_kernel_shadow_stack(vcpu_read(vcpu, VCPU_CR4)))
		*why = "the guest's kernel runs on a shadow stack";
	else if (vcpu_read(vcpu, VCPU_CPL) == 3)
		return true;
	else if (vcpu_read(vcpu, VCPU_CPL) || !(vmcs_read(VMCS_GUEST_RIP) & vmcs_read(VMCS_GUEST_RSP) & KERNEL_HALF))
		*why = "the guest is not on its kernel's stack";
	else if (vmcs_read(VMCS_GUEST_CR3) & vcpu_common.user_cr3)
		*why = "the guest's kernel is not on its own page tables";
	return !*why;
}
