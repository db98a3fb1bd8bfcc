/* SPDX-License-Identifier: MIT */
/*
 * What a vendor's hardware has for virtual machines, in as few words as the module vcpu needs: one module
 * offers them for each vendor (role "vendor"), and knows nothing of those above it. Its other half is
 * vcpu_state.h. Prefix vendor_.
 *
 * Context of all that takes a vCPU, unless it says otherwise: root mode, on the vCPU's CPU, interrupts off.
 * NMIs and machine checks may arrive in the middle of each; their handlers call what is marked with "nests".
 */
#ifndef PLINTH_VENDOR_H
#define PLINTH_VENDOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/error.h>
#include <plinth/slat.h>
#include <plinth/vcpu_state.h>
#include <plinth/x86.h>

/*
 * What of CR4 the VMM keeps right for a guest that sets it: bits 0 (VME) to 14 (SMXE), and these. All others
 * stay 0: of those to come it knows nothing, with FRED events do not go through the IDT, and with LASS
 * nothing that lies at lower addresses, as the VMM does, can run with the kernel's privilege.
 */
#define VENDOR_CR4_KEPT                                                                                      \
	(0x7fffull | CR4_FSGSBASE | CR4_PCIDE | CR4_OSXSAVE | CR4_KL | CR4_SMEP | CR4_SMAP | CR4_PKE |       \
	 CR4_CET | CR4_PKS | CR4_UINTR | CR4_LAM_SUP)

/* Where root mode runs on a CPU. */
struct vendor_root {
	uint64_t cr3;
	uint64_t fs_base; /* struct cpu_local */
	uint64_t tss, gdt, idt;
	uint16_t cs, ss, tr;
};

/* An event that is delivered to the guest, or was when it left. */
enum vcpu_event_type {
	VCPU_EVENT_NONE,
	VCPU_EVENT_INTERRUPT, /* of the machine's interrupt controllers */
	VCPU_EVENT_NMI,
	VCPU_EVENT_EXCEPTION,
	VCPU_EVENT_SOFT_INTERRUPT, /* INT n */
	VCPU_EVENT_PRIVILEGED,	   /* INT1 */
	VCPU_EVENT_SOFT_EXCEPTION, /* INT3, INTO */
};

struct vcpu_event {
	uint8_t type; /* enum vcpu_event_type */
	uint8_t vector;
	bool has_error;
	uint8_t length; /* of the instruction, for the last three */
	uint32_t error;
};

/* -- life -------------------------------------------------------------------------------------- */

/**
 * vendor_init() - once per load; undone by vendor_fini().
 * @slat: the second-level translation that guests get; NULL: none
 *
 * Context: boot stack, launch tables.
 * Return:  0 or PLINTH_E_NOMEM.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_init(const struct plinth_boot *boot, const struct slat *slat);
PLINTH_EXPORT void vendor_fini(void);

/**
 * vendor_check() - has this CPU what a guest takes? Reads only; the reason of a refusal is logged.
 *
 * Context: launch tables, on the CPU in question.
 * Return:  0, PLINTH_E_NOTSUP, PLINTH_E_LOCKED (the firmware has switched it off), PLINTH_E_BUSY (somebody
 * else uses it).
 */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_check(void);

/**
 * vendor_create() - the memory that the hardware wants for a vCPU, and who takes its exits: vcpu->vendor and
 * ->on_exit.
 *
 * Context: boot stack, launch tables.
 * Return:  0 or PLINTH_E_NOMEM; then nothing stays allocated.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_create(struct vcpu *vcpu);
PLINTH_EXPORT void vendor_destroy(struct vcpu *vcpu);

/** vendor_cpu_create() - the same for a CPU: cpu->vendor. */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_cpu_create(struct cpu *cpu);
PLINTH_EXPORT void vendor_cpu_destroy(struct cpu *cpu);

/**
 * vendor_guest_create() - the same for a guest: guest->vendor. Accesses of all MSRs exit, until
 * vcpu_msr_exits() says otherwise. The host's is there from the beginning.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_guest_create(struct guest *guest);
PLINTH_EXPORT void vendor_guest_destroy(struct guest *guest);

/* -- in and out: these four in this order, undone in the other ------------------------------------ */

/**
 * vendor_root_on() - the CPU can run guests from here on. vendor_root_off() - as before; it cannot fail.
 *
 * Context: launch tables, on the CPU, interrupts off; cpu->host is there.
 * Return:  0, as vendor_check(), or PLINTH_E_VIRT; then the CPU is as it was.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_root_on(struct cpu *cpu);
PLINTH_EXPORT void vendor_root_off(struct cpu *cpu);

/**
 * vendor_flush() - nothing is left of what others translated by the same tags. Return: 0 or PLINTH_E_VIRT.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_flush(struct vcpu *vcpu);

/**
 * vendor_load() - the vCPU's CPU holds its state from here on, and the hardware acts on it. vendor_unload() -
 * nobody holds it; the hardware acts on none if it was this.
 * @system: the guest; NULL: as it was when its state was unloaded
 * @root:   where exits arrive
 *
 * The guest's MSRs are those that the CPU has at this moment.
 *
 * Context: an NMI or a machine check that arrives meanwhile is only counted.
 * Return:  0 or PLINTH_E_VIRT; then the vCPU's state is nobody's.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_load(struct vcpu *vcpu, const struct vcpu_system *system,
					      const struct vendor_root *root);
PLINTH_EXPORT void vendor_unload(struct vcpu *vcpu);

/** vendor_switch() - the hardware acts on this vCPU, whose state the CPU holds; else as vendor_load(). */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_switch(struct vcpu *vcpu);

/**
 * vendor_enter() - the guest goes on; exits arrive in vcpu->on_exit.
 *
 * Return: only where the hardware refused before anything changed: PLINTH_E_VIRT. A later refusal is an exit
 * of kind ENTRY_FAILURE.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_enter(struct vcpu *vcpu);

/* -- what the guest was, on the way out ----------------------------------------------------------- */

/** vendor_system() - the guest as it now is; its MSRs are kept for vendor_give_msrs(). */
PLINTH_EXPORT void vendor_system(struct vcpu *vcpu, struct vcpu_system *out);

/**
 * vendor_give_msrs() - load what vendor_system() has kept.
 *
 * Context: any page tables that hold the guest's kernel: counters run again from here, and may write records
 * there.
 */
PLINTH_EXPORT void vendor_give_msrs(struct vcpu *vcpu);

/* -- the exit at hand -------------------------------------------------------------------------------- */

/**
 * vendor_skip() - over the instruction that exited, in every state of the guest: blocking ends, and a single
 * step's trap is raised. The way out of the usual exit does the same by itself.
 */
PLINTH_EXPORT void vendor_skip(struct vcpu *vcpu);

/** vendor_machine_check() - was the entry at hand (kind ENTRY_FAILURE) broken off by a machine check? */
PLINTH_EXPORT bool vendor_machine_check(struct vcpu *vcpu);

/**
 * vendor_nmi_unblocked() - did the exit come in the middle of an IRET that had already ended the blocking of
 * NMIs?
 */
PLINTH_EXPORT bool vendor_nmi_unblocked(struct vcpu *vcpu);

/* -- events -------------------------------------------------------------------------------------------- */

/** vendor_queued() - what the next entry will deliver. Nests. */
PLINTH_EXPORT struct vcpu_event vendor_queued(struct vcpu *vcpu);
/** vendor_queue() - have the next entry deliver this and nothing else; of type NONE: nothing. Nests. */
PLINTH_EXPORT void vendor_queue(struct vcpu *vcpu, const struct vcpu_event *event);
/** vendor_interrupted() - whose delivery the exit came into the middle of. */
PLINTH_EXPORT struct vcpu_event vendor_interrupted(struct vcpu *vcpu);
/** vendor_reported() - the event that the exit is. */
PLINTH_EXPORT struct vcpu_event vendor_reported(struct vcpu *vcpu);

/**
 * vendor_blocked() - what holds events back in the guest: VCPU_BLOCKED_*. vendor_block() - change it. Both
 * nest.
 */
PLINTH_EXPORT uint64_t vendor_blocked(struct vcpu *vcpu);
PLINTH_EXPORT void vendor_block(struct vcpu *vcpu, uint64_t set, uint64_t clear);

/* When a guest is to come back (kinds TIMER and NMI_WINDOW). */
enum vendor_recall {
	VENDOR_RECALL_NEVER,
	VENDOR_RECALL_NOW,   /* before its next instruction, or as soon as the CPU can */
	VENDOR_RECALL_LATER, /* when it has gone on for a while; where that cannot be told, not at all */
};

/** vendor_recall() - have the guest come back. Nests. */
PLINTH_EXPORT void vendor_recall(struct vcpu *vcpu, enum vendor_recall when);

/**
 * vendor_step() - the guest comes back (kind STEP) behind each instruction, or does not. Return: 0 or
 * PLINTH_E_NOTSUP.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vendor_step(struct vcpu *vcpu, bool on);

/* -- for the report of a crash --------------------------------------------------------------------------- */

/**
 * vendor_refusal_log() - why the hardware refused the last entry, in its own words, to the log.
 * @how: as vcpu->on_refusal() was told; 0: it was an exit of kind ENTRY_FAILURE, or vendor_enter()
 */
PLINTH_EXPORT void vendor_refusal_log(struct vcpu *vcpu, int how);
/** vendor_dump() - the vCPU as the hardware keeps it, to the log: all that is not 0, by name. */
PLINTH_EXPORT void vendor_dump(struct vcpu *vcpu);

typedef void vendor_entry_check_fn(struct vcpu *vcpu);

/**
 * vendor_register_entry_check() - whom vendor_refusal_log() asks, too.
 * @check: logs what is wrong with the state that was to be entered; NULL: nobody
 *
 * Context: before the first CPU starts (a constructor is right). There is one.
 */
PLINTH_EXPORT void vendor_register_entry_check(vendor_entry_check_fn *check);

#endif
