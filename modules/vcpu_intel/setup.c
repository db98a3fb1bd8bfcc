/* SPDX-License-Identifier: MIT */
/* The VMCS of a launch: the running system, unchanged, as the guest. */
#include "internal.h"

#define NO_LINK_POINTER (~0ull)

static void controls_write(const struct vcpu *vcpu)
{
	const struct controls *c = &vcpu->vendor->controls;
	const struct vendor_guest *guest = vendor_guest_of(vcpu->guest);

	LOG_DEBUG("controls: pin 0x%x, primary 0x%x, secondary 0x%x, exit 0x%x, entry 0x%x", c->pin,
		  c->primary, c->secondary, c->exit, c->entry);
	vmcs_write(VMCS_PIN_CONTROLS, c->pin);
	vmcs_write(VMCS_PRIMARY_CONTROLS, c->primary);
	vmcs_write(VMCS_SECONDARY_CONTROLS, c->secondary);
	vmcs_write(VMCS_EXIT_CONTROLS, c->exit);
	vmcs_write(VMCS_ENTRY_CONTROLS, c->entry);
	vmcs_write(VMCS_MSR_BITMAP, guest->msr_bitmap_pa);
	vmcs_write(VMCS_EXCEPTION_BITMAP, 0);
	vmcs_write(VMCS_PAGE_FAULT_MASK, 0);
	vmcs_write(VMCS_PAGE_FAULT_MATCH, 0);
	vmcs_write(VMCS_CR3_TARGET_COUNT, 0);
	vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	vmcs_write(VMCS_TSC_OFFSET, 0);
	vmcs_write(VMCS_GUEST_LINK_POINTER, NO_LINK_POINTER);
	if (c->has_vpid)
		vmcs_write(VMCS_VPID, guest->vpid);
	if (c->secondary & SECONDARY_EPT)
		vmcs_write(VMCS_EPT_POINTER, vendor_common.slat->root(vcpu->guest->space));
	if (c->secondary & SECONDARY_XSAVES)
		vmcs_write(VMCS_XSS_EXIT_BITMAP, 0);
	if (c->secondary & SECONDARY_PCONFIG)
		vmcs_write(VMCS_PCONFIG_EXIT_BITMAP, 0);
	if (c->primary & PRIMARY_TERTIARY)
		vmcs_write(VMCS_TERTIARY_CONTROLS, c->tertiary);
}

static void tables_write(const struct vcpu_system *system)
{
	/* The VMCS numbers the segments as enum vcpu_segment does, two encodings apart. */
	for (unsigned int i = 0; i < SEG_COUNT; i++) {
		vmcs_write(VMCS_GUEST_ES_SELECTOR + 2 * i, system->segment[i].selector);
		vmcs_write(VMCS_GUEST_ES_BASE + 2 * i, system->segment[i].base);
		vmcs_write(VMCS_GUEST_ES_LIMIT + 2 * i, system->segment[i].limit);
		vmcs_write(VMCS_GUEST_ES_RIGHTS + 2 * i, system->segment[i].rights);
	}
	vmcs_write(VMCS_GUEST_GDTR_BASE, system->gdt.base);
	vmcs_write(VMCS_GUEST_GDTR_LIMIT, system->gdt.limit);
	vmcs_write(VMCS_GUEST_IDTR_BASE, system->idt.base);
	vmcs_write(VMCS_GUEST_IDTR_LIMIT, system->idt.limit);
}

/*
 * The guest owns every bit VMX lets vary and the VMM knows. A bit that is fixed in VMX operation is ours: the
 * guest reads what it last wrote (the shadow), the real register keeps what VMX needs.
 */
static void control_registers_write(struct vendor_private *p, const struct vcpu_system *system)
{
	uint64_t varies0 = cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED0) ^ cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED1);
	uint64_t varies4 = cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED0) ^ cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1);

	p->cr0_mask = ~varies0;
	p->cr4_mask = ~(varies4 & VENDOR_CR4_KEPT);
	vmcs_write(VMCS_CR0_MASK, p->cr0_mask);
	vmcs_write(VMCS_CR4_MASK, p->cr4_mask);
	vmcs_write(VMCS_CR0_SHADOW, system->cr0);
	vmcs_write(VMCS_CR4_SHADOW, system->cr4);
	vmcs_write(VMCS_GUEST_CR0, system->cr0);
	vmcs_write(VMCS_GUEST_CR4, system->cr4 | CR4_VMXE);
	vmcs_write(VMCS_GUEST_CR3, system->cr3);
}

static void msrs_write(const struct controls *c)
{
	for (const struct vmcs_msr *m = vmcs_msrs; m < &vmcs_msrs[ROWS_KEPT]; m++)
		if (msr_is_loaded(c, m))
			vmcs_write(m->field, cpu_rdmsr(m->msr));
}

/*
 * Not SMBASE: only a return from SMM looks at it, and the VMX that KVM offers its guests has no such field.
 */
static void start_state_write(const struct vcpu_system *system)
{
	vmcs_write(VMCS_GUEST_RIP, system->rip);
	vmcs_write(VMCS_GUEST_RSP, system->rsp);
	vmcs_write(VMCS_GUEST_RFLAGS, system->rflags);
	vmcs_write(VMCS_GUEST_DR7, system->dr7);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
}

/*
 * What the guest may turn on later and then wants done, where the CPU has it: OSXSAVE, for its XSETBV; MCE,
 * for without it a machine check that arrives in root mode shuts the CPU down. What the guest itself wants of
 * it the module vcpu looks at.
 */
static uint64_t cr4_anyway(void)
{
	return (CR4_OSXSAVE | CR4_MCE) & cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1);
}

static void root_registers_write(const struct vcpu *vcpu, const struct vendor_root *root)
{
	/* PCIDE off: HOST_CR3 has no PCID. CET off: the VMM has no shadow stacks. */
	uint64_t cr4 = (cpu_read_cr4() | CR4_VMXE | cr4_anyway()) & ~(CR4_PCIDE | CR4_CET | CR4_PKS);

	vmcs_write(VMCS_HOST_CR0, cpu_read_cr0());
	vmcs_write(VMCS_HOST_CR3, root->cr3);
	vmcs_write(VMCS_HOST_CR4, cr4);
	vmcs_write(VMCS_HOST_RSP, (uint64_t)&vcpu->on_exit);
	vmcs_write(VMCS_HOST_RIP, cpu_vm_exit_address());
}

static void root_tables_write(const struct vendor_root *root)
{
	vmcs_write(VMCS_HOST_ES_SELECTOR, 0);
	vmcs_write(VMCS_HOST_CS_SELECTOR, root->cs);
	vmcs_write(VMCS_HOST_SS_SELECTOR, root->ss);
	vmcs_write(VMCS_HOST_DS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_FS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_GS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_TR_SELECTOR, root->tr);
	vmcs_write(VMCS_HOST_FS_BASE, root->fs_base);
	vmcs_write(VMCS_HOST_GS_BASE, 0);
	vmcs_write(VMCS_HOST_TR_BASE, root->tss);
	vmcs_write(VMCS_HOST_GDTR_BASE, root->gdt);
	vmcs_write(VMCS_HOST_IDTR_BASE, root->idt);
}

static void root_msrs_write(const struct controls *c)
{
	vmcs_write(VMCS_HOST_SYSENTER_CS, 0);
	vmcs_write(VMCS_HOST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_HOST_SYSENTER_EIP, 0);
	if (c->exit & EXIT_LOAD_PERF)
		vmcs_write(VMCS_HOST_PERF_GLOBAL_CTRL, 0);
	if (c->exit & EXIT_LOAD_PAT)
		vmcs_write(VMCS_HOST_PAT, cpu_rdmsr(MSR_IA32_PAT));
	if (c->exit & EXIT_LOAD_EFER)
		vmcs_write(VMCS_HOST_EFER, cpu_rdmsr(MSR_IA32_EFER));
}

int vmcs_move(struct vcpu *vcpu, const struct vendor_root *root)
{
	root_registers_write(vcpu, root);
	root_tables_write(root);
	root_msrs_write(&vcpu->vendor->controls);
	return vmcs_write_error(cpu_local()->vcpu);
}

int vmcs_setup(struct vcpu *vcpu, const struct vcpu_system *system, const struct vendor_root *root)
{
	struct vendor_private *p = vcpu->vendor;

	controls_write(vcpu);
	tables_write(system);
	control_registers_write(p, system);
	msrs_write(&p->controls);
	counters_write(p);
	start_state_write(system);
	return vmcs_move(vcpu, root);
}
