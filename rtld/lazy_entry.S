/* SPDX-License-Identifier: MIT */
/*
 * rtld_lazy_entry - where PLT entries go whose jump slot is not filled yet
 *
 * On the stack, from the top: the module (GOT[1]), the index of the slot, the
 * caller's return address. All registers but r11, and the flags, are as the
 * caller left them when the function is entered; r11 is the psABI's scratch
 * register for this. The jump is an indirect one, not a return, so that shadow
 * stacks stay in step. SSE registers are not saved: nothing here touches them.
 */
	.text
	.globl rtld_lazy_entry
	.type rtld_lazy_entry, @function
rtld_lazy_entry:
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
	mov 80(%rsp), %rdi		/* the module */
	mov 88(%rsp), %rsi		/* the index */
	cld
	and $-16, %rsp			/* whatever the caller's alignment */
	call rtld_lazy_bind
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
	.size rtld_lazy_entry, . - rtld_lazy_entry
	.section .note.GNU-stack, "", @progbits
