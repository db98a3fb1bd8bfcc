/* SPDX-License-Identifier: MIT */
/*
 * Entry code of the VMM's IDT: one stub of 16 bytes per vector, all of them leave the
 * same struct cpu_fault behind.
 */
#include "push_registers.h"

	/* Vectors that push an error code (SDM, "Error Code"). */
	.set	WITH_ERROR, 1<<8 | 1<<10 | 1<<11 | 1<<12 | 1<<13 | 1<<14 | 1<<17 | 1<<21 | 1<<29 | 1<<30

	.text
	.p2align 4
	.globl	cpu_fault_stubs
	.hidden	cpu_fault_stubs
	.type	cpu_fault_stubs, @function
cpu_fault_stubs:
	.set	vector, 0
	.rept	32
	.p2align 4
	.if	((WITH_ERROR >> vector) & 1) == 0
	push	$0
	.endif
	push	$vector
	jmp	fault_common
	.set	vector, vector + 1
	.endr
	.size	cpu_fault_stubs, . - cpu_fault_stubs

	.p2align 4
	.type	fault_common, @function
fault_common:
	PUSH_REGS
	cld
	mov	%rsp, %rdi
	call	cpu_fault_entered
	POP_REGS
	lea	16(%rsp), %rsp		/* vector and error code; LEA keeps the flags */
	iretq
	.size	fault_common, . - fault_common

	.hidden	cpu_fault_entered

	.section .note.GNU-stack, "", @progbits
