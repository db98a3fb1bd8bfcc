/* SPDX-License-Identifier: MIT */
/* Root mode's own GDT, TSS and IDT. */
#include <string.h>

#include <plinth/memory.h>

#include "gate.h"
#include "internal.h"

/* Descriptors (SDM, "Segment Descriptors"): present, DPL 0, accessed. */
#define GDT_CODE_64 0x00209b0000000000ull
#define GDT_DATA    0x0000930000000000ull

/* Of system segments: access rights. */
#define RIGHTS_TSS_64 0x89u
#define RIGHTS_LDT    0x82u
#define LDT_LIMIT     0xffffu /* whatever index a selector has */

static void system_descriptor(uint64_t *slot, uint32_t rights, uint64_t base, uint32_t limit)
{
	const struct vcpu_segment_state segment = {.base = base, .limit = limit, .rights = rights};

	slot[0] = segment_descriptor(&segment);
	slot[1] = base >> 32;
}

static uint64_t ist_of(unsigned int vector)
{
	return 1 + (vector == VECTOR_NMI ? STACK_NMI : vector == VECTOR_MC ? STACK_MC : STACK_FAULT);
}

void tables_init(struct tables *tables, void *const *stack)
{
	memset(tables, 0, sizeof(*tables));
	tables->gdt[TABLES_CS / 8] = GDT_CODE_64;
	tables->gdt[TABLES_DS / 8] = GDT_DATA;
	tables->tss.io_base = sizeof(tables->tss);
	for (unsigned int i = 0; i < CPU_STACKS; i++)
		tables->tss.ist[i] = (uint64_t)stack[i];
	system_descriptor(&tables->gdt[TABLES_TR / 8], RIGHTS_TSS_64, (uint64_t)&tables->tss,
			  sizeof(tables->tss) - 1);
	for (unsigned int vector = 0; vector < CPU_FAULT_VECTORS; vector++)
		tables->idt[vector] = gate_to(cpu_fault_stub(vector), TABLES_CS, ist_of(vector));
}

void tables_show_ldt(struct tables *tables, uint16_t selector, uint64_t descriptor)
{
	uint64_t base = (uint64_t)&tables->ldt_entry - (selector & ~7u);

	tables->ldt_entry = descriptor;
	system_descriptor(&tables->gdt[TABLES_LDT / 8], RIGHTS_LDT, base, LDT_LIMIT);
	cpu_load_ldt(TABLES_LDT);
}

void tables_gates_stay(struct tables *tables)
{
	for (unsigned int vector = 0; vector < CPU_FAULT_VECTORS; vector++)
		__atomic_store_n(&tables->idt[vector].low, tables->idt[vector].low & ~GATE_IST,
				 __ATOMIC_RELAXED);
}

struct vendor_root tables_root(struct tables *tables, struct cpu_local *local)
{
	return (struct vendor_root){
		.cr3 = mem_root_tables(),
		.fs_base = (uint64_t)local,
		.tss = (uint64_t)&tables->tss,
		.gdt = (uint64_t)tables->gdt,
		.idt = (uint64_t)tables->idt,
		.cs = TABLES_CS,
		.ss = TABLES_DS,
		.tr = TABLES_TR,
	};
}
