/* SPDX-License-Identifier: MIT */
/*
 * VMCALL with whatever in all registers, in whatever state it leaves the process: it comes back, and what was
 * in the registers is there to be looked at.
 */
#ifndef PLINTH_GUEST_EVERY_REGISTER_H
#define PLINTH_GUEST_EVERY_REGISTER_H

#include <stdint.h>

/* By their numbers in instructions; RSP is loaded last of all, and may be anything, too. */
enum every_number {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15,
	N_REGISTERS
};

struct every_register {
	uint64_t r[N_REGISTERS];
};

/** every_register_begin() - from now on a signal that an instruction raises is a result. Once. */
void every_register_begin(void);

/**
 * every_register_call() - executes VMCALL.
 * @in: what is in the registers
 * @out: what was in them afterwards
 * Return: 0, or the number of the signal that it, or what it went on to, raised.
 */
int every_register_call(const struct every_register *in, struct every_register *out);

/** every_register_back() - an address that ends the call for who sets RIP to it. */
uint64_t every_register_back(void);

#endif
