/* SPDX-License-Identifier: MIT */
/* Between the test's stack and those of the VMM. */
	.text

	.macro	FUNCTION name
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.endm

	/*
	 * uint64_t model_switch_to(stack_top, fn, a, b, c, d): call fn there. Returns its
	 * result, with model_switch_returned 1; or, when model_switch_back() was called
	 * meanwhile, its argument, with model_switch_returned 0.
	 */
	FUNCTION model_switch_to
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, model_switch_saved(%rip)
	mov	%rdi, %rsp
	mov	%rsi, %rax
	mov	%rdx, %rdi
	mov	%rcx, %rsi
	mov	%r8, %rdx
	mov	%r9, %rcx
	call	*%rax
	movl	$1, model_switch_returned(%rip)
	jmp	1f
	.size	model_switch_to, . - model_switch_to

	/* void model_switch_back(value): whatever runs is given up. */
	FUNCTION model_switch_back
	mov	%rdi, %rax
	movl	$0, model_switch_returned(%rip)
1:	mov	model_switch_saved(%rip), %rsp
	cld
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size	model_switch_back, . - model_switch_back

	/* uint64_t model_run_on(stack_top, fn, a): call fn(a) on another stack, and come back to this one. */
	FUNCTION model_run_on
	push	%rbp
	mov	%rsp, %rbp
	mov	%rdi, %rsp
	mov	%rsi, %rax
	mov	%rdx, %rdi
	and	$-16, %rsp
	call	*%rax
	mov	%rbp, %rsp
	pop	%rbp
	ret
	.size	model_run_on, . - model_run_on

	.bss
	.p2align 3
	.globl	model_switch_saved
model_switch_saved:
	.skip	8
	.globl	model_switch_returned
model_switch_returned:
	.skip	4

	.section .note.GNU-stack, "", @progbits
