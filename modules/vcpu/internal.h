/* SPDX-License-Identifier: MIT */
/* What the files of vcpu share. */
#ifndef PLINTH_VCPU_INTERNAL_H
#define PLINTH_VCPU_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/footprint.h>
#include <plinth/log.h>
#include <plinth/vcpu.h>
#include <plinth/vendor.h>
#include <plinth/x86.h>

#define LOG_TAG "vcpu"

/*
 * What a CPU has in root mode beside its vCPUs' root stacks. A machine check may arrive on any of the others,
 * and goes back there.
 */
enum cpu_stack { STACK_NMI, STACK_FAULT, STACK_MC, CPU_STACKS };

/* -- segment.c: segment registers and descriptors --------------------------------------- */

#define SELECTOR_TI 4u /* of the LDT */

/** segments_capture() - all eight from the registers and the descriptor tables in use. */
void segments_capture(struct vcpu_segment_state *out, const struct cpu_table *gdt);
/**
 * segment_descriptor() - the descriptor that would load as this usable segment, bits 63:32 of its base aside.
 */
uint64_t segment_descriptor(const struct vcpu_segment_state *segment);

/* -- tables.c: the CPU's own descriptor tables in root mode ------------------------------- */

/*
 * One page. The first part of the GDT is free in root mode: at the end it takes a copy
 * of the guest's GDT, so that for a moment both worlds' selectors are valid.
 */
#define TABLES_GUEST_BYTES 1024
#define TABLES_CS	   (TABLES_GUEST_BYTES + 0x00)
#define TABLES_DS	   (TABLES_GUEST_BYTES + 0x08)
#define TABLES_TR	   (TABLES_GUEST_BYTES + 0x10)
#define TABLES_LDT	   (TABLES_GUEST_BYTES + 0x20) /* on the way out: see tables_show_ldt() */

struct task_state {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7]; /* ist[0] is IST1 */
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_base;
} __attribute__((packed));

struct tables {
	uint64_t gdt[TABLES_GUEST_BYTES / 8 + 6];
	uint64_t ldt_entry; /* the only one that is there of the LDT at TABLES_LDT */
	struct task_state tss __attribute__((aligned(16)));
	struct cpu_gate idt[CPU_FAULT_VECTORS] __attribute__((aligned(16)));
};

/** tables_init() - @stack: the tops, by enum cpu_stack. */
void tables_init(struct tables *tables, void *const *stack);
/** tables_root() - where exits arrive on a CPU that has these tables. */
struct vendor_root tables_root(struct tables *tables, struct cpu_local *local);
/** tables_show_ldt() - make LDTR a table of the VMM's own in which a selector leads to this descriptor. */
void tables_show_ldt(struct tables *tables, uint16_t selector, uint64_t descriptor);
/**
 * tables_gates_stay() - from now on exceptions and NMIs take the stack that is in use, not one of the task
 * state.
 */
void tables_gates_stay(struct tables *tables);

/* -- fault.c ------------------------------------------------------------------------------- */

/** fault_arrived() - the handler behind the IDT. */
void fault_arrived(struct cpu_fault *fault);

/* -- history.c: the last exits of a CPU, for the report of its crash ------------------------ */

#define HISTORY_ROWS 32

/* One exit of any kind but CPUID. */
struct history_row {
	uint64_t rip;	 /* of the guest */
	uint64_t cpuids; /* CPUID exits of this CPU so far */
	uint32_t kind;	 /* enum plinth_exit_kind */
	uint32_t reserved0;
};

struct history {
	uint64_t n; /* exits written; the last one is rows[(n - 1) % HISTORY_ROWS] */
	struct history_row rows[HISTORY_ROWS];
};

/**
 * history_handlers() - guest->recording: handlers that write the history and then call those of the guest.
 */
void history_handlers(struct guest *guest);

/** history_log() - write it to the log, newest exit first. */
void history_log(const struct vcpu *vcpu);

/* -- the CPU's own ----------------------------------------------------------------- */

struct cpu_private {
	struct tables *tables;
	void *stack[CPU_STACKS]; /* the tops */

	uint64_t began;	  /* RIP of the host's first instruction */
	uint64_t started; /* TSC */

	/* NMIs that arrived in root mode and wait for an entry that can deliver them. */
	uint32_t nmis_owed;
	bool mc_owed;	/* a machine check, the same; there is one at a time */
	bool injecting; /* the event of the next entry is being decided */
	bool loaded;	/* the hardware acts on the current vCPU: its state may be read and written */
	bool fatal;	/* give the CPU back as soon as that is possible */
	struct cpu_handback handback;
	struct history history;
	struct cpu *next; /* flush.c: of all */
	uint64_t flushed; /* the newest ticket that is done */
	/* The newest ticket when it was sent an NMI: as long as it is not done, that one is on its way. */
	uint64_t hastened;

	/* watchdog.c: NMIs that all found the same exit. */
	uint64_t loop_exits, loop_since;
	uint32_t loop_nmis;

	uint32_t apic_id; /* by which others reach its local APIC */
};

/* What all vCPUs share; set by vcpu_init(). */
struct vcpu_common {
	uint64_t land, land_user;
	uint64_t user_cr3; /* bits of CR3 that tell user tables from the kernel's; 0: they are the same */
	const struct plinth_boot_module *modules;
	uint64_t n_modules;
	struct plinth_shared *shared;
	void *xapic;		 /* the local APIC's registers, once apic_reach() has mapped them */
	const struct slat *slat; /* NULL: no second-level translation */
};
extern struct vcpu_common vcpu_common;

/** state_set() - where this CPU stands, for the driver, which may look from any CPU at any time. */
static inline void state_set(struct vcpu *vcpu, enum plinth_cpu_state state)
{
	__atomic_store_n(&vcpu->shared->state, state, __ATOMIC_RELEASE);
}

/**
 * kernel_shadow_stack() - does code with the kernel's privilege run on a shadow stack, with this CR4? The
 * gate and the landing, which change stacks, know nothing of it.
 */
bool kernel_shadow_stack(uint64_t cr4);

/* -- action.c, leave.c ------------------------------------------------------------------ */

struct vcpu *vcpu_on_action(struct vcpu *vcpu, enum exit_action action);
struct vcpu *vcpu_on_refusal(struct vcpu *vcpu, int how);

/**
 * entry_failed() - exits of kind ENTRY_FAILURE. A machine check on the way in is the guest's, as any other
 * (SDM, "Machine-Check Events During VM Entry"): the entry is made again, but for a first one, as nothing was
 * launched.
 */
enum exit_action entry_failed(struct vcpu *vcpu, vcpu_exit_fn *handler);

/** vcpu_leave() - give the CPU back to the host, whose vCPU this is: on at its RIP. */
void vcpu_leave(struct vcpu *vcpu) __attribute__((noreturn));

/** vcpu_can_leave() - does the guest's state allow vcpu_leave()? Else *why says what is in the way. */
bool vcpu_can_leave(struct vcpu *vcpu, const char **why);

/** vcpu_withdraw() - no entry follows: the CPU runs no guests any more, and what was queued is owed. */
void vcpu_withdraw(struct vcpu *host);

/* -- restore.c: the CPU's registers become the guest's --------------------------------------- */

/** system_is_user() - was it in user mode? */
static inline bool system_is_user(const struct vcpu_system *system)
{
	return system->segment[SEG_CS].selector & 3;
}

/** restore_control_registers() - CR0 and CR4, on the launch tables; no translation is left. */
void restore_control_registers(const struct vcpu_system *system);

/**
 * restore_registers() - DR7, shadow stack, segments and descriptor tables, whose way leads over @tables.
 *
 * Context: on the launch tables, with the guest's control registers and MSRs.
 */
void restore_registers(struct tables *tables, const struct vcpu_system *system);

/* -- vcpu.c, cpu.c, guest.c: life ------------------------------------------------------------- */

/**
 * vcpu_make() - on a new root stack; with the hardware's part. @exits: its counters. Return: 0 or
 * PLINTH_E_NOMEM.
 */
PLINTH_MUST_USE int vcpu_make(struct guest *guest, uint64_t *exits, struct vcpu **out);
void vcpu_unmake(struct vcpu *vcpu);

/** host_init() - at a load: the host's space, and no handlers yet. host_handlers() - they are these. */
void host_init(struct slat_space *space);
void host_handlers(vcpu_exit_fn *const *handlers);

/* -- switch.c --------------------------------------------------------------------------------- */

/** switch_to() - the CPU goes on with @next. Return: whom to resume, in the end. */
struct vcpu *switch_to(struct vcpu *next);
/** switch_to_host() - for the way out. */
struct vcpu *switch_to_host(struct vcpu *vcpu);
/** switch_refused() - an entry was refused: an exit of kind ENTRY_FAILURE. Return: whom to resume. */
struct vcpu *switch_refused(struct vcpu *vcpu);
/** switch_unload_all() - no state is held but the current one. */
void switch_unload_all(struct cpu *cpu);

/* -- stacks.c ---------------------------------------------------------------------------- */

/** stacks_alloc(), stacks_free() - a step: those of a struct cpu. Return: 0 or PLINTH_E_NOMEM. */
PLINTH_MUST_USE int stacks_alloc(void *cpu);
void stacks_free(void *cpu);
/** stacks_hold() - may two words be read there, on a stack of this vCPU's? */
bool stacks_hold(const struct vcpu *vcpu, uint64_t address);
/** stacks_log_guard() - says so if the address is in the guard page below one. */
void stacks_log_guard(const struct vcpu *vcpu, uint64_t address);
/** stacks_log_depths() - how deep each ever was. */
void stacks_log_depths(const struct vcpu *vcpu);

/* -- guest_memory.c ------------------------------------------------------------------------ */

/**
 * guest_ordinary() - ordinary memory that the guest may use so.
 * @wanted: SLAT_*
 * @hpa:    its address in the machine; untouched on failure
 * Context: there is second-level translation. Return: as of mem_glance(); NULL: refused.
 */
void *guest_ordinary(struct vcpu *vcpu, uint64_t gpa, uint32_t wanted, uint64_t *hpa);

/* -- apic.c -------------------------------------------------------------------------------- */

/**
 * apic_reach() - may this CPU send something through its local APIC?
 * @xapic: its registers, mapped when they are needed first: a load does without them; NULL: in x2APIC mode
 */
bool apic_reach(volatile uint32_t **xapic);
/** apic_id() - the number of this CPU's local APIC, by which others reach it. */
uint32_t apic_id(void);

/* -- flush.c ------------------------------------------------------------------------------- */

/** flush_join(), flush_part() - from now on it is asked, too; it is not any more. */
void flush_join(struct cpu *cpu);
void flush_part(struct cpu *cpu);
/** flush_at_start() - vendor_flush(): what was asked for before is done with it. */
int flush_at_start(struct vcpu *vcpu);
/**
 * flush_after_switch() - this vCPU is current from here on, and whoever asked may have found the one before.
 */
void flush_after_switch(struct vcpu *vcpu);
/** flush_forget() - nobody is about to ask this vCPU, which is no CPU's any more. */
void flush_forget(void);

/* -- report.c ---------------------------------------------------------------------------- */

/* What killed the VMM on this CPU. */
struct crash {
	const char *what;	       /* e.g. "VM entry failed" */
	const struct cpu_fault *fault; /* the interrupted code; NULL: the caller itself */
	bool entry;		       /* ask for the rule that the entry broke */
	int refusal;		       /* then: for vendor_refusal_log() */
	bool brief;		       /* there is no stack for a report */
};

/**
 * vcpu_crash() - report, then give the CPU back at the guest's RIP, as if the exit had not
 * been; if that cannot be, halt.
 */
void vcpu_crash(struct vcpu *vcpu, const struct crash *crash) __attribute__((noreturn));

/* -- watchdog.c -------------------------------------------------------------------------- */

/** watchdog_nmi() - an NMI interrupted root mode at @fault: does it hang? Then it does not return. */
void watchdog_nmi(struct vcpu *vcpu, const struct cpu_fault *fault);

/* -- event.c ----------------------------------------------------------------------------- */

/** event_nmi() - an NMI arrived in root mode. */
void event_nmi(struct vcpu *vcpu);

/**
 * event_nmi_exit() - was the exit at hand an NMI that exits while others are owed? Then it is one of them.
 */
bool event_nmi_exit(struct vcpu *vcpu);

/** event_machine_check() - one arrived in root mode. */
void event_machine_check(struct vcpu *vcpu);

/** event_withdraw() - no entry follows: a queued NMI or machine check is owed. */
void event_withdraw(struct vcpu *vcpu);

/** event_recall_owed() - if anything is owed the guest comes back for it. */
void event_recall_owed(struct vcpu *vcpu);

/** event_can_wait() - is it what arrives in root mode, and may be owed? */
bool event_can_wait(const struct vcpu_event *event);

/** event_queue() - the next entry delivers this; what was queued and can wait is owed. */
void event_queue(struct vcpu *vcpu, const struct vcpu_event *event);

/** event_block_nmi_again() - if the exit came in the middle of an IRET that had unblocked NMIs already. */
void event_block_nmi_again(struct vcpu *vcpu);

/** event_shut_down() - as a triple fault does. */
void event_shut_down(struct vcpu *vcpu);

/* -- redeliver.c ------------------------------------------------------------------------- */

/** event_redeliver() - the exit is handled: the event it interrupted, if any, is delivered again. */
void event_redeliver(struct vcpu *vcpu);

#endif
