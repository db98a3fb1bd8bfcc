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
	struct kept_msrs *kept = &p->kept;

	kept->debugctl = vmcs_read(VMCS_GUEST_DEBUGCTL);
	kept->efer = vmcs_read(VMCS_GUEST_EFER);
	kept->pat = vmcs_read(VMCS_GUEST_PAT);
	kept->sysenter_cs = vmcs_read(VMCS_GUEST_SYSENTER_CS);
	kept->sysenter_esp = vmcs_read(VMCS_GUEST_SYSENTER_ESP);
	kept->sysenter_eip = vmcs_read(VMCS_GUEST_SYSENTER_EIP);
	for (size_t i = 0; i < SWITCHED_MSRS; i++)
		if (is_switched(&p->controls, &switched_msrs[i]))
			kept->switched[i] = vmcs_read(switched_msrs[i].field);
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

void vendor_give_msrs(struct vcpu *vcpu)
{
	const struct vendor_private *p = vcpu->vendor;

	if (p->controls.exit & EXIT_SAVE_EFER)
		cpu_wrmsr(MSR_IA32_EFER, p->kept.efer);
	if (p->controls.exit & EXIT_SAVE_PAT)
		cpu_wrmsr(MSR_IA32_PAT, p->kept.pat);
	cpu_wrmsr(MSR_IA32_SYSENTER_CS, p->kept.sysenter_cs);
	cpu_wrmsr(MSR_IA32_SYSENTER_ESP, p->kept.sysenter_esp);
	cpu_wrmsr(MSR_IA32_SYSENTER_EIP, p->kept.sysenter_eip);
	cpu_wrmsr(MSR_IA32_DEBUGCTL, p->kept.debugctl);
	counters_give_back(p);
	for (size_t i = 0; i < SWITCHED_MSRS; i++)
		if (is_switched(&p->controls, &switched_msrs[i]))
			cpu_wrmsr(switched_msrs[i].msr, p->kept.switched[i]);
}
