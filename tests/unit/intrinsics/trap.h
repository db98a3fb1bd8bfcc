/* SPDX-License-Identifier: MIT */
/*
 * A CPU for code that believes to be privileged: an instruction that the process may not execute
 * raises a signal, whose handler does what the CPU would, to a state of the test's own.
 */
#ifndef TESTS_UNIT_TRAP_H
#define TESTS_UNIT_TRAP_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

enum trap_name {
	T_NONE,
	T_READ_CR,
	T_WRITE_CR,
	T_READ_DR,
	T_WRITE_DR, /* a: number, b: value written */
	T_RDMSR,
	T_WRMSR,
	T_XSETBV, /* a: index, b: value written */
	T_WBINVD,
	T_HLT,
	T_INT2,
	T_INVLPG, /* a: address */
	T_IN,
	T_OUT, /* a: port, b: value written */
	T_LGDT,
	T_LIDT, /* a: limit, b: base */
	T_SGDT,
	T_SIDT,
	T_STR,
	T_SLDT,
	T_LLDT,
	T_LTR,
	T_LOAD_SEG,   /* a: selector (of T_LOAD_SEG: in b, and in a which one) */
	T_FAR_RETURN, /* a: selector */
	T_VMXON,
	T_VMXOFF,
	T_VMCLEAR,
	T_VMPTRLD, /* a: physical address */
	T_INVEPT,
	T_INVVPID, /* a: type, b: first, c: second word of the operand */
	T_VMREAD,
	T_VMWRITE, /* a: field, b: value */
	T_VMLAUNCH,
	T_VMRESUME,
	T_VMCALL, /* a: RAX */
	T_UD,
};

/* General registers in the order of instruction encodings, and RIP. */
struct trap_regs {
	uint64_t gpr[16], rip;
};

struct trap_record {
	enum trap_name name;
	uint64_t a, b, c;
};

#define TRAP_RECORDS 64

extern struct trap {
	/* What instructions read. */
	uint64_t cr[9], dr7, msr, tables_base;
	uint8_t port;
	/* How they end. */
	bool refused;			   /* MSRs, XSETBV and VMXON raise an exception, to be fixed up */
	bool carry, zero;		   /* VMX instructions fail */
	uint64_t (*field)(uint64_t field); /* VMREAD */
	bool leaves; /* VMLAUNCH, VMRESUME and undefined instructions end at trap_left */
	/* What was executed. */
	struct trap_record record[TRAP_RECORDS];
	unsigned int n;
	struct trap_regs regs; /* at the last one */
} trap;

extern sigjmp_buf trap_left;

/** trap_reset() - nothing executed, everything 0; from now on signals are instructions. */
void trap_reset(void);

#endif
