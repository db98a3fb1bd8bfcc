/* SPDX-License-Identifier: MIT */
/* VT-x: what the files of this part of the model share, and what tests of VT-x itself ask. */
#ifndef TESTS_MOCKS_MODEL_VMX_H
#define TESTS_MOCKS_MODEL_VMX_H

#include <plinth/vmcs.h>

#include "../internal.h"
#include "../translation.h"

extern const struct model_vendor model_vmx;

/** model_field() - a field of the current VMCS of a CPU, as software would read it. */
uint64_t model_field(uint32_t cpu, uint32_t field);
void model_set_field(uint32_t cpu, uint32_t field, uint64_t value);

/** model_timer_runs() - does the guest's VMX-preemption timer run? */
bool model_timer_runs(uint32_t cpu);
/** model_nmi_window_opens() - does the guest leave because it could take an NMI now, as it was asked to? */
bool model_nmi_window_opens(uint32_t cpu);
/** model_window_opens() - does the guest leave because it could take an interrupt now, as it was asked to? */
bool model_window_opens(uint32_t cpu);

/** vmx_caps() - what the machine's CPUs can. */
struct vmx_caps vmx_caps(void);

/* Of CR0 what neither entries nor exits change: ET, NW, CD and the reserved bits. */
#define CR0_STAYS 0x7ffaffd0ull

/* vmcs.c (SDM, "VM Instruction Error Numbers") */
enum {
	VMX_ERROR_CLEAR_ADDRESS = 2,
	VMX_ERROR_CLEAR_VMXON = 3,
	VMX_ERROR_LAUNCH_STATE = 4,
	VMX_ERROR_RESUME_STATE = 5,
	VMX_ERROR_CONTROLS = 7,
	VMX_ERROR_HOST = 8,
	VMX_ERROR_LOAD_ADDRESS = 9,
	VMX_ERROR_LOAD_VMXON = 10,
	VMX_ERROR_LOAD_REVISION = 11,
	VMX_ERROR_FIELD = 12,
	VMX_ERROR_READ_ONLY = 13,
	VMX_ERROR_VMXON = 15,
	VMX_ERROR_MOV_SS = 26,
	VMX_ERROR_INVALIDATE = 28
};
void vmcs_reset_all(void);
unsigned int vmcs_active(void);
int vmx_fail(uint32_t error);
uint64_t vmcs_get(const struct model_cpu *cpu, uint32_t field);
void vmcs_put(const struct model_cpu *cpu, uint32_t field, uint64_t value);
bool vmcs_launched(const struct model_cpu *cpu);
void vmcs_set_launched(const struct model_cpu *cpu);

/* msr_list.c: false: an MSR that cannot be stored or loaded. */
bool vmx_msrs_store(struct model_cpu *cpu, uint32_t count_field, uint32_t address_field);
bool vmx_msrs_load(struct model_cpu *cpu, uint32_t count_field, uint32_t address_field);

/* vmx.c: may CR0 or CR4 be so in VMX operation? */
bool vmx_cr_ok(uint32_t cr, uint64_t value);

/* capabilities.c: the MSRs that tell them. */
bool vmx_msr_read(uint32_t msr, uint64_t *value);

/* reasons.c: of exits. */
uint32_t vmx_kind_of(uint64_t reason);
/* The exit as the hardware has it: reason and qualification. */
struct model_exit vmx_exit_of(const struct model_cpu *cpu, const struct model_exit *exit);

/* entry.c: into the guest. 0, or an enum cpu_vmx_result; or, with *exits set, an exit. */
int vmx_enter(struct model_cpu *cpu, const struct vcpu_regs *regs, bool resume, bool *exits);
/* exit.c: from the guest: state to the VMCS, the host's from it. NULL: of an entry that failed. */
void vmx_leave(struct model_cpu *cpu, const struct model_exit *exit);

/* ept.c */
uint64_t ept_tables(const struct model_cpu *cpu, uint32_t *levels);
struct translation ept_translation(const struct model_cpu *cpu, uint64_t gpa);

#endif
