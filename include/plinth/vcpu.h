/* SPDX-License-Identifier: MIT */
/*
 * The vCPU: one logical CPU's guest, in words that fit every vendor. Provided by
 * vcpu_intel (role "vcpu"); a sibling for another vendor offers the same functions.
 */
#ifndef PLINTH_VCPU_H
#define PLINTH_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/error.h>
#include <plinth/intrinsics.h>
#include <plinth/shared.h>

/* In the order in which the exit stub pushes them, lowest address first. */
struct vcpu_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
};

/*
 * Facts of the last exit. The stub fills the first group, the vCPU module the kind; they
 * stay as they are until the next exit.
 */
struct vcpu_exit {
	uint64_t reason;	  /* as the hardware codes it */
	uint64_t rip;		  /* of the guest at the exit */
	uint64_t length;	  /* of the instruction that exited, if one did */
	uint64_t rflags;	  /* of the guest at the exit */
	uint64_t interruptibility; /* as the hardware codes it */
	uint32_t kind;		  /* enum plinth_exit_kind */
	uint32_t reserved0;
};

/* What a handler wants to happen next. */
enum exit_action {
	EXIT_NEXT = 0,	/* handled: skip the instruction and resume */
	EXIT_RETRY = 1, /* handled: resume at the guest's RIP as it now is */
	EXIT_LEAVE = 2, /* skip the instruction and give this CPU back */
	EXIT_FATAL = 3, /* not handled: report and stop this CPU safely */
};

struct vcpu;
typedef enum exit_action vcpu_exit_fn(struct vcpu *vcpu);

/*
 * Lies at the top of the CPU's root stack: on an exit the stack pointer is &on_exit, so
 * that the stub's pushes land in regs.
 */
struct vcpu {
	struct vcpu_regs regs;
	/* Handles the exit; EXIT_NEXT with nothing special about it the stub carries out itself. */
	enum exit_action (*on_exit)(struct vcpu *vcpu);
	/* Carries out any action; returns if the guest is to be resumed. */
	void (*on_action)(struct vcpu *vcpu, enum exit_action action);
	void (*on_resume_failure)(struct vcpu *vcpu, int result);
	uint64_t launch_rsp; /* of cpu_vmlaunch(), for an entry that fails early */
	struct vcpu_exit exit;
	vcpu_exit_fn *const *handlers; /* by enum plinth_exit_kind */
	struct plinth_shared_cpu *shared;
	struct cpu_local local;
	struct vcpu_private *priv; /* the vCPU module's own */
	void *extension;	   /* the exit handler module's own */
};

enum vcpu_reg {
	VCPU_RIP,
	VCPU_RSP,
	VCPU_RFLAGS,
	VCPU_CR0, /* control registers as the guest reads them */
	VCPU_CR2,
	VCPU_CR3,
	VCPU_CR4,
	VCPU_DR7,
	VCPU_EFER,
	VCPU_CS,
	VCPU_SS,
	VCPU_DS,
	VCPU_ES,
	VCPU_FS,
	VCPU_GS,
	VCPU_FS_BASE,
	VCPU_GS_BASE,
	VCPU_CPL,
	VCPU_CODE64, /* 1 if it executes 64-bit code, else 0; cannot be written */
	VCPU_REG_COUNT,
};

/* What a control register access wants (kind CR_ACCESS). */
enum vcpu_cr_op { VCPU_CR_WRITE, VCPU_CR_READ, VCPU_CR_CLTS, VCPU_CR_LMSW };

struct vcpu_cr_access {
	uint8_t cr;	  /* 0, 3, 4 or 8 */
	uint8_t op;	  /* enum vcpu_cr_op */
	uint8_t gpr;	  /* 0-15 in instruction encoding order: RAX, RCX, RDX, RBX, RSP, ... */
	uint64_t source;  /* LMSW: the source operand */
};

/*
 * Second-level translation, offered by a module of its own that registers itself in its
 * constructor. Without one the guest runs on the CPU's own paging alone.
 */
struct vcpu_slat {
	int (*init)(const struct plinth_boot *boot); /* within vcpu_init(); 0 or PLINTH_E_* */
	void (*fini)(void);			     /* within vcpu_fini() */
	uint64_t (*root)(void);			     /* of this CPU, as the hardware wants it (EPTP, nCR3) */
	/*
	 * Before each launch, in root operation on the CPU in question: look at what may have changed since the last one,
	 * and drop translations; 0 or PLINTH_E_*.
	 */
	int (*flush)(void);
};

/** vcpu_register_slat() - the last module to register wins; @slat stays valid until the unload. */
PLINTH_EXPORT void vcpu_register_slat(const struct vcpu_slat *slat);

/**
 * vcpu_init() - once per load: can be undone by vcpu_fini().
 * @boot: the launch ABI
 *
 * Context: boot stack, launch tables.
 * Return:  0 or PLINTH_E_NOMEM.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_init(const struct plinth_boot *boot);
PLINTH_EXPORT void vcpu_fini(void);

/**
 * vcpu_check() - could this CPU run a guest? Reads only.
 *
 * Context: launch tables, on the CPU in question.
 * Return:  0, PLINTH_E_NOTSUP (a feature is missing; named in the log), PLINTH_E_LOCKED,
 *          PLINTH_E_BUSY (CR4.VMXE is set).
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_check(void);

/**
 * vcpu_create() - allocate a vCPU and its stack.
 * @cpu:      the operating system's CPU number
 * @handlers: who handles an exit, by enum plinth_exit_kind: PLINTH_EXIT_KINDS rows, none NULL
 * @out:      result; untouched on failure
 *
 * Context: boot stack, launch tables.
 * Return:  0 or PLINTH_E_NOMEM; on failure nothing stays allocated.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_create(uint32_t cpu, vcpu_exit_fn *const *handlers, struct vcpu **out);
PLINTH_EXPORT void vcpu_destroy(struct vcpu *vcpu);

/**
 * vcpu_start() - turn the caller's operating system into this vCPU's guest.
 * @vcpu: created for this CPU
 * @rip, @rsp, @cr3: of the guest when it starts; its RAX is 0
 * @fs_base: of the guest
 *
 * Context: launch tables, on the CPU in question, interrupts off, on the vCPU's stack.
 * Return:  does not return on success; else as vcpu_check(), PLINTH_E_VMX or
 *          PLINTH_E_ENTRY, and the CPU is exactly as it was.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_start(struct vcpu *vcpu, uint64_t rip, uint64_t rsp, uint64_t cr3,
					     uint64_t fs_base);

/**
 * vcpu_read(), vcpu_write() - a register of the guest.
 *
 * Context: root mode, on the vCPU's CPU, during an exit. vcpu_write() of CR0, CR4 takes
 *          the value the guest wrote, keeps what the VMM needs in the real register and
 *          lets the guest read back what it wrote; of CR3 the operand as it stands, with the bit
 *          that asks not to flush. What the guest's own write flushes is flushed.
 * Return:  vcpu_write(): 0, or PLINTH_E_INVAL for a value the CPU would refuse (#GP).
 */
PLINTH_EXPORT uint64_t vcpu_read(struct vcpu *vcpu, enum vcpu_reg reg);
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_write(struct vcpu *vcpu, enum vcpu_reg reg, uint64_t value);

/** vcpu_gpr() - a general register by its number in instruction encodings, RSP included. */
PLINTH_EXPORT uint64_t vcpu_gpr(struct vcpu *vcpu, unsigned int number);
PLINTH_EXPORT void vcpu_set_gpr(struct vcpu *vcpu, unsigned int number, uint64_t value);

/** vcpu_qualification() - the exit's detail as the hardware codes it. */
PLINTH_EXPORT uint64_t vcpu_qualification(struct vcpu *vcpu);

/** vcpu_guest_physical() - the guest-physical address of an exit of kind SLAT_VIOLATION or SLAT_MISCONFIG. */
PLINTH_EXPORT uint64_t vcpu_guest_physical(struct vcpu *vcpu);

/** vcpu_cr_access() - decode an exit of kind CR_ACCESS. */
PLINTH_EXPORT void vcpu_cr_access(struct vcpu *vcpu, struct vcpu_cr_access *out);

/* Accesses of an MSR: bits. */
#define VCPU_MSR_READ  1u
#define VCPU_MSR_WRITE 2u

/**
 * vcpu_msr_exits() - do accesses of some MSRs leave for the VMM?
 * @first, @last: MSRs, both included
 * @what:         VCPU_MSR_*: which accesses
 * @exits:        true: they do, as kind MSR_READ or MSR_WRITE; false, as at first: the hardware carries them
 * out in the guest
 *
 * MSRs that the hardware cannot leave to a guest exit in any case. RDMSRLIST and its like exit at an MSR that
 * does, as kind MSR_LIST. It says so for all vCPUs.
 *
 * Context: while no CPU is a guest; before vcpu_init(), too (a constructor is right).
 * Return:  0; PLINTH_E_NOTSUP: the hardware changes one of them between root mode and guest, and a write of
 * it cannot be done in the guest's stead; PLINTH_E_INVAL.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_msr_exits(uint32_t first, uint32_t last, uint32_t what, bool exits);

/**
 * vcpu_read_msr(), vcpu_write_msr() - what RDMSR or WRMSR would do in the guest, to the guest's MSR.
 *
 * Context: root mode, on the vCPU's CPU, during an exit.
 * Return:  0, or PLINTH_E_FAULT where it would be #GP; then nothing has changed.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_read_msr(struct vcpu *vcpu, uint32_t msr, uint64_t *value);
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_write_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value);

/**
 * vcpu_inject() - deliver an exception at the next entry; answer EXIT_RETRY after it.
 * @vector:    0-31
 * @error:     error code; ignored unless @has_error
 */
PLINTH_EXPORT void vcpu_inject(struct vcpu *vcpu, uint8_t vector, bool has_error, uint32_t error);

/** vcpu_reinject() - deliver the event again that this exit interrupted or reported. */
PLINTH_EXPORT void vcpu_reinject(struct vcpu *vcpu);

/** vcpu_settle() - deliver what was put off (kind TIMER or NMI_WINDOW): owed NMIs. */
PLINTH_EXPORT void vcpu_settle(struct vcpu *vcpu);

/**
 * vcpu_step() - does the guest come back (kind STEP) behind its next instruction?
 * @on: false, as at first: it does not
 *
 * Behind the delivery of an event, if one comes first; and not before what is an exit by itself is over. It
 * stays on until it is turned off; there is one for all modules.
 *
 * Context: root mode, on the vCPU's CPU, during an exit.
 * Return:  0, or PLINTH_E_NOTSUP: this CPU cannot do that.
 * Source:  SDM, "Monitor Trap Flag".
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_step(struct vcpu *vcpu, bool on);

/**
 * vcpu_take_init() - an INIT arrived (kind INIT): the CPU leaves the VMM and is reset by it, as it would be natively.
 *
 * What waits for the INIT's sender then is the CPU itself, with every register as the hardware makes it; the VMM is not
 * under what a SIPI starts there.
 */
PLINTH_EXPORT void vcpu_take_init(struct vcpu *vcpu) __attribute__((noreturn));

typedef void vcpu_entry_check_fn(struct vcpu *vcpu);

/**
 * vcpu_register_entry_check() - whom to ask when an entry into the guest fails.
 * @check: logs what is wrong with the state that was to be entered; NULL: nobody
 *
 * Context: before the first CPU starts (a constructor is right). There is one.
 */
PLINTH_EXPORT void vcpu_register_entry_check(vcpu_entry_check_fn *check);

#endif
