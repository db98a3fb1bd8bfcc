/* SPDX-License-Identifier: MIT */
/* What this CPU's local APIC sends (SDM, "Interrupt Command Register (ICR)"). */
#include <plinth/intrinsics.h>

/* Its registers: places in 32-bit words, and MSRs where it is in x2APIC mode. */
#define XAPIC_ID	(0x20 / 4)
#define XAPIC_ICR_LOW	(0x300 / 4)
#define XAPIC_ICR_HIGH	(0x310 / 4)
#define MSR_X2APIC_ID	0x802u
#define MSR_X2APIC_ICR	0x830u
#define ICR_INIT_ASSERT 0x4500u /* physical destination, edge */
#define ICR_NMI_ASSERT	0x4400u
#define ICR_PENDING	0x1000u
#define ID_SHIFT	24u
#define ID_MASK		0xff000000u
#define INIT_PATIENCE	1000000u
#define SEND_PATIENCE	10000u

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
	for (uint32_t i = 0; i < INIT_PATIENCE; i++)
		cpu_pause();
}

/* What was sent before is on its way only until the other side has taken it. */
static void wait_until_sent(volatile uint32_t *xapic)
{
	for (uint32_t i = 0; i < SEND_PATIENCE && xapic[XAPIC_ICR_LOW] & ICR_PENDING; i++)
		cpu_pause();
}

/*
 * A guest that was about to send something has written the upper half, and writes the lower one when it goes
 * on. In x2APIC mode both are one MSR, whose write waits for nothing that was stored before (SDM, "x2APIC
 * Register Address Space").
 */
void cpu_send_nmi(volatile uint32_t *xapic, uint32_t apic_id)
{
	uint32_t guests;

	if (!xapic) {
		__asm__ volatile("mfence; lfence" ::: "memory");
		cpu_wrmsr(MSR_X2APIC_ICR, (uint64_t)apic_id << 32 | ICR_NMI_ASSERT);
		return;
	}
	wait_until_sent(xapic);
	guests = xapic[XAPIC_ICR_HIGH];
	xapic[XAPIC_ICR_HIGH] = apic_id << ID_SHIFT;
	xapic[XAPIC_ICR_LOW] = ICR_NMI_ASSERT;
	wait_until_sent(xapic);
	xapic[XAPIC_ICR_HIGH] = guests;
}
