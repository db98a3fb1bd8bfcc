/* SPDX-License-Identifier: MIT */
/* What the files of vcpu_intel share. */
#ifndef PLINTH_VCPU_INTEL_INTERNAL_H
#define PLINTH_VCPU_INTEL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/log.h>
#include <plinth/vendor.h>
#include <plinth/x86.h>

#include "vmcs.h"

#define LOG_TAG "vmx"

#define INVVPID_ALL 2 /* type: every context */

/* -- caps.c: what this CPU offers -------------------------------------------- */

#define LISTED_MSRS 2

/* The VM-execution, exit and entry controls of this CPU, ready for the VMCS. */
struct controls {
	uint32_t pin, primary, secondary, exit, entry;
	uint64_t tertiary;
	bool has_timer; /* VMX-preemption timer */
	bool has_nmi_window;
	bool has_trap; /* monitor trap flag */
	bool has_vpid;
	uint32_t listed[LISTED_MSRS], n_listed; /* counters.c: MSRs that go by lists */
};

/**
 * caps_check() - every requirement, reads only.
 * @out: the controls to use; untouched on failure; may be NULL
 * Return: 0, PLINTH_E_NOTSUP, PLINTH_E_LOCKED, PLINTH_E_BUSY; the reason is logged.
 */
PLINTH_MUST_USE int caps_check(struct controls *out);

/** caps_has_lam() - linear-address masking: CR3 has two bits above the width of a physical address. */
bool caps_has_lam(void);

/**
 * caps_ways_into_vmx() - the bits of IA32_FEATURE_CONTROL one of which VMXON wants: that for the outside of
 * SMX operation and, where the CPU may be inside, that for the inside. Which of the two it is nobody can ask.
 */
uint64_t caps_ways_into_vmx(void);

/* -- control_registers.c: the guest's CR0, CR3, CR4 -------------------------------- */

struct vendor_private;

/** control_read_cr0(), control_read_cr4() - as the guest reads them. */
uint64_t control_read_cr0(const struct vendor_private *p);
uint64_t control_read_cr4(const struct vendor_private *p);
/** control_write_cr0(), _cr3(), _cr4() - as vcpu_write(). Return: 0 or PLINTH_E_INVAL. */
PLINTH_MUST_USE int control_write_cr0(const struct vendor_private *p, uint64_t value);
PLINTH_MUST_USE int control_write_cr3(const struct vendor_private *p, uint64_t value);
PLINTH_MUST_USE int control_write_cr4(const struct vendor_private *p, uint64_t value);

/* -- msr.c, msr_bitmap.c: the guest's MSRs -------------------------------------- */

/* How a write of the guest's value is done. */
enum msr_writing {
	WRITE_CANONICAL, /* any address */
	WRITE_TRIED,	 /* the CPU is asked: root mode does without this MSR */
	WRITE_PAT,
	WRITE_EFER,
	WRITE_NOT, /* only the CPU knows what is valid, and asking it would switch on in root mode what must
		      be off there */
};

/* An MSR of the guest's that lies in the VMCS while root mode runs. */
struct vmcs_msr {
	uint32_t msr;
	uint32_t field;
	uint32_t exit, entry; /* all of these controls save it on exits, and load it on entries; 0: always */
	enum msr_writing writing;
};

/*
 * VMXOFF brings back none of them. From ROW_PERF on: root mode must not run with it, so a CPU that can change
 * it on the way does, both ways; where it cannot it stays as the guest has it. From ROWS_KEPT on: they go
 * with the segments.
 */
enum {
	ROW_EFER,
	ROW_PAT,
	ROW_SYSENTER_CS,
	ROW_SYSENTER_ESP,
	ROW_SYSENTER_EIP,
	ROW_DEBUGCTL,
	ROW_PERF,
	ROW_BNDCFGS,
	ROW_RTIT,
	ROW_LBR,
	ROWS_KEPT,
	ROW_FS_BASE = ROWS_KEPT,
	ROW_GS_BASE,
	VMCS_MSRS,
};

extern const struct vmcs_msr vmcs_msrs[VMCS_MSRS];

/** msr_is_saved(), msr_is_loaded() - with these controls, by exits and by entries? */
static inline bool msr_is_saved(const struct controls *controls, const struct vmcs_msr *m)
{
	return (controls->exit & m->exit) == m->exit;
}

static inline bool msr_is_loaded(const struct controls *controls, const struct vmcs_msr *m)
{
	return (controls->entry & m->entry) == m->entry;
}

/**
 * msr_writes_can_exit() - could vcpu_write_msr() do any write of these? If not, the MSR is named in the log.
 */
bool msr_writes_can_exit(uint32_t first, uint32_t last);

/* A row of a list of MSRs (SDM, "VM-Exit Controls for MSRs"). */
struct msr_entry {
	uint32_t msr, reserved;
	uint64_t value;
};

/* What exits store and entries load, and what exits load; the CPU knows where it lies. */
struct msr_lists {
	struct msr_entry guest[LISTED_MSRS];
	struct msr_entry root[LISTED_MSRS];
} __attribute__((aligned(64)));

/* -- the vCPU's own ---------------------------------------------------------------- */

struct vendor_private {
	struct controls controls;
	void *vmcs;
	uint64_t vmcs_pa, lists_pa;
	uint64_t cr0_mask, cr4_mask; /* bits the guest does not own */
	uint64_t kept[ROWS_KEPT];    /* vendor_system() */
	struct vmcs_failure write_failure;
	struct msr_lists lists;
};

/* Of a CPU. */
struct vendor_cpu {
	void *vmxon;
	uint64_t vmxon_pa;
};

/* Of a guest. */
struct vendor_guest {
	void *msr_bitmap; /* a page: msr_bitmap.c */
	uint64_t msr_bitmap_pa;
	uint16_t vpid;
};

#define HOST_VPID 1u

/* What all share; set by vendor_init(). */
struct vendor_common {
	struct vendor_guest host;
	uint16_t last_vpid;	 /* that a guest has got */
	const struct slat *slat; /* NULL: no second-level translation */
};
extern struct vendor_common vendor_common;

/** vendor_guest_of() - vendor.c: a guest's own part; the host's is there without one. */
const struct vendor_guest *vendor_guest_of(const struct guest *guest);

/* -- counters.c: performance counters stand still in root mode -------------------------- */

/** counters_find() - which MSRs must go by lists on this CPU; the exit and entry controls are decided. */
void counters_find(struct controls *controls);
/** counters_write() - the lists, with the values of now, to memory and to the current VMCS. */
void counters_write(struct vendor_private *p);
/**
 * counters_give_back() - the guest's values of what went by lists; on tables that have the guest's kernel.
 */
void counters_give_back(const struct vendor_private *p);

/* -- setup.c: the VMCS of a launch -------------------------------------------------- */

PLINTH_MUST_USE int vmcs_setup(struct vcpu *vcpu, const struct vcpu_system *system,
			       const struct vendor_root *root);
/** vmcs_move() - the state stays, exits arrive elsewhere. */
PLINTH_MUST_USE int vmcs_move(struct vcpu *vcpu, const struct vendor_root *root);

/* -- exit.c ---------------------------------------------------------------------------- */

enum exit_action vcpu_on_exit(struct vcpu *vcpu);

#endif
