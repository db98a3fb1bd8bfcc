/* SPDX-License-Identifier: MIT */
/* Control and debug registers. */
#include <plinth/intrinsics.h>
#include <plinth/x86.h>

uint64_t cpu_read_cr0(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

uint64_t cpu_read_cr2(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

uint64_t cpu_read_cr3(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value)::"memory");
	return value;
}

uint64_t cpu_read_cr4(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

uint64_t cpu_read_dr7(void)
{
	uint64_t value;

	__asm__ volatile("mov %%dr7, %0" : "=r"(value));
	return value;
}

void cpu_write_cr0(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr0" ::"r"(value) : "memory");
}

void cpu_write_cr2(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr2" ::"r"(value) : "memory");
}

void cpu_write_cr3(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(value) : "memory");
}

void cpu_write_cr4(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(value) : "memory");
}

void cpu_write_dr7(uint64_t value)
{
	__asm__ volatile("mov %0, %%dr7" ::"r"(value) : "memory");
}

void cpu_flush_tlb(void)
{
	uint64_t cr4 = cpu_read_cr4();

	/* SDM, "Operations that Invalidate TLBs": a change of PGE drops everything. */
	cpu_write_cr4(cr4 ^ CR4_PGE);
	cpu_write_cr4(cr4);
}
