/* SPDX-License-Identifier: MIT */
/*
 * lazy_entry - see include/plinth/lazy.h
 *
 * The jump is an indirect one, not a return, so that shadow stacks stay in step. SSE registers
 * are not saved: nothing here touches them.
 */
	.text
	.globl lazy_entry
	.type lazy_entry, @function
lazy_entry:
	endbr64
	pushfq
	push %rax
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %rbx
	mov %rsp, %rbx			/* callee-saved: the way back */
	mov 80(%rsp), %rdi		/* the table */
	mov 88(%rsp), %rsi		/* the slot's number */
	cld
	and $-16, %rsp			/* whatever the caller's alignment */
	call lazy_bind
	mov %rbx, %rsp
	mov %rax, %r11
	pop %rbx
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rax
	popfq
	lea 16(%rsp), %rsp		/* changes no flag */
	jmp *%r11
	.size lazy_entry, . - lazy_entry
	.hidden lazy_bind
	.section .note.GNU-stack, "", @progbits
