/* SPDX-License-Identifier: MIT */
/*
 * For the assembly: all general registers but RSP onto the stack and back, in the order of
 * struct vcpu_regs and struct cpu_fault.
 */
#ifndef PLINTH_INTRINSICS_PUSH_REGISTERS_H
#define PLINTH_INTRINSICS_PUSH_REGISTERS_H

/* clang-format off */
	.macro	PUSH_REGS
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	.endm

	.macro	POP_REGS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	.endm
/* clang-format on */

#endif
