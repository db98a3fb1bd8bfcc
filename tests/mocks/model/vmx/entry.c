/* SPDX-License-Identifier: MIT */
/* A VM entry: checks, then the guest's state from the VMCS (SDM, "VM Entries"). */
#include "vmx.h"

#define EFER_LME       0x100ull
#define EFER_LMA       0x400ull
#define FINDINGS       4
#define REASON_INVALID 0x80000021ull
#define REASON_MC      0x80000029ull
#define NO_LINK	       (~0ull)

static uint64_t read_field(void *context, uint32_t field)
{
	return vmcs_get(context, field);
}

/* The rules of the product's own checker, which the unit tests prove one by one. */
static uint32_t check(struct model_cpu *cpu, struct vmx_check_finding *first)
{
	struct vmx_check_finding found[FINDINGS];
	const struct vmx_caps caps = vmx_caps();
	uint32_t n = vmx_check_entry(&caps, read_field, cpu, found, FINDINGS);

	for (uint32_t i = 0; i < n && i < FINDINGS; i++)
		model_violation("VM entry: %s: 0x%x is 0x%llx", found[i].rule, found[i].field,
				(unsigned long long)found[i].value);
	if (n)
		*first = found[0];
	return n;
}

/* What a checker that sees no memory cannot know: the link pointer leads to a VMCS. */
static bool link_ok(const struct model_cpu *cpu)
{
	uint64_t link = vmcs_get(cpu, VMCS_GUEST_LINK_POINTER);
	const uint32_t *memory = link == NO_LINK ? NULL : model.physical(link);

	if (link == NO_LINK || (memory && *memory == (uint32_t)(model.kind->caps.basic & 0x7fffffff)))
		return true;
	model_violation("VM entry: the link pointer 0x%llx leads to no VMCS", (unsigned long long)link);
	return false;
}

static void load_segments(struct model_cpu *cpu)
{
	for (unsigned int i = 0; i < MODEL_SEGS; i++)
		cpu->st.seg[i] = (struct model_segment){
			.base = vmcs_get(cpu, VMCS_GUEST_ES_BASE + 2 * i),
			.limit = (uint32_t)vmcs_get(cpu, VMCS_GUEST_ES_LIMIT + 2 * i),
			.rights = (uint32_t)vmcs_get(cpu, VMCS_GUEST_ES_RIGHTS + 2 * i),
			.selector = vmcs_get(cpu, VMCS_GUEST_ES_SELECTOR + 2 * i),
		};
	cpu->st.msr[MODEL_MSR_FS_BASE] = cpu->st.seg[MODEL_FS].base;
	cpu->st.msr[MODEL_MSR_GS_BASE] = cpu->st.seg[MODEL_GS].base;
	/* The bases of FS and GS live in the MSRs: what a descriptor said is not seen any more. */
	cpu->st.seg[MODEL_FS].base = 0;
	cpu->st.seg[MODEL_GS].base = 0;
}

static void load_msrs(struct model_cpu *cpu, uint32_t controls)
{
	uint64_t *msr = cpu->st.msr;

	msr[MODEL_MSR_SYSENTER_CS] = vmcs_get(cpu, VMCS_GUEST_SYSENTER_CS);
	msr[MODEL_MSR_SYSENTER_ESP] = vmcs_get(cpu, VMCS_GUEST_SYSENTER_ESP);
	msr[MODEL_MSR_SYSENTER_EIP] = vmcs_get(cpu, VMCS_GUEST_SYSENTER_EIP);
	if (controls & ENTRY_LOAD_DEBUG) {
		msr[MODEL_MSR_DEBUGCTL] = vmcs_get(cpu, VMCS_GUEST_DEBUGCTL);
		cpu->st.dr7 = vmcs_get(cpu, VMCS_GUEST_DR7);
	}
	if (controls & ENTRY_LOAD_PAT)
		msr[MODEL_MSR_PAT] = vmcs_get(cpu, VMCS_GUEST_PAT);
	if (controls & ENTRY_LOAD_PERF)
		msr[MODEL_MSR_PERF_GLOBAL_CTRL] = vmcs_get(cpu, VMCS_GUEST_PERF_GLOBAL_CTRL);
	if (controls & ENTRY_LOAD_BND)
		msr[MODEL_MSR_BNDCFGS] = vmcs_get(cpu, VMCS_GUEST_BNDCFGS);
	if (controls & ENTRY_LOAD_RTIT)
		msr[MODEL_MSR_RTIT_CTL] = vmcs_get(cpu, VMCS_GUEST_RTIT_CTL);
	if (controls & ENTRY_LOAD_LBR)
		msr[MODEL_MSR_LBR_CTL] = vmcs_get(cpu, VMCS_GUEST_LBR_CTL);
	if (controls & ENTRY_LOAD_EFER)
		msr[MODEL_MSR_EFER] = vmcs_get(cpu, VMCS_GUEST_EFER);
}

static void load_guest(struct model_cpu *cpu, const struct vcpu_regs *regs)
{
	uint32_t info = (uint32_t)vmcs_get(cpu, VMCS_ENTRY_INTERRUPTION_INFO);

	cpu->st.cr0 = (vmcs_get(cpu, VMCS_GUEST_CR0) & ~CR0_STAYS) | (cpu->st.cr0 & CR0_STAYS);
	cpu->st.cr3 = vmcs_get(cpu, VMCS_GUEST_CR3);
	cpu->st.cr4 = vmcs_get(cpu, VMCS_GUEST_CR4);
	load_msrs(cpu, (uint32_t)vmcs_get(cpu, VMCS_ENTRY_CONTROLS));
	load_segments(cpu);
	cpu->st.gdt = (struct model_table){vmcs_get(cpu, VMCS_GUEST_GDTR_BASE),
					   vmcs_get(cpu, VMCS_GUEST_GDTR_LIMIT)};
	cpu->st.idt = (struct model_table){vmcs_get(cpu, VMCS_GUEST_IDTR_BASE),
					   vmcs_get(cpu, VMCS_GUEST_IDTR_LIMIT)};
	cpu->st.rflags = vmcs_get(cpu, VMCS_GUEST_RFLAGS);
	cpu->rip = vmcs_get(cpu, VMCS_GUEST_RIP);
	cpu->rsp = vmcs_get(cpu, VMCS_GUEST_RSP);
	cpu->interruptibility = vmcs_get(cpu, VMCS_GUEST_INTERRUPTIBILITY);
	cpu->activity = vmcs_get(cpu, VMCS_GUEST_ACTIVITY);
	cpu->pending_debug = vmcs_get(cpu, VMCS_GUEST_PENDING_DEBUG);
	cpu->regs = *regs;
	cpu->event = (struct model_event){0};
	if (info >> 31) {
		cpu->event.info = info;
		cpu->event.error = (uint32_t)vmcs_get(cpu, VMCS_ENTRY_EXCEPTION_ERROR);
		cpu->event.length = (uint32_t)vmcs_get(cpu, VMCS_ENTRY_INSTRUCTION_LENGTH);
		cpu->event.resumes = cpu->st.rflags & RFLAGS_RF;
		/* Delivering it ends these. */
		cpu->activity = 0;
		cpu->interruptibility &= ~3ull;
		model_mc_handled(cpu, (info & 0x7ff) == (3u << 8 | VECTOR_MC));
		cpu->exceptions += (info >> 8 & 7) == 3 && (info & 0xff) != VECTOR_MC;
	}
	/* An NMI that is injected is delivered, and blocks others until IRET. */
	if (info >> 31 && (info >> 8 & 7) == 2) {
		cpu->nmis_delivered++;
		cpu->interruptibility |= 8;
	}
	cpu->guest = true;
}

/* SDM, "Machine-Check Events During VM Entry": of its three ways the one that fails the entry. */
static void model_mc_fails_entry(struct model_cpu *cpu)
{
	model.mc_at_entry = false;
	cpu->mcs_sent++;
	cpu->st.msr[MODEL_MSR_MCG_STATUS] = MCG_STATUS_MCIP | MCG_STATUS_RIPV;
	vmcs_put(cpu, VMCS_EXIT_REASON, REASON_MC);
	vmcs_put(cpu, VMCS_EXIT_QUALIFICATION, 0);
}

int vmx_enter(struct model_cpu *cpu, const struct vcpu_regs *regs, bool resume, bool *exits)
{
	struct vmx_check_finding first = {.area = VMX_CHECK_GUEST, .field = VMCS_GUEST_LINK_POINTER};

	*exits = false;
	if (cpu->current < 0)
		return CPU_VMX_FAIL_INVALID;
	if (vmcs_launched(cpu) != resume)
		return vmx_fail(resume ? VMX_ERROR_RESUME_STATE : VMX_ERROR_LAUNCH_STATE);
	if (model.mc_at_entry) {
		model_mc_fails_entry(cpu);
		cpu->regs = *regs;
		*exits = true;
		return CPU_VMX_OK;
	}
	if (!check(cpu, &first) && link_ok(cpu)) {
		vmcs_set_launched(cpu);
		load_guest(cpu, regs);
		if (!vmx_msrs_load(cpu, VMCS_ENTRY_MSR_LOAD_COUNT, VMCS_ENTRY_MSR_LOAD_ADDRESS))
			model_violation("an entry cannot load its list of MSRs");
		return CPU_VMX_OK;
	}
	if (first.area == VMX_CHECK_CONTROLS)
		return vmx_fail(VMX_ERROR_CONTROLS);
	if (first.area == VMX_CHECK_HOST)
		return vmx_fail(VMX_ERROR_HOST);
	/* A VM exit without a guest that ran: its state stays in the VMCS. */
	vmcs_put(cpu, VMCS_EXIT_REASON, REASON_INVALID);
	vmcs_put(cpu, VMCS_EXIT_QUALIFICATION, first.field == VMCS_GUEST_LINK_POINTER ? 4 : 0);
	cpu->regs = *regs;
	*exits = true;
	return CPU_VMX_OK;
}
