/* SPDX-License-Identifier: MIT */
/*
 * A CPU, a vCPU and a guest, which are three things; a vCPU's state, and what its last exit was about, by
 * names that fit every vendor. Provided by the vendor's module (role "vendor"), which knows where the
 * hardware keeps it. Prefix vcpu_.
 */
#ifndef PLINTH_VCPU_STATE_H
#define PLINTH_VCPU_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/error.h>
#include <plinth/intrinsics.h>
#include <plinth/shared.h>

/* What holds back events that could else be delivered: bits of struct vcpu_exit and of vendor_blocked(). */
#define VCPU_BLOCKED_STI 1u /* the instruction behind STI */
#define VCPU_BLOCKED_SS	 2u /* the instruction behind a load of SS */
#define VCPU_BLOCKED_NMI 8u /* the handler of an NMI */

/*
 * Facts of the last exit. The stub fills the first group, the vendor's module the kind; they
 * stay as they are until the next exit.
 */
struct vcpu_exit {
	uint64_t reason;  /* as the hardware codes it: for logs */
	uint64_t rip;	  /* of the guest at the exit */
	uint64_t length;  /* of the instruction that exited, if one did */
	uint64_t rflags;  /* of the guest at the exit */
	uint64_t blocked; /* VCPU_BLOCKED_* */
	uint32_t kind;	  /* enum plinth_exit_kind */
	uint32_t reserved0;
};

/* What a handler wants to happen next. */
enum exit_action {
	EXIT_NEXT = 0,	/* handled: skip the instruction and resume */
	EXIT_RETRY = 1, /* handled: resume at the guest's RIP as it now is */
	EXIT_LEAVE = 2, /* skip the instruction and give this CPU back */
	EXIT_FATAL = 3, /* not handled: report and stop this CPU safely */
	/* As EXIT_RETRY, but the CPU goes on with another vCPU: vcpu_choose(). */
	EXIT_SWITCH = 4,
};

struct vcpu;
typedef enum exit_action vcpu_exit_fn(struct vcpu *vcpu);

/* What all vCPUs of a guest have in common. Whoever makes one fills in the first three: guest_init(). */
struct guest {
	struct slat_space *space;      /* its memory; NULL: the CPU's own paging alone */
	vcpu_exit_fn *const *handlers; /* by enum plinth_exit_kind: PLINTH_EXIT_KINDS rows, none NULL */
	void *policy;		       /* the handlers' own */
	struct vendor_guest *vendor;   /* the vendor's module's own: which accesses exit */
	vcpu_exit_fn *recording[PLINTH_EXIT_KINDS]; /* the module vcpu's own: what it calls before them */
};

/* A logical CPU in the VMM's hands: from cpu_create() on. */
struct cpu {
	struct cpu_local
		local;	     /* its number, and its current vCPU: the one whose guest it runs or ran last */
	struct vcpu *host;   /* the vCPU of the system that was there before */
	struct vcpu *held;   /* others whose state it holds, linked by next_held */
	struct vcpu *chosen; /* whom EXIT_SWITCH resumes */
	struct plinth_shared_cpu *shared;
	struct cpu_private *priv;  /* the module vcpu's own */
	struct vendor_cpu *vendor; /* the vendor's module's own */
};

/*
 * Lies at the top of its root stack: on an exit the stack pointer is &on_exit, so that the stub's pushes land
 * in regs.
 */
struct vcpu {
	struct vcpu_regs regs;
	/* Handles the exit; EXIT_NEXT with nothing special about it the stub carries out itself. */
	enum exit_action (*on_exit)(struct vcpu *vcpu);
	/* Carries out any action. Return: whom to resume. */
	struct vcpu *(*on_action)(struct vcpu *vcpu, enum exit_action action);
	/* The guest could not be entered again, @how is for vendor_refusal_log(). Return: whom to resume. */
	struct vcpu *(*on_refusal)(struct vcpu *vcpu, int how);
	uint64_t stub; /* what the way in and out keeps for itself */
	struct vcpu_exit exit;
	vcpu_exit_fn *const *handlers; /* guest->recording, or those of flush.c */
	uint64_t *exits;	       /* counters by enum plinth_exit_kind; the host's are its CPU's */
	struct guest *guest;
	struct cpu *cpu;		  /* that holds its state; NULL: none */
	struct plinth_shared_cpu *shared; /* of that CPU */
	struct vcpu *next_held;
	bool entered;		       /* since its state was loaded */
	struct vendor_private *vendor; /* the vendor's module's own */
};

/** vcpu_is_current() - may its state be read and written? */
static inline bool vcpu_is_current(const struct vcpu *vcpu)
{
	return vcpu->cpu && vcpu->cpu->local.vcpu == vcpu;
}

/** vcpu_handle() - what handles such an exit has its say. Other CPUs exchange the handlers: vcpu_flush(). */
static inline __attribute__((always_inline)) enum exit_action vcpu_handle(struct vcpu *vcpu, uint64_t kind)
{
	return __atomic_load_n(&vcpu->handlers, __ATOMIC_RELAXED)[kind](vcpu);
}

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

enum vcpu_segment { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };

/* A segment register, whole. */
struct vcpu_segment_state {
	uint64_t base;
	uint32_t limit;	 /* in bytes */
	uint32_t rights; /* bits 8 to 15 and 20 to 23 of a descriptor's upper half, at 0 and 12; or
			    SEG_UNUSABLE */
	uint16_t selector;
};

#define SEG_UNUSABLE (1u << 16) /* it holds no segment */

/*
 * A system, as it is turned into a guest and as it is given back. MSRs are not in it: they go with the CPU.
 */
struct vcpu_system {
	uint64_t cr0, cr3, cr4; /* as the system itself has them */
	uint64_t rip, rsp, rflags, dr7;
	uint64_t ssp; /* shadow stack pointer; 0 where there are none */
	struct vcpu_segment_state segment[SEG_COUNT];
	struct cpu_table gdt, idt;
};

/* What a control register access wants (kind CR_ACCESS). */
enum vcpu_cr_op { VCPU_CR_WRITE, VCPU_CR_READ, VCPU_CR_CLTS, VCPU_CR_LMSW };

struct vcpu_cr_access {
	uint8_t cr;	 /* 0, 3, 4 or 8 */
	uint8_t op;	 /* enum vcpu_cr_op */
	uint8_t gpr;	 /* 0-15 in instruction encoding order: RAX, RCX, RDX, RBX, RSP, ... */
	uint64_t source; /* LMSW: the source operand */
};

/* What the guest wanted of memory (kinds SLAT_VIOLATION and SLAT_MISCONFIG). */
struct vcpu_memory_access {
	uint64_t address; /* guest-physical */
	uint8_t wanted;	  /* SLAT_READ, SLAT_WRITE, SLAT_EXECUTE */
	bool mapped;	  /* the translation that was there allows something; of a SLAT_VIOLATION only */
};

/**
 * vcpu_read(), vcpu_write() - a register of the guest.
 *
 * Of a vCPU that is not its CPU's current one nothing is read or written: general registers aside, which are
 * in vcpu->regs, its state is the hardware's. That holds for all functions here.
 *
 * Context: root mode, on the vCPU's CPU, during an exit. vcpu_write() of CR0, CR4 takes
 *          the value the guest wrote, keeps what the VMM needs in the real register and
 *          lets the guest read back what it wrote; of CR3 the operand as it stands, with the bit
 *          that asks not to flush. What the guest's own write flushes is flushed.
 * Return:  vcpu_read(): 0 if it is not current. vcpu_write(): 0, PLINTH_E_INVAL for a value the CPU would
 *          refuse (#GP), or PLINTH_E_STATE: it is not current.
 */
PLINTH_EXPORT uint64_t vcpu_read(struct vcpu *vcpu, enum vcpu_reg reg);
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_write(struct vcpu *vcpu, enum vcpu_reg reg, uint64_t value);

/** vcpu_gpr() - a general register by its number in instruction encodings, RSP included. */
PLINTH_EXPORT uint64_t vcpu_gpr(struct vcpu *vcpu, unsigned int number);
PLINTH_EXPORT void vcpu_set_gpr(struct vcpu *vcpu, unsigned int number, uint64_t value);

/** vcpu_detail() - the exit's detail as the hardware codes it: for logs and traces, not for decisions. */
PLINTH_EXPORT uint64_t vcpu_detail(struct vcpu *vcpu);

/** vcpu_memory_access() - decode an exit of kind SLAT_VIOLATION or SLAT_MISCONFIG. */
PLINTH_EXPORT void vcpu_memory_access(struct vcpu *vcpu, struct vcpu_memory_access *out);

/** vcpu_cr_access() - decode an exit of kind CR_ACCESS. */
PLINTH_EXPORT void vcpu_cr_access(struct vcpu *vcpu, struct vcpu_cr_access *out);

/* Accesses of an MSR: bits. */
#define VCPU_MSR_READ  1u
#define VCPU_MSR_WRITE 2u

/**
 * vcpu_msr_exits() - do accesses of some MSRs leave for the VMM?
 * @guest:        whose; guest_host() at any time, another from guest_init() on
 * @first, @last: MSRs, both included
 * @what:         VCPU_MSR_*: which accesses
 * @exits:        true: they do, as kind MSR_READ or MSR_WRITE; false: the hardware carries them out in the
 * guest. At first the host's do not, and any other guest's do
 *
 * MSRs that the hardware cannot leave to a guest exit in any case. RDMSRLIST and its like exit at an MSR that
 * does, as kind MSR_LIST. It holds for all vCPUs of the guest.
 *
 * Context: while no vCPU of the guest runs; the host's before vcpu_init(), too, but then the answer is all
 * there is of it: who wants exits asks again afterwards.
 * Return:  0; PLINTH_E_NOTSUP: the hardware changes one of them between root mode and guest, and a write of
 * it cannot be done in the guest's stead; PLINTH_E_INVAL.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_msr_exits(struct guest *guest, uint32_t first, uint32_t last,
						 uint32_t what, bool exits);

/**
 * vcpu_read_msr(), vcpu_write_msr() - what RDMSR or WRMSR would do in the guest, to the guest's MSR.
 *
 * Context: root mode, on the vCPU's CPU, during an exit.
 * Return:  0, PLINTH_E_FAULT where it would be #GP, PLINTH_E_STATE: it is not current; then nothing has
 *          changed.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_read_msr(struct vcpu *vcpu, uint32_t msr, uint64_t *value);
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_write_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value);

#endif
