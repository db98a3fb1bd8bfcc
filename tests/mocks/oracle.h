/* SPDX-License-Identifier: MIT */
/*
 * What must become of a guest that exits, told from the SDM's and the project's rules and
 * from nothing in the modules: every instruction that exits behaves as on a CPU without VMM,
 * but for what the VMM documents (CPUID leaf 0x40000000, the stop hypercall).
 */
#ifndef TESTS_MOCKS_ORACLE_H
#define TESTS_MOCKS_ORACLE_H

#include "model/model.h"

/* How it goes on. */
enum outcome {
	GOES_ON,   /* behind the instruction */
	SAME_RIP,  /* at the instruction, without an event */
	RAISES_GP, /* at the instruction, with #GP(0) */
	RAISES_UD,
	RAISES_DF,
	RAISES_MC,
	STOPS, /* an exit nobody expects: the CPU is given back, or halts */
	RESETS,
};

/* The guest as the model has it, and what a correct VMM makes of it. */
struct guest_view {
	struct model_state visible;
	struct vcpu_regs regs;
	uint64_t rip, rsp, interruptibility, pending_debug;
	struct model_event event; /* delivered as it goes on */
};

/* What a guest may have of CR4, written down once more: VME to SMXE, FSGSBASE to UINTR, LAM_SUP. */
#define ORACLE_CR4_KEPT 0x13ff7fffull

/* Events as hardware codes them. */
#define ORACLE_VALID 0x80000000u
#define ORACLE_GP    0x80000b0du
#define ORACLE_UD    0x80000306u
#define ORACLE_DF    0x80000b08u
#define ORACLE_MC    0x80000312u

/**
 * oracle() - judge one exit.
 * @before: the guest when it exits
 * @exit:   why
 * @after:  what it must be afterwards; for outcomes in which it goes on as a guest
 */
enum outcome oracle(const struct guest_view *before, const struct model_exit *exit, struct guest_view *after);

/** oracle_gpr() - a register by its number in instructions. */
uint64_t *oracle_gpr(struct guest_view *g, unsigned int number);

#endif
