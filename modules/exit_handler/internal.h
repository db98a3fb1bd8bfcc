/* SPDX-License-Identifier: MIT */
/* What the files of the exit handler share: its state, who is registered, the built-in handlers. */
#ifndef PLINTH_EXIT_HANDLER_INTERNAL_H
#define PLINTH_EXIT_HANDLER_INTERNAL_H

#include <plinth/exit_handler.h>
#include <plinth/log.h>
#include <plinth/x86.h>

#define LOG_TAG "exit"

/* cpuid.c */
vcpu_exit_fn exit_cpuid;
void cpuid_init(void);
/**
 * cpuid_handler() - what stands in the table: exit_cpuid(), or the longer road if somebody wants any leaf.
 */
vcpu_exit_fn *cpuid_handler(void);
/* dispatch.c: after a change of what is registered */
void table_refresh(void);
/* hypercall.c */
vcpu_exit_fn exit_hypercall;
/* control.c */
vcpu_exit_fn exit_cr_access, exit_xsetbv;
/* msr.c */
vcpu_exit_fn exit_msr_read, exit_msr_write, exit_msr_list;
PLINTH_MUST_USE int msr_init(void);
/* instruction.c */
vcpu_exit_fn exit_invd, exit_settle, exit_triple_fault, exit_getsec, exit_memory, exit_init_signal;
/** exit_raise_gp(), exit_raise_ud() - inject #GP(0) or #UD and answer EXIT_RETRY. */
vcpu_exit_fn exit_raise_gp, exit_raise_ud;

/* -- beneath.c: a hypervisor that was there before us ------------------------------- */

void beneath_init(void);
/** beneath_call() - a hypercall that is not ours. */
enum exit_action beneath_call(struct vcpu *vcpu);
/**
 * beneath_cpuid_faults() - is this CPUID one that the kernel wants #GP for, and the CPU has not raised it?
 */
bool beneath_cpuid_faults(struct vcpu *vcpu);

/* -- chain.c: who wants what -------------------------------------------------------- */

/* One registration. Its owner is the module in whose image the handler lies. */
struct chain_row {
	uint32_t sort;	      /* enum plinth_registered: says which handler, and what is registered */
	uint32_t what;	      /* bits: of MSRs VCPU_MSR_*, of hypercalls who may make them; else CHAIN_ANY */
	uint64_t first, last; /* of CPUID leaf and subleaf, as struct plinth_ctl_registration has them */
	union {
		exit_hook_fn *hook;
		exit_cpuid_fn *cpuid;
		exit_msr_fn *msr;
	} handler;
	void *context;
};

#define CHAIN_ANY 1u

/* What becomes of a guest's exits: guest->policy. That of the host is the only one so far. */
struct exit_policy {
	vcpu_exit_fn *table[PLINTH_EXIT_KINDS]; /* an exit that nobody registered for costs what it would
						   without rows */
	uint32_t n;
	struct chain_row rows[EXIT_REGISTRATIONS]; /* oldest first */
};

/* One exit on its way down: the rows below are 0 .. n - 1. */
struct exit_link {
	const struct exit_policy *policy;
	uint32_t n;
	uint32_t sort;
	uint32_t what;	 /* a row that is meant has one of these bits */
	uint64_t number; /* what the ranges are about */
	void *question;	 /* what a handler is told beside the vCPU; for @call */
	enum exit_action (*call)(const struct chain_row *row, struct vcpu *vcpu,
				 const struct exit_link *below);
	enum exit_action (*bottom)(struct vcpu *vcpu, const struct exit_link *below);
};

/** chain_add(), chain_remove() - in the host's policy; as exit_register_kind() and its kin. */
PLINTH_MUST_USE int chain_add(const struct chain_row *row);
PLINTH_MUST_USE int chain_remove(const struct chain_row *row);
/** chain_covers() - is this row about that number, and one of the bits of @what? */
bool chain_covers(const struct chain_row *row, uint32_t sort, uint64_t number, uint32_t what);
/** chain_call_hook() - for rows with hooks. */
enum exit_action chain_call_hook(const struct chain_row *row, struct vcpu *vcpu,
				 const struct exit_link *below);

/* -- dispatch.c: all that outlives a call --------------------------------------------- */

/*
 * Written while no CPU is a guest: by constructors what is registered, by exit_init() the rest; read by
 * exits, on all CPUs at once.
 */
struct exit_state {
	struct exit_policy policy;
	uint64_t slot_va;
	uint64_t stop_rip, stop_token[2];
	bool is_beneath;	 /* there is a hypervisor beneath us */
	bool syscall_in_64_only; /* others have it in 32-bit code as well */
	uint32_t own_leaf;	 /* where Plinth's own CPUID leaves begin */
};

extern struct exit_state exit_state;

/* -- msr_policy.c: which MSRs Plinth itself looks at ---------------------------------- */

struct msr_policy {
	uint32_t msr;
	uint32_t what; /* VCPU_MSR_* */
	enum exit_action (*handler)(struct vcpu *vcpu, struct exit_msr *access);
};

/** msr_policy_find() - the row about this access, or NULL: it passes. */
const struct msr_policy *msr_policy_find(uint32_t msr, uint32_t what);
/** msr_policy_apply() - its accesses exit, as far as they lie between @first and @last. */
PLINTH_MUST_USE int msr_policy_apply(uint32_t first, uint32_t last);

/** msr_pass() - do what the hardware would do with the guest's access. */
enum exit_action msr_pass(struct vcpu *vcpu, struct exit_msr *access);

#endif
