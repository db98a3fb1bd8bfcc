/* SPDX-License-Identifier: MIT */
/*
 * The guest's MSRs. Most are the CPU's own, root mode or not; some lie elsewhere while root mode runs,
 * because the CPU changes them on the way, and a write of those is judged here as the CPU would. Whoever has
 * another MSR changed on the way adds it to the rows.
 */
#include "internal.h"

#define WIDTH_LINEAR(eax) ((eax) >> 8 & 0xff)

const struct vmcs_msr vmcs_msrs[VMCS_MSRS] = {
	[ROW_EFER] = {MSR_IA32_EFER, VMCS_GUEST_EFER, EXIT_SAVE_EFER, ENTRY_LOAD_EFER, WRITE_EFER},
	[ROW_PAT] = {MSR_IA32_PAT, VMCS_GUEST_PAT, EXIT_SAVE_PAT, ENTRY_LOAD_PAT, WRITE_PAT},
	[ROW_SYSENTER_CS] = {MSR_IA32_SYSENTER_CS, VMCS_GUEST_SYSENTER_CS, 0, 0, WRITE_TRIED},
	[ROW_SYSENTER_ESP] = {MSR_IA32_SYSENTER_ESP, VMCS_GUEST_SYSENTER_ESP, 0, 0, WRITE_TRIED},
	[ROW_SYSENTER_EIP] = {MSR_IA32_SYSENTER_EIP, VMCS_GUEST_SYSENTER_EIP, 0, 0, WRITE_TRIED},
	[ROW_DEBUGCTL] = {MSR_IA32_DEBUGCTL, VMCS_GUEST_DEBUGCTL, EXIT_SAVE_DEBUG, ENTRY_LOAD_DEBUG,
			  WRITE_NOT},
	[ROW_PERF] = {MSR_IA32_PERF_GLOBAL_CTRL, VMCS_GUEST_PERF_GLOBAL_CTRL, EXIT_SAVE_PERF | EXIT_LOAD_PERF,
		      ENTRY_LOAD_PERF, WRITE_NOT},
	[ROW_BNDCFGS] = {MSR_IA32_BNDCFGS, VMCS_GUEST_BNDCFGS, EXIT_CLEAR_BND, ENTRY_LOAD_BND, WRITE_NOT},
	[ROW_RTIT] = {MSR_IA32_RTIT_CTL, VMCS_GUEST_RTIT_CTL, EXIT_CLEAR_RTIT, ENTRY_LOAD_RTIT, WRITE_NOT},
	[ROW_LBR] = {MSR_IA32_LBR_CTL, VMCS_GUEST_LBR_CTL, EXIT_CLEAR_LBR, ENTRY_LOAD_LBR, WRITE_NOT},
	[ROW_FS_BASE] = {MSR_IA32_FS_BASE, VMCS_GUEST_FS_BASE, 0, 0, WRITE_CANONICAL},
	[ROW_GS_BASE] = {MSR_IA32_GS_BASE, VMCS_GUEST_GS_BASE, 0, 0, WRITE_CANONICAL},
};

bool msr_writes_can_exit(uint32_t first, uint32_t last)
{
	for (const struct vmcs_msr *m = vmcs_msrs; m < &vmcs_msrs[VMCS_MSRS]; m++) {
		if (m->writing != WRITE_NOT || m->msr < first || m->msr > last)
			continue;
		LOG_ERR("writes of MSR 0x%x cannot be looked at: the CPU changes it between root mode and "
			"guest",
			m->msr);
		return false;
	}
	return true;
}

/* NULL: it is the CPU's own, root mode or not. */
static const struct vmcs_msr *row_of(const struct vcpu *vcpu, uint32_t msr)
{
	for (const struct vmcs_msr *m = vmcs_msrs; m < &vmcs_msrs[VMCS_MSRS]; m++)
		if (m->msr == msr && msr_is_saved(&vcpu->vendor->controls, m))
			return m;
	return NULL;
}

/* Where the lists of counters.c have it while root mode runs, or NULL. */
static const struct msr_entry *listed_of(const struct vcpu *vcpu, uint32_t msr)
{
	const struct vendor_private *p = vcpu->vendor;

	for (uint32_t i = 0; i < p->controls.n_listed; i++)
		if (p->controls.listed[i] == msr)
			return &p->lists.guest[i];
	return NULL;
}

int vcpu_read_msr(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	const struct vmcs_msr *row = row_of(vcpu, msr);
	const struct msr_entry *listed = listed_of(vcpu, msr);

	if (!vcpu_is_current(vcpu))
		return PLINTH_E_STATE;
	if (listed) {
		*value = listed->value;
		return 0;
	}
	if (!row)
		return cpu_rdmsr_safe(msr, value);
	*value = vmcs_read(row->field);
	return 0;
}

/* By the width the CPU has, whatever paging uses of it (SDM, "Canonical Addressing"). */
static bool canonical(uint64_t address)
{
	struct cpu_leaf widths;

	cpu_cpuid(CPUID_ADDRESS_WIDTHS, 0, &widths);
	return x86_is_canonical(address, WIDTH_LINEAR(widths.eax));
}

/* Eight types: UC, WC, WT, WP, WB, UC- (SDM, "IA32_PAT MSR"). */
static bool pat_valid(uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++, value >>= 8)
		if ((value & 0xff) > 7 || (value & 0xff) == 2 || (value & 0xff) == 3)
			return false;
	return true;
}

/*
 * LMA follows LME and paging; LME cannot change while paging is on, as it is in every guest (SDM,
 * "IA32_EFER").
 */
static int efer_judge(uint64_t before, uint64_t *value)
{
	const uint64_t own = cpu_rdmsr(MSR_IA32_EFER);

	if ((*value ^ before) & EFER_LME)
		return PLINTH_E_FAULT;
	*value = (*value & ~EFER_LMA) | (before & EFER_LMA);
	/* Which bits there are the CPU says; with those that root mode stands on left as they are. */
	if (cpu_wrmsr_safe(MSR_IA32_EFER, *value | own))
		return PLINTH_E_FAULT;
	cpu_wrmsr(MSR_IA32_EFER, own);
	return 0;
}

/* The CPU itself checks and masks; the value that root mode had is without effect there. */
static int ask_cpu(uint32_t msr, uint64_t *value)
{
	if (cpu_wrmsr_safe(msr, *value))
		return PLINTH_E_FAULT;
	*value = cpu_rdmsr(msr);
	return 0;
}

static int judge_msr_write(const struct vmcs_msr *row, uint64_t *value)
{
	switch (row->writing) {
	case WRITE_CANONICAL: return canonical(*value) ? 0 : PLINTH_E_FAULT;
	case WRITE_TRIED: return ask_cpu(row->msr, value);
	case WRITE_PAT: return pat_valid(*value) ? 0 : PLINTH_E_FAULT;
	case WRITE_EFER: return efer_judge(vmcs_read(row->field), value);
	default: return PLINTH_E_FAULT;
	}
}

int vcpu_write_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	const struct vmcs_msr *row = row_of(vcpu, msr);
	int err;

	if (!vcpu_is_current(vcpu))
		return PLINTH_E_STATE;
	if (listed_of(vcpu, msr))
		return PLINTH_E_FAULT;
	/* Where root mode has the guest's IA32_EFER, its page tables still say what may not be executed. */
	if (!row && msr == MSR_IA32_EFER && !(value & EFER_NXE)) {
		LOG_WARN("guest wrote 0x%llx to IA32_EFER; refused: root mode needs NXE, and this CPU has "
			 "one for both",
			 (unsigned long long)value);
		return PLINTH_E_FAULT;
	}
	if (!row)
		return cpu_wrmsr_safe(msr, value);
	err = judge_msr_write(row, &value);
	if (!err)
		vmcs_write(row->field, value);
	return err;
}
