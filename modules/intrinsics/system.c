/* SPDX-License-Identifier: MIT */
/* Identification, MSRs, caches, ports. */
#include <plinth/intrinsics.h>

void cpu_cpuid(uint32_t leaf, uint32_t subleaf, struct cpu_leaf *out)
{
	__asm__ volatile("cpuid"
			 : "=a"(out->eax), "=b"(out->ebx), "=c"(out->ecx), "=d"(out->edx)
			 : "a"(leaf), "c"(subleaf));
}

uint64_t cpu_rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

uint64_t cpu_rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

void cpu_wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

void cpu_wbinvd(void)
{
	__asm__ volatile("wbinvd" ::: "memory");
}

void cpu_invlpg(uint64_t va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

void cpu_halt(void)
{
	__asm__ volatile("hlt" ::: "memory");
}

void cpu_pause(void)
{
	__asm__ volatile("pause");
}

/* Registers of the local APIC: places in 32-bit words, and MSRs where it is in x2APIC mode. */
#define XAPIC_ID	(0x20 / 4)
#define XAPIC_ICR_LOW	(0x300 / 4)
#define XAPIC_ICR_HIGH	(0x310 / 4)
#define MSR_X2APIC_ID	0x802u
#define MSR_X2APIC_ICR	0x830u
#define ICR_INIT_ASSERT 0x4500u /* physical destination, edge */
#define ID_MASK		0xff000000u
#define PATIENCE	1000000u

/* The destination is this CPU's own number: the shorthand "self" knows no INIT. */
void cpu_init_self(volatile uint32_t *xapic)
{
	if (xapic) {
		xapic[XAPIC_ICR_HIGH] = xapic[XAPIC_ID] & ID_MASK;
		xapic[XAPIC_ICR_LOW] = ICR_INIT_ASSERT;
	} else {
		cpu_wrmsr(MSR_X2APIC_ICR, cpu_rdmsr(MSR_X2APIC_ID) << 32 | ICR_INIT_ASSERT);
	}
	/* It arrives some instructions later. */
	for (uint32_t i = 0; i < PATIENCE; i++)
		cpu_pause();
}

uint8_t cpu_in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void cpu_out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}
