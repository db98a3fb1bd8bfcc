/* SPDX-License-Identifier: MIT */
/* All that the VMCS knows of the guest and that VMXOFF does not restore. */
#include "internal.h"

/* The VMCS numbers the segments as enum vcpu_segment does, two encodings apart. */
static void segment_read(struct vcpu_segment_state *s, unsigned int which)
{
	s->selector = (uint16_t)vmcs_read(VMCS_GUEST_ES_SELECTOR + 2 * which);
	s->base = vmcs_read(VMCS_GUEST_ES_BASE + 2 * which);
	s->limit = (uint32_t)vmcs_read(VMCS_GUEST_ES_LIMIT + 2 * which);
	s->rights = (uint32_t)vmcs_read(VMCS_GUEST_ES_RIGHTS + 2 * which);
}

static void msrs_keep(struct vendor_private *p)
{
	for (unsigned int i = 0; i < ROWS_KEPT; i++)
		if (msr_is_saved(&p->controls, &vmcs_msrs[i]))
			p->kept[i] = vmcs_read(vmcs_msrs[i].field);
}

void vendor_system(struct vcpu *vcpu, struct vcpu_system *out)
{
	out->cr0 = vcpu_read(vcpu, VCPU_CR0);
	out->cr3 = vmcs_read(VMCS_GUEST_CR3);
	/* VMXE is the VMM's. */
	out->cr4 = vcpu_read(vcpu, VCPU_CR4) & ~CR4_VMXE;
	out->rip = vmcs_read(VMCS_GUEST_RIP);
	out->rsp = vmcs_read(VMCS_GUEST_RSP);
	/* Not there, and so 0, where the CPU has no shadow stacks. */
	out->ssp = vmcs_read(VMCS_GUEST_SSP);
	out->rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	out->dr7 = vmcs_read(VMCS_GUEST_DR7);
	for (unsigned int i = 0; i < SEG_COUNT; i++)
		segment_read(&out->segment[i], i);
	out->gdt.base = vmcs_read(VMCS_GUEST_GDTR_BASE);
	out->gdt.limit = (uint16_t)vmcs_read(VMCS_GUEST_GDTR_LIMIT);
	out->idt.base = vmcs_read(VMCS_GUEST_IDTR_BASE);
	out->idt.limit = (uint16_t)vmcs_read(VMCS_GUEST_IDTR_LIMIT);
	msrs_keep(vcpu->vendor);
}

static void rows_give(const struct vendor_private *p, unsigned int first, unsigned int end)
{
	for (unsigned int i = first; i < end; i++)
		if (msr_is_saved(&p->controls, &vmcs_msrs[i]))
			cpu_wrmsr(vmcs_msrs[i].msr, p->kept[i]);
}

void vendor_give_msrs(struct vcpu *vcpu)
{
	/* In the order in which they may come to life again: counters last, as in counters.c. */
	rows_give(vcpu->vendor, 0, ROW_PERF);
	counters_give_back(vcpu->vendor);
	rows_give(vcpu->vendor, ROW_PERF, ROWS_KEPT);
}
