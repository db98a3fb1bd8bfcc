/* SPDX-License-Identifier: MIT */
/* The CPU's registers become the guest's, on the way out: all but the general ones and CR3. */
#include <string.h>

#include <plinth/memory.h>

#include "internal.h"

#define DESCRIPTOR_BUSY (1ull << 41) /* in a TSS descriptor's first half */
#define MSR_STAR	0xc0000081u
#define U_CET_SHSTK	1ull
#define S_CET_ENDBR	4ull /* indirect branches must lead to ENDBR64 */

void restore_control_registers(const struct vcpu_system *g)
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
	if (system_is_user(g) && g->cr4 & CR4_CET && g->ssp && cpu_rdmsr(MSR_IA32_U_CET) & U_CET_SHSTK)
		cpu_wrmsr(MSR_IA32_PL3_SSP, g->ssp);
}

/* The landing runs at CPL 0, with the segments SYSCALL would load (SDM, "SYSCALL"). */
static void code_load(const struct vcpu_system *g)
{
	uint16_t cs = g->segment[SEG_CS].selector, ss = g->segment[SEG_SS].selector;

	if (system_is_user(g)) {
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

void restore_registers(struct tables *tables, const struct vcpu_system *g)
{
	cpu_write_dr7(g->dr7);
	shadow_stack_load(g);
	tables_load(tables, g);
}
