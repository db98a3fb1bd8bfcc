/* SPDX-License-Identifier: MIT */
/* The VMCS of a launch: the running system, unchanged, as the guest. */
#include "internal.h"

#define GUEST_VPID	1
#define NO_LINK_POINTER (~0ull)

static void controls_write(const struct vcpu *vcpu)
{
	const struct controls *c = &vcpu->priv->controls;

	LOG_DEBUG("controls: pin 0x%x, primary 0x%x, secondary 0x%x, exit 0x%x, entry 0x%x", c->pin,
		  c->primary, c->secondary, c->exit, c->entry);
	vmcs_write(VMCS_PIN_CONTROLS, c->pin);
	vmcs_write(VMCS_PRIMARY_CONTROLS, c->primary);
	vmcs_write(VMCS_SECONDARY_CONTROLS, c->secondary);
	vmcs_write(VMCS_EXIT_CONTROLS, c->exit);
	vmcs_write(VMCS_ENTRY_CONTROLS, c->entry);
	vmcs_write(VMCS_MSR_BITMAP, vcpu_common.msr_bitmap_pa);
	vmcs_write(VMCS_EXCEPTION_BITMAP, 0);
	vmcs_write(VMCS_PAGE_FAULT_MASK, 0);
	vmcs_write(VMCS_PAGE_FAULT_MATCH, 0);
	vmcs_write(VMCS_CR3_TARGET_COUNT, 0);
	vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	vmcs_write(VMCS_TSC_OFFSET, 0);
	vmcs_write(VMCS_GUEST_LINK_POINTER, NO_LINK_POINTER);
	if (c->has_vpid)
		vmcs_write(VMCS_VPID, GUEST_VPID);
	if (c->secondary & SECONDARY_EPT)
		vmcs_write(VMCS_EPT_POINTER, vcpu_common.slat->root());
	if (c->secondary & SECONDARY_XSAVES)
		vmcs_write(VMCS_XSS_EXIT_BITMAP, 0);
	if (c->secondary & SECONDARY_PCONFIG)
		vmcs_write(VMCS_PCONFIG_EXIT_BITMAP, 0);
	if (c->primary & PRIMARY_TERTIARY)
		vmcs_write(VMCS_TERTIARY_CONTROLS, c->tertiary);
}

static void segments_write(const struct cpu_table *gdt)
{
	struct segment_state segments[SEGMENTS];

	segments_capture(segments, gdt);
	/* The VMCS numbers the segments as enum segment does, two encodings apart. */
	for (unsigned int i = 0; i < SEGMENTS; i++) {
		vmcs_write(VMCS_GUEST_ES_SELECTOR + 2 * i, segments[i].selector);
		vmcs_write(VMCS_GUEST_ES_BASE + 2 * i, segments[i].base);
		vmcs_write(VMCS_GUEST_ES_LIMIT + 2 * i, segments[i].limit);
		vmcs_write(VMCS_GUEST_ES_RIGHTS + 2 * i, segments[i].rights);
	}
}

static void tables_write(void)
{
	struct cpu_table gdt, idt;

	cpu_store_gdt(&gdt);
	cpu_store_idt(&idt);
	segments_write(&gdt);
	vmcs_write(VMCS_GUEST_GDTR_BASE, gdt.base);
	vmcs_write(VMCS_GUEST_GDTR_LIMIT, gdt.limit);
	vmcs_write(VMCS_GUEST_IDTR_BASE, idt.base);
	vmcs_write(VMCS_GUEST_IDTR_LIMIT, idt.limit);
}

/*
 * The guest owns every bit VMX lets vary and the VMM knows. A bit that is fixed in VMX operation is ours: the
 * guest reads what it last wrote (the shadow), the real register keeps what VMX needs.
 */
static void control_registers_write(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;
	uint64_t cr0 = cpu_read_cr0();
	uint64_t varies0 = cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED0) ^ cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED1);
	uint64_t varies4 = cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED0) ^ cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1);

	p->cr0_mask = ~varies0;
	p->cr4_mask = ~(varies4 & CR4_KEPT);
	vmcs_write(VMCS_CR0_MASK, p->cr0_mask);
	vmcs_write(VMCS_CR4_MASK, p->cr4_mask);
	vmcs_write(VMCS_CR0_SHADOW, cr0);
	vmcs_write(VMCS_CR4_SHADOW, p->cr4_before);
	vmcs_write(VMCS_GUEST_CR0, cr0);
	vmcs_write(VMCS_GUEST_CR4, p->cr4_before | CR4_VMXE);
	vmcs_write(VMCS_GUEST_CR3, p->cr3);
}

static void msrs_write(const struct controls *c)
{
	vmcs_write(VMCS_GUEST_DEBUGCTL, cpu_rdmsr(MSR_IA32_DEBUGCTL));
	vmcs_write(VMCS_GUEST_SYSENTER_CS, cpu_rdmsr(MSR_IA32_SYSENTER_CS));
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, cpu_rdmsr(MSR_IA32_SYSENTER_ESP));
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, cpu_rdmsr(MSR_IA32_SYSENTER_EIP));
	if (c->entry & ENTRY_LOAD_PAT)
		vmcs_write(VMCS_GUEST_PAT, cpu_rdmsr(MSR_IA32_PAT));
	if (c->entry & ENTRY_LOAD_EFER)
		vmcs_write(VMCS_GUEST_EFER, cpu_rdmsr(MSR_IA32_EFER));
	for (size_t i = 0; i < SWITCHED_MSRS; i++)
		if (is_switched(c, &switched_msrs[i]))
			vmcs_write(switched_msrs[i].field, cpu_rdmsr(switched_msrs[i].msr));
}

/* Not SMBASE: only a return from SMM looks at it, and the VMX that KVM offers its guests has no such field.
 */
static void start_state_write(const struct vcpu_private *p)
{
	vmcs_write(VMCS_GUEST_RIP, p->rip);
	vmcs_write(VMCS_GUEST_RSP, p->rsp);
	/* Interrupts are off until the gate's caller turns them on again. */
	vmcs_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	vmcs_write(VMCS_GUEST_FS_BASE, p->fs_base);
	vmcs_write(VMCS_GUEST_DR7, cpu_read_dr7());
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
}

int vmcs_setup(struct vcpu *vcpu)
{
	LOG_DEBUG("the guest goes on at RIP 0x%llx, RSP 0x%llx", (unsigned long long)vcpu->priv->rip,
		  (unsigned long long)vcpu->priv->rsp);
	controls_write(vcpu);
	tables_write();
	control_registers_write(vcpu);
	msrs_write(&vcpu->priv->controls);
	counters_write(vcpu->priv);
	start_state_write(vcpu->priv);
	host_state_write(vcpu);
	return vmcs_write_error(vcpu);
}
