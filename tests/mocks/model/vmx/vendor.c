/* SPDX-License-Identifier: MIT */
/* What the CPU asks of its VT-x (../vendor.h). */
#include "vmx.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* -- what software sees of it ------------------------------------------------------------- */

/* What a test writes where nobody looks would change nothing. */
static void vmx_power_on(void)
{
	const struct vmx_caps *c = &model.kind->caps;

	if (c->physical_bits || c->linear_bits || c->cr4_fixed1 || c->perf_global || c->lam) {
		fprintf(stderr, "model: %s: what is the CPU's stands among the capabilities\n",
			model.kind->name);
		abort();
	}
	vmcs_reset_all();
}

static void vmx_cpu_on(struct model_cpu *cpu)
{
	cpu->st.msr[MODEL_MSR_FEATURE_CONTROL] = model.kind->feature_control;
}

/* "GenuineIntel" */
static void vmx_cpuid(uint32_t leaf, struct cpu_leaf *out)
{
	if (!leaf)
		*out = (struct cpu_leaf){out->eax, 0x756e6547, 0x6c65746e, 0x49656e69};
	if (leaf == 1)
		out->ecx = (out->ecx & ~CPUID_1_ECX_VMX) | (model.kind->no_vmx ? 0 : CPUID_1_ECX_VMX);
}

static uint64_t vmx_root(const struct model_cpu *cpu, enum model_root what)
{
	static const uint32_t fields[] = {[MODEL_ROOT_CR3] = VMCS_HOST_CR3,
					  [MODEL_ROOT_TSS] = VMCS_HOST_TR_BASE,
					  [MODEL_ROOT_RSP] = VMCS_HOST_RSP};

	return vmcs_get(cpu, fields[what]);
}

static bool large_pages(void)
{
	return model.kind->caps.ept_vpid & 1ull << 17;
}

/* Without VPIDs each exit flushes. */
static bool keeps_tlb(void)
{
	return model.kind->caps.secondary >> 32 & SECONDARY_VPID;
}

static bool efer_each(void)
{
	return model.kind->caps.exit >> 32 & EXIT_SAVE_EFER;
}

/* -- a guest ---------------------------------------------------------------------------------- */

/* What the exit stub does before it calls C code. */
static void exit_stub(const struct model_cpu *cpu, struct vcpu *vcpu)
{
	vcpu->regs = cpu->regs;
	vcpu->exit.reason = vmcs_get(cpu, VMCS_EXIT_REASON);
	vcpu->exit.rip = vmcs_get(cpu, VMCS_GUEST_RIP);
	vcpu->exit.length = vmcs_get(cpu, VMCS_EXIT_INSTRUCTION_LENGTH);
	vcpu->exit.rflags = vmcs_get(cpu, VMCS_GUEST_RFLAGS);
	vcpu->exit.blocked = vmcs_get(cpu, VMCS_GUEST_INTERRUPTIBILITY);
}

static struct vcpu *guest_leave(struct model_cpu *cpu, const struct model_exit *exit)
{
	struct vcpu *vcpu;

	if (exit) {
		const struct model_exit e = vmx_exit_of(cpu, exit);

		vmx_leave(cpu, &e);
		cpu->init_pending = vmx_kind_of(e.reason) == PLINTH_EXIT_INIT && model.kind->init_stays;
	} else {
		vmx_leave(cpu, NULL);
	}
	if (vmcs_get(cpu, VMCS_HOST_RIP) != model_vm_exit_address()) {
		model_violation("HOST_RIP is not the exit stub's address");
		return NULL;
	}
	vcpu = (struct vcpu *)(vmcs_get(cpu, VMCS_HOST_RSP) - offsetof(struct vcpu, on_exit));
	exit_stub(cpu, vcpu);
	return vcpu;
}

static int guest_enter(struct model_cpu *cpu, struct vcpu *vcpu, bool *exits)
{
	return vmx_enter(cpu, &vcpu->regs, true, exits);
}

static uint64_t through(uint64_t real, uint64_t shadow, uint64_t mask)
{
	return (real & ~mask) | (shadow & mask);
}

static void guest_visible(const struct model_cpu *cpu, struct model_state *state)
{
	state->cr0 = through(state->cr0, vmcs_get(cpu, VMCS_CR0_SHADOW), vmcs_get(cpu, VMCS_CR0_MASK));
	state->cr4 = through(state->cr4, vmcs_get(cpu, VMCS_CR4_SHADOW), vmcs_get(cpu, VMCS_CR4_MASK));
}

static void guest_show(const struct model_cpu *cpu, uint64_t cr0, uint64_t cr4)
{
	vmcs_put(cpu, VMCS_CR0_SHADOW, cr0);
	vmcs_put(cpu, VMCS_CR4_SHADOW, cr4);
}

static uint64_t guest_cr_kept(const struct model_cpu *cpu, uint32_t cr)
{
	return vmcs_get(cpu, cr ? VMCS_CR4_MASK : VMCS_CR0_MASK);
}

/* SDM, "Instructions That Cause VM Exits Conditionally". */
static bool guest_cr_exits(const struct model_cpu *cpu, uint32_t cr, uint64_t value)
{
	if (cr == 3)
		return vmcs_get(cpu, VMCS_PRIMARY_CONTROLS) & PRIMARY_CR3_LOAD;
	return (vmcs_get(cpu, cr ? VMCS_CR4_SHADOW : VMCS_CR0_SHADOW) ^ value) & guest_cr_kept(cpu, cr);
}

#define MSR_RANGE 0x2000u
#define MSR_HIGH  0xc0000000u

/* SDM, "MSR-Bitmap Address". */
static bool guest_msr_exits(const struct model_cpu *cpu, uint32_t msr, bool is_write)
{
	const uint8_t *page = model.physical(vmcs_get(cpu, VMCS_MSR_BITMAP));
	uint32_t bit = msr & (MSR_RANGE - 1), quarter = (msr >= MSR_HIGH ? 1 : 0) + (is_write ? 2 : 0);

	if ((msr & ~(MSR_RANGE - 1)) != 0 && (msr & ~(MSR_RANGE - 1)) != MSR_HIGH)
		return true;
	return page[quarter * 1024 + bit / 8] >> bit % 8 & 1;
}

static bool guest_nmi_exits(const struct model_cpu *cpu)
{
	return vmcs_get(cpu, VMCS_PIN_CONTROLS) & PIN_NMI;
}

#define REASON_INTERRUPT_WINDOW 7u
#define BLOCKED_BY_STI_OR_SS	3u
#define BLOCKED_FOR_NMIS	0xbu

bool model_timer_runs(uint32_t cpu)
{
	return model.cpu[cpu].guest && model_field(cpu, VMCS_PIN_CONTROLS) & PIN_PREEMPTION_TIMER;
}

bool model_nmi_window_opens(uint32_t cpu)
{
	return model.cpu[cpu].guest && model_field(cpu, VMCS_PRIMARY_CONTROLS) & PRIMARY_NMI_WINDOW &&
	       !(model.cpu[cpu].interruptibility & BLOCKED_FOR_NMIS);
}

bool model_window_opens(uint32_t cpu)
{
	return model.cpu[cpu].guest && model_field(cpu, VMCS_PRIMARY_CONTROLS) & PRIMARY_INTERRUPTS &&
	       model.cpu[cpu].st.rflags & RFLAGS_IF &&
	       !(model.cpu[cpu].interruptibility & BLOCKED_BY_STI_OR_SS);
}

static bool guest_due(const struct model_cpu *cpu, struct model_exit *out)
{
	uint32_t number = (uint32_t)(cpu - model.cpu);

	if (model_timer_runs(number))
		*out = (struct model_exit){.kind = PLINTH_EXIT_TIMER};
	else if (model_nmi_window_opens(number))
		*out = (struct model_exit){.kind = PLINTH_EXIT_NMI_WINDOW};
	else if (model_window_opens(number))
		*out = (struct model_exit){.reason = REASON_INTERRUPT_WINDOW};
	else
		return false;
	return true;
}

static bool guest_steps(const struct model_cpu *cpu)
{
	return vmcs_get(cpu, VMCS_PRIMARY_CONTROLS) & PRIMARY_TRAP_FLAG;
}

const struct model_vendor model_vmx = {
	.claim = CR4_VMXE,
	.power_on = vmx_power_on,
	.cpu_on = vmx_cpu_on,
	.cpuid = vmx_cpuid,
	.msr_read = vmx_msr_read,
	.cr_ok = vmx_cr_ok,
	.root = vmx_root,
	.large_pages = large_pages,
	.keeps_tlb = keeps_tlb,
	.active = vmcs_active,
	.efer_each = efer_each,
	.kind_of = vmx_kind_of,
	.guest =
		{
			.leave = guest_leave,
			.enter = guest_enter,
			.visible = guest_visible,
			.show = guest_show,
			.cr_kept = guest_cr_kept,
			.cr_exits = guest_cr_exits,
			.msr_exits = guest_msr_exits,
			.nmi_exits = guest_nmi_exits,
			.due = guest_due,
			.steps = guest_steps,
			.tables = ept_tables,
			.translation = ept_translation,
		},
};
