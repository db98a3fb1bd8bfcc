/* SPDX-License-Identifier: MIT */
/* Segment registers, descriptor tables, and the CPU's local block behind FS. */
#include <plinth/intrinsics.h>
#include <plinth/x86.h>

void cpu_store_gdt(struct cpu_table *out)
{
	__asm__ volatile("sgdt %0" : "=m"(*out));
}

void cpu_store_idt(struct cpu_table *out)
{
	__asm__ volatile("sidt %0" : "=m"(*out));
}

void cpu_load_gdt(const struct cpu_table *table)
{
	__asm__ volatile("lgdt %0" ::"m"(*table) : "memory");
}

void cpu_load_idt(const struct cpu_table *table)
{
	__asm__ volatile("lidt %0" ::"m"(*table) : "memory");
}

void cpu_store_selectors(struct cpu_selectors *out)
{
	__asm__ volatile("mov %%es, %0" : "=r"(out->es));
	__asm__ volatile("mov %%cs, %0" : "=r"(out->cs));
	__asm__ volatile("mov %%ss, %0" : "=r"(out->ss));
	__asm__ volatile("mov %%ds, %0" : "=r"(out->ds));
	__asm__ volatile("mov %%fs, %0" : "=r"(out->fs));
	__asm__ volatile("mov %%gs, %0" : "=r"(out->gs));
	__asm__ volatile("sldt %0" : "=r"(out->ldtr));
	__asm__ volatile("str %0" : "=r"(out->tr));
}

void cpu_load_code(uint16_t cs, uint16_t ss)
{
	uint64_t scratch;

	__asm__ volatile("pushq %1\n\t"
			 "leaq 1f(%%rip), %0\n\t"
			 "pushq %0\n\t"
			 "lretq\n"
			 "1:"
			 : "=&r"(scratch)
			 : "r"((uint64_t)cs)
			 : "memory");
	__asm__ volatile("mov %0, %%ss" ::"r"((uint32_t)ss));
}

void cpu_load_data(enum cpu_data_segment which, uint16_t selector)
{
	uint32_t value = selector;

	switch (which) {
	case CPU_ES: __asm__ volatile("mov %0, %%es" ::"r"(value)); return;
	case CPU_DS: __asm__ volatile("mov %0, %%ds" ::"r"(value)); return;
	case CPU_FS: __asm__ volatile("mov %0, %%fs" ::"r"(value)); return;
	case CPU_GS: __asm__ volatile("mov %0, %%gs" ::"r"(value)); return;
	}
}

void cpu_load_ldt(uint16_t selector)
{
	__asm__ volatile("lldt %0" ::"r"(selector) : "memory");
}

void cpu_load_tr(uint16_t selector)
{
	__asm__ volatile("ltr %0" ::"r"(selector) : "memory");
}

uint64_t cpu_set_local(struct cpu_local *local)
{
	uint64_t before = cpu_rdmsr(MSR_IA32_FS_BASE);

	local->self = local;
	cpu_wrmsr(MSR_IA32_FS_BASE, (uint64_t)local);
	return before;
}

void cpu_restore_local(uint64_t fs_base)
{
	cpu_wrmsr(MSR_IA32_FS_BASE, fs_base);
}

struct cpu_local *cpu_local(void)
{
	struct cpu_local *local;

	__asm__ volatile("mov %%fs:0, %0" : "=r"(local));
	return local;
}
