/* SPDX-License-Identifier: MIT */
/* A VM exit: the guest's state to the VMCS, the host's from it (SDM, "VM Exits"). */
#include "vmx.h"

#define EFER_LME  0x100ull
#define EFER_LMA  0x400ull
#define DR7_RESET 0x400ull

static void save_segments(const struct model_cpu *cpu)
{
	for (unsigned int i = 0; i < MODEL_SEGS; i++) {
		const struct model_segment *s = &cpu->st.seg[i];
		uint64_t base = i == MODEL_FS	? cpu->st.msr[MODEL_MSR_FS_BASE]
				: i == MODEL_GS ? cpu->st.msr[MODEL_MSR_GS_BASE]
						: s->base;

		vmcs_put(cpu, VMCS_GUEST_ES_BASE + 2 * i, base);
		vmcs_put(cpu, VMCS_GUEST_ES_LIMIT + 2 * i, s->limit);
		vmcs_put(cpu, VMCS_GUEST_ES_RIGHTS + 2 * i, s->rights);
		vmcs_put(cpu, VMCS_GUEST_ES_SELECTOR + 2 * i, s->selector);
	}
}

static void save_msrs(const struct model_cpu *cpu, uint32_t controls)
{
	const uint64_t *msr = cpu->st.msr;

	vmcs_put(cpu, VMCS_GUEST_SYSENTER_CS, msr[MODEL_MSR_SYSENTER_CS]);
	vmcs_put(cpu, VMCS_GUEST_SYSENTER_ESP, msr[MODEL_MSR_SYSENTER_ESP]);
	vmcs_put(cpu, VMCS_GUEST_SYSENTER_EIP, msr[MODEL_MSR_SYSENTER_EIP]);
	if (controls & EXIT_SAVE_DEBUG) {
		vmcs_put(cpu, VMCS_GUEST_DEBUGCTL, msr[MODEL_MSR_DEBUGCTL]);
		vmcs_put(cpu, VMCS_GUEST_DR7, cpu->st.dr7);
	}
	if (controls & EXIT_SAVE_PERF)
		vmcs_put(cpu, VMCS_GUEST_PERF_GLOBAL_CTRL, msr[MODEL_MSR_PERF_GLOBAL_CTRL]);
	if (model.kind->caps.entry >> 32 & ENTRY_LOAD_BND)
		vmcs_put(cpu, VMCS_GUEST_BNDCFGS, msr[MODEL_MSR_BNDCFGS]);
	if ((model.kind->caps.entry >> 32 & ENTRY_LOAD_RTIT) ||
	    (model.kind->caps.exit >> 32 & EXIT_CLEAR_RTIT))
		vmcs_put(cpu, VMCS_GUEST_RTIT_CTL, msr[MODEL_MSR_RTIT_CTL]);
	if ((model.kind->caps.entry >> 32 & ENTRY_LOAD_LBR) || (model.kind->caps.exit >> 32 & EXIT_CLEAR_LBR))
		vmcs_put(cpu, VMCS_GUEST_LBR_CTL, msr[MODEL_MSR_LBR_CTL]);
	if (model.kind->caps.entry >> 32 & ENTRY_LOAD_CET)
		vmcs_put(cpu, VMCS_GUEST_SSP, cpu->ssp);
	if (controls & EXIT_SAVE_PAT)
		vmcs_put(cpu, VMCS_GUEST_PAT, msr[MODEL_MSR_PAT]);
	if (controls & EXIT_SAVE_EFER)
		vmcs_put(cpu, VMCS_GUEST_EFER, msr[MODEL_MSR_EFER]);
}

#define ENTRY_FAILED   (1ull << 31) /* of the reason */
#define TYPE_OF(info)  ((info) >> 8 & 7)
#define TYPE_EXCEPTION 3
/* Exceptions that are faults and push RF as 1; #DB may be one, and pushes it as it was. */
#define FAULTS	       0x003b7ce1u

/* SDM, "Saving RIP, RSP, RFLAGS, and SSP": RF by what the exit comes from. */
static uint64_t saved_rf(uint64_t rf, const struct model_exit *e)
{
	uint64_t basic = e->reason & 0xffff;
	uint32_t first = e->vectoring & INFO_VALID ? e->vectoring : basic == 0 ? e->info : 0;

	/* In the middle of a delivery, or instead of one: as that would have pushed it. */
	if (first & INFO_VALID)
		return TYPE_OF(first) == TYPE_EXCEPTION && FAULTS >> (first & 31) & 1 ? RFLAGS_RF
		       : TYPE_OF(first) > TYPE_EXCEPTION			      ? 0
										      : rf;
	switch (basic) {
	case 1:
	case 2:
	case 3:
	case 4:
	case 7:
	case 8:
	case 37:
	case 41:
	case 52: return rf;
	case 48:
	case 49: return RFLAGS_RF;
	default: return 0; /* an instruction */
	}
}

/*
 * SDM, "Saving Non-Register State": the field is cleared but for an INIT and the monitor trap flag, which
 * leave what is pending, and for MOV SS, which puts it off.
 */
static uint64_t saved_pending(const struct model_cpu *cpu, const struct model_exit *e)
{
	uint64_t basic = e->reason & 0xffff;

	return basic == 3 || basic == 37 || e->reason & ENTRY_FAILED || cpu->interruptibility & 2
		       ? cpu->pending_debug
		       : 0;
}

static void save_guest(const struct model_cpu *cpu, const struct model_exit *exit)
{
	uint64_t rf = saved_rf(cpu->st.rflags & RFLAGS_RF, exit);

	vmcs_put(cpu, VMCS_GUEST_CR0, cpu->st.cr0);
	vmcs_put(cpu, VMCS_GUEST_CR3, cpu->st.cr3);
	vmcs_put(cpu, VMCS_GUEST_CR4, cpu->st.cr4);
	save_msrs(cpu, (uint32_t)vmcs_get(cpu, VMCS_EXIT_CONTROLS));
	save_segments(cpu);
	vmcs_put(cpu, VMCS_GUEST_GDTR_BASE, cpu->st.gdt.base);
	vmcs_put(cpu, VMCS_GUEST_GDTR_LIMIT, cpu->st.gdt.limit);
	vmcs_put(cpu, VMCS_GUEST_IDTR_BASE, cpu->st.idt.base);
	vmcs_put(cpu, VMCS_GUEST_IDTR_LIMIT, cpu->st.idt.limit);
	vmcs_put(cpu, VMCS_GUEST_RFLAGS, (cpu->st.rflags & ~RFLAGS_RF) | rf);
	vmcs_put(cpu, VMCS_GUEST_RIP, cpu->rip);
	vmcs_put(cpu, VMCS_GUEST_RSP, cpu->rsp);
	vmcs_put(cpu, VMCS_GUEST_INTERRUPTIBILITY, cpu->interruptibility);
	vmcs_put(cpu, VMCS_GUEST_ACTIVITY, cpu->activity);
	vmcs_put(cpu, VMCS_GUEST_PENDING_DEBUG, saved_pending(cpu, exit));
}

static void note_exit(const struct model_cpu *cpu, const struct model_exit *e)
{
	vmcs_put(cpu, VMCS_EXIT_REASON, e->reason);
	vmcs_put(cpu, VMCS_EXIT_QUALIFICATION, e->detail);
	/* An entry that failed leaves the rest as the last exit made it, and its event where it is. */
	if (e->reason & ENTRY_FAILED)
		return;
	vmcs_put(cpu, VMCS_EXIT_INSTRUCTION_LENGTH, e->length);
	vmcs_put(cpu, VMCS_EXIT_INTERRUPTION_INFO, e->info);
	vmcs_put(cpu, VMCS_EXIT_INTERRUPTION_ERROR, e->error);
	vmcs_put(cpu, VMCS_IDT_VECTORING_INFO, e->vectoring);
	vmcs_put(cpu, VMCS_IDT_VECTORING_ERROR, e->vectoring_error);
	vmcs_put(cpu, VMCS_GUEST_PHYSICAL_ADDRESS, e->physical);
	vmcs_put(cpu, VMCS_GUEST_LINEAR_ADDRESS, e->linear);
	/* The event of the entry is done with. */
	vmcs_put(cpu, VMCS_ENTRY_INTERRUPTION_INFO, vmcs_get(cpu, VMCS_ENTRY_INTERRUPTION_INFO) & 0x7fffffff);
}

static void load_host_segments(struct model_cpu *cpu)
{
	struct model_segment *seg = cpu->st.seg;

	model_flat(&seg[MODEL_CS], vmcs_get(cpu, VMCS_HOST_CS_SELECTOR), 0, 0xa09b);
	model_flat(&seg[MODEL_SS], vmcs_get(cpu, VMCS_HOST_SS_SELECTOR), 0, 0xc093);
	model_flat(&seg[MODEL_DS], vmcs_get(cpu, VMCS_HOST_DS_SELECTOR), 0, 0xc093);
	model_flat(&seg[MODEL_ES], vmcs_get(cpu, VMCS_HOST_ES_SELECTOR), 0, 0xc093);
	model_flat(&seg[MODEL_FS], vmcs_get(cpu, VMCS_HOST_FS_SELECTOR), 0, 0xc093);
	model_flat(&seg[MODEL_GS], vmcs_get(cpu, VMCS_HOST_GS_SELECTOR), 0, 0xc093);
	model_flat(&seg[MODEL_TR], vmcs_get(cpu, VMCS_HOST_TR_SELECTOR), vmcs_get(cpu, VMCS_HOST_TR_BASE),
		   0x8b);
	seg[MODEL_TR].limit = 0x67;
	seg[MODEL_LDTR] = (struct model_segment){.rights = RIGHTS_UNUSABLE};
	cpu->st.msr[MODEL_MSR_FS_BASE] = vmcs_get(cpu, VMCS_HOST_FS_BASE);
	cpu->st.msr[MODEL_MSR_GS_BASE] = vmcs_get(cpu, VMCS_HOST_GS_BASE);
	cpu->st.gdt = (struct model_table){vmcs_get(cpu, VMCS_HOST_GDTR_BASE), 0xffff};
	cpu->st.idt = (struct model_table){vmcs_get(cpu, VMCS_HOST_IDTR_BASE), 0xffff};
}

static void load_host(struct model_cpu *cpu)
{
	uint32_t controls = (uint32_t)vmcs_get(cpu, VMCS_EXIT_CONTROLS);
	uint64_t *msr = cpu->st.msr;

	cpu->st.cr0 = (vmcs_get(cpu, VMCS_HOST_CR0) & ~CR0_STAYS) | (cpu->st.cr0 & CR0_STAYS);
	cpu->st.cr3 = vmcs_get(cpu, VMCS_HOST_CR3);
	cpu->st.cr4 = vmcs_get(cpu, VMCS_HOST_CR4);
	cpu->st.dr7 = DR7_RESET;
	cpu->st.rflags = RFLAGS_FIXED;
	msr[MODEL_MSR_DEBUGCTL] = 0;
	msr[MODEL_MSR_SYSENTER_CS] = vmcs_get(cpu, VMCS_HOST_SYSENTER_CS);
	msr[MODEL_MSR_SYSENTER_ESP] = vmcs_get(cpu, VMCS_HOST_SYSENTER_ESP);
	msr[MODEL_MSR_SYSENTER_EIP] = vmcs_get(cpu, VMCS_HOST_SYSENTER_EIP);
	if (controls & EXIT_LOAD_PERF)
		msr[MODEL_MSR_PERF_GLOBAL_CTRL] = vmcs_get(cpu, VMCS_HOST_PERF_GLOBAL_CTRL);
	if (controls & EXIT_CLEAR_BND)
		msr[MODEL_MSR_BNDCFGS] = 0;
	if (controls & EXIT_CLEAR_RTIT)
		msr[MODEL_MSR_RTIT_CTL] = 0;
	if (controls & EXIT_CLEAR_LBR)
		msr[MODEL_MSR_LBR_CTL] = 0;
	if (controls & EXIT_LOAD_PAT)
		msr[MODEL_MSR_PAT] = vmcs_get(cpu, VMCS_HOST_PAT);
	if (controls & EXIT_LOAD_EFER)
		msr[MODEL_MSR_EFER] = vmcs_get(cpu, VMCS_HOST_EFER);
	msr[MODEL_MSR_EFER] |= EFER_LME | EFER_LMA;
	load_host_segments(cpu);
}

void vmx_leave(struct model_cpu *cpu, const struct model_exit *exit)
{
	/* After a failed entry there is nothing to save, and the reason is there already. */
	if (exit) {
		save_guest(cpu, exit);
		note_exit(cpu, exit);
		if (!vmx_msrs_store(cpu, VMCS_EXIT_MSR_STORE_COUNT, VMCS_EXIT_MSR_STORE_ADDRESS))
			model_violation("an exit cannot store its list of MSRs: VMX abort");
	}
	cpu->guest = false;
	load_host(cpu);
	if (!vmx_msrs_load(cpu, VMCS_EXIT_MSR_LOAD_COUNT, VMCS_EXIT_MSR_LOAD_ADDRESS))
		model_violation("an exit cannot load its list of MSRs: VMX abort");
}
