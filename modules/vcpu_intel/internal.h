/* SPDX-License-Identifier: MIT */
/* What the files of vcpu_intel share. */
#ifndef PLINTH_VCPU_INTEL_INTERNAL_H
#define PLINTH_VCPU_INTEL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/footprint.h>
#include <plinth/log.h>
#include <plinth/vcpu.h>
#include <plinth/x86.h>

#include "history.h"
#include "vmcs.h"

#define LOG_TAG "vcpu"

#define INVVPID_ALL 2 /* type: every context */

/* A report may be written on each of them. */
#define ROOT_STACK_PAGES  PLINTH_ROOT_STACK_PAGES
#define NMI_STACK_PAGES	  PLINTH_NMI_STACK_PAGES
#define FAULT_STACK_PAGES PLINTH_FAULT_STACK_PAGES
#define MC_STACK_PAGES	  PLINTH_MC_STACK_PAGES /* nothing is reported there */

/* -- caps.c: what this CPU offers -------------------------------------------- */

/*
 * What of CR4 the VMM keeps right for a guest that sets it: bits 0 (VME) to 14 (SMXE), and these. All others are its own and
 * stay 0: of those to come it knows nothing, with FRED events do not go through the IDT, and with LASS nothing that lies at
 * lower addresses, as the VMM does, can run with the kernel's privilege.
 */
#define CR4_KEPT                                                                                             \
	(0x7fffull | CR4_FSGSBASE | CR4_PCIDE | CR4_OSXSAVE | CR4_KL | CR4_SMEP | CR4_SMAP | CR4_PKE |       \
	 CR4_CET | CR4_PKS | CR4_UINTR | CR4_LAM_SUP)

#define S_CET_SHSTK 1ull /* the kernel runs on a shadow stack */
#define S_CET_ENDBR 4ull /* indirect branches must lead to ENDBR64 */

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
 * caps_kernel_shadow_stack() - does code with the kernel's privilege run on a shadow stack? The gate and the landing, which
 * change stacks, know nothing of it.
 * @cr4: of whoever would run it
 */
bool caps_kernel_shadow_stack(uint64_t cr4);

/**
 * caps_ways_into_vmx() - the bits of IA32_FEATURE_CONTROL one of which VMXON wants: that for the outside of SMX operation
 * and, where the CPU may be inside, that for the inside. Which of the two it is nobody can ask.
 */
uint64_t caps_ways_into_vmx(void);

/*
 * MSRs that root mode must not run with and that a CPU, if it can, changes on the way: cleared on exits and saved
 * before, loaded on entries. Where it cannot they stay as the guest has them.
 */
struct switched_msr {
	uint32_t exit, entry; /* the controls it takes, all of them */
	uint32_t field;	      /* where the guest's value is while root mode runs */
	uint32_t msr;
};

#define SWITCHED_MSRS 4
#define SWITCHED_PERF 0 /* the row of IA32_PERF_GLOBAL_CTRL */
extern const struct switched_msr switched_msrs[SWITCHED_MSRS];

/** is_switched() - do these controls change that MSR on the way? */
bool is_switched(const struct controls *controls, const struct switched_msr *msr);

/* -- msr.c, msr_bitmap.c: the guest's MSRs -------------------------------------- */

/** msr_writes_can_exit() - could vcpu_write_msr() do any write of these? If not, the MSR is named in the log.
 */
bool msr_writes_can_exit(uint32_t first, uint32_t last);
/** msr_bitmap_fill() - the page that the CPUs look at is there. */
void msr_bitmap_fill(void);

/* -- segment.c ------------------------------------------------------------------ */

enum segment { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEGMENTS };

struct segment_state {
	uint64_t base;
	uint32_t limit;
	uint32_t rights; /* as in the VMCS */
	uint16_t selector;
};

#define RIGHTS_UNUSABLE (1u << 16)
#define SELECTOR_TI	4u /* of the LDT */

/** segments_capture() - all eight from the registers and the descriptor tables in use. */
void segments_capture(struct segment_state *out, const struct cpu_table *gdt);
/** segment_descriptor() - the descriptor that would load as this usable segment, bits 63:32 of its base aside. */
uint64_t segment_descriptor(const struct segment_state *segment);
/** descriptor_base() - the base address in a descriptor of 8 or 16 bytes. */
uint64_t descriptor_base(const uint8_t *descriptor, bool system);

/* -- host.c: the CPU's own descriptor tables in root mode ------------------------ */

/*
 * One page. The first part of the GDT is free in root mode: at the end it takes a copy
 * of the guest's GDT, so that for a moment both worlds' selectors are valid.
 */
#define HOST_GDT_GUEST_BYTES 1024
#define HOST_CS		     (HOST_GDT_GUEST_BYTES + 0x00)
#define HOST_DS		     (HOST_GDT_GUEST_BYTES + 0x08)
#define HOST_TR		     (HOST_GDT_GUEST_BYTES + 0x10)
#define HOST_LDT	     (HOST_GDT_GUEST_BYTES + 0x20) /* on the way out: see host_show_ldt() */

struct host_tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7]; /* ist[0] is IST1 */
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_base;
} __attribute__((packed));

struct host_gate {
	uint64_t low, high;
};

/* A row of a list of MSRs (SDM, "VM-Exit Controls for MSRs"). */
struct msr_entry {
	uint32_t msr, reserved;
	uint64_t value;
};

struct host_tables {
	uint64_t gdt[HOST_GDT_GUEST_BYTES / 8 + 6];
	uint64_t ldt_entry; /* the only one that is there of the LDT at HOST_LDT */
	struct host_tss tss __attribute__((aligned(16)));
	struct host_gate idt[CPU_FAULT_VECTORS] __attribute__((aligned(16)));
	struct host_gate borrowed[CPU_FAULT_VECTORS] __attribute__((aligned(16))); /* by host_vmxon() */
	/* What exits store and entries load, and what exits load. */
	struct msr_entry guest_msrs[LISTED_MSRS] __attribute__((aligned(16)));
	struct msr_entry root_msrs[LISTED_MSRS];
};

void host_tables_init(struct host_tables *tables, uint64_t nmi_stack, uint64_t fault_stack, uint64_t mc_stack);
/** host_show_ldt() - make LDTR a table of the VMM's own in which a selector leads to this descriptor. */
void host_show_ldt(struct host_tables *tables, uint16_t selector, uint64_t descriptor);
/** host_gates_stay() - from now on exceptions and NMIs take the stack that is in use, not one of the task state. */
void host_gates_stay(struct host_tables *tables);
/** host_state_write() - the host area of the current VMCS. */
void host_state_write(struct vcpu *vcpu);
/** host_vmxon() - VMXON on the kernel's tables, which know of no fix-up: a #GP or #UD of it is CPU_VMX_FAULT. */
PLINTH_MUST_USE int host_vmxon(struct vcpu *vcpu);
/** host_fault() - the handler behind the IDT. */
void host_fault(struct cpu_fault *fault);

/* -- the vCPU's own ---------------------------------------------------------------- */

struct vcpu_private {
	struct controls controls;
	struct host_tables *host;
	void *nmi_stack, *fault_stack, *mc_stack;
	void *vmxon, *vmcs;
	uint64_t vmxon_pa, vmcs_pa, host_pa;
	uint64_t cr0_mask, cr4_mask; /* bits the guest does not own */
	uint64_t cr4_before;	     /* as vcpu_start() found it */

	/* What vcpu_start() was called with. */
	uint64_t rip, rsp, cr3, fs_base;
	uint64_t started; /* TSC */

	/* NMIs that arrived in root mode and wait for an entry that can deliver them. */
	uint32_t nmis_owed;
	bool mc_owed;	/* a machine check, the same; there is one at a time */
	bool injecting; /* ENTRY_INTERRUPTION_INFO is being written */
	bool vmx_on;	/* the VMCS is current and may be written */
	bool fatal;	/* give the CPU back as soon as that is possible */
	struct cpu_handback handback;
	struct history history;
	struct vmcs_failure write_failure;

	/* watchdog.c: NMIs that all found the same exit. */
	uint64_t loop_exits, loop_since;
	uint32_t loop_nmis;
};

/* What all vCPUs share; set by vcpu_init(). */
struct vcpu_common {
	void *msr_bitmap;
	uint64_t msr_bitmap_pa;
	uint64_t land, land_user;
	uint64_t user_cr3; /* bits of CR3 that tell user tables from the kernel's; 0: they are the same */
	const struct plinth_boot_module *modules;
	uint64_t n_modules;
	struct plinth_shared *shared;
	void *xapic;		      /* the local APIC's registers, once an INIT has arrived */
	const struct vcpu_slat *slat; /* NULL: no second-level translation */
};
extern struct vcpu_common vcpu_common;

/** state_set() - where this CPU stands, for the driver, which may look from any CPU at any time. */
static inline void state_set(struct vcpu *vcpu, enum plinth_cpu_state state)
{
	__atomic_store_n(&vcpu->shared->state, state, __ATOMIC_RELEASE);
}

/* -- counters.c: performance counters stand still in root mode -------------------------- */

/** counters_find() - which MSRs must go by lists on this CPU; the exit and entry controls are decided. */
void counters_find(struct controls *controls);
/** counters_write() - the lists, with the values of now, to memory and to the current VMCS. */
void counters_write(const struct vcpu_private *p);
/** counters_give_back() - the guest's values of what went by lists; on tables that have the guest's kernel. */
void counters_give_back(const struct vcpu_private *p);

/* -- setup.c: the VMCS of a launch -------------------------------------------------- */

PLINTH_MUST_USE int vmcs_setup(struct vcpu *vcpu);

/** entry_explain() - an entry failed: let the registered check, if any, say why. */
void entry_explain(struct vcpu *vcpu);

/* -- exit.c, leave.c, event.c ---------------------------------------------------------- */

enum exit_action vcpu_on_exit(struct vcpu *vcpu);
void vcpu_on_action(struct vcpu *vcpu, enum exit_action action);
void vcpu_on_resume_failure(struct vcpu *vcpu, int result);

/** vcpu_leave() - give the CPU back: VMX off, everything the guest's, on at the guest's RIP. */
void vcpu_leave(struct vcpu *vcpu) __attribute__((noreturn));

/** vcpu_can_leave() - does the guest's state allow vcpu_leave()? Else *why says what is in the way. */
bool vcpu_can_leave(struct vcpu *vcpu, const char **why);

/* -- report.c ---------------------------------------------------------------------------- */

/* What killed the VMM on this CPU. */
struct crash {
	const char *what;		/* e.g. "VM entry failed" */
	const struct cpu_fault *fault;	/* the interrupted code; NULL: the caller itself */
	bool entry;			/* ask for the rule that the VM entry broke */
	bool brief;			/* there is no stack for a report */
};

/**
 * vcpu_crash() - report, then give the CPU back at the guest's RIP, as if the exit had not
 * been; if that cannot be, halt.
 */
void vcpu_crash(struct vcpu *vcpu, const struct crash *crash) __attribute__((noreturn));

/* -- watchdog.c -------------------------------------------------------------------------- */

/** watchdog_nmi() - an NMI interrupted root mode at @fault: does it hang? Then it does not return. */
void watchdog_nmi(struct vcpu *vcpu, const struct cpu_fault *fault);

/** event_nmi() - an NMI arrived in root mode. */
void event_nmi(struct vcpu *vcpu);

/** event_nmi_exit() - was the exit at hand an NMI that exits while others are owed? Then it is one of them. */
bool event_nmi_exit(struct vcpu *vcpu);

/** event_machine_check() - one arrived in root mode. */
void event_machine_check(struct vcpu *vcpu);

/** event_withdraw() - no entry follows: the VMCS is not touched any more, a queued NMI or machine check is owed. */
void event_withdraw(struct vcpu *vcpu);

/** event_redeliver() - the exit is handled: the event it interrupted, if any, is delivered again. */
void event_redeliver(struct vcpu *vcpu);

#endif
