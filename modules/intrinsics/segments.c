/* SPDX-License-Identifier: MIT */
/* Segment registers, descriptor tables, and the CPU's local block behind FS. */
#include <plinth/intrinsics.h>

#define MSR_FS_BASE 0xc0000100u

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

static void load_cs(uint16_t selector)
{
	uint64_t scratch;

	__asm__ volatile("pushq %1\n\t"
			 "leaq 1f(%%rip), %0\n\t"
			 "pushq %0\n\t"
			 "lretq\n"
			 "1:"
			 : "=&r"(scratch)
			 : "r"((uint64_t)selector)
			 : "memory");
}

void cpu_load_selectors(const struct cpu_selectors *selectors)
{
	__asm__ volatile("lldt %0" ::"r"(selectors->ldtr));
	load_cs(selectors->cs);
	__asm__ volatile("mov %0, %%ss" ::"r"((uint32_t)selectors->ss));
	__asm__ volatile("mov %0, %%ds" ::"r"((uint32_t)selectors->ds));
	__asm__ volatile("mov %0, %%es" ::"r"((uint32_t)selectors->es));
	__asm__ volatile("mov %0, %%gs" ::"r"((uint32_t)selectors->gs));
}

void cpu_load_fs(uint16_t selector)
{
	__asm__ volatile("mov %0, %%fs" ::"r"((uint32_t)selector));
}

void cpu_load_tr(uint16_t selector)
{
	__asm__ volatile("ltr %0" ::"r"(selector) : "memory");
}

uint64_t cpu_set_local(struct cpu_local *local)
{
	uint64_t before = cpu_rdmsr(MSR_FS_BASE);

	local->self = local;
	cpu_wrmsr(MSR_FS_BASE, (uint64_t)local);
	return before;
}

void cpu_restore_local(uint64_t fs_base)
{
	cpu_wrmsr(MSR_FS_BASE, fs_base);
}

struct cpu_local *cpu_local(void)
{
	struct cpu_local *local;

	__asm__ volatile("mov %%fs:0, %0" : "=r"(local));
	return local;
}
