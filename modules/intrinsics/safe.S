/* SPDX-License-Identifier: MIT */
/*
 * Instructions that survive a fault. Each row of the table pairs the instruction that
 * may fault with the address to go on at; cpu_fixup() in fault.c searches it.
 */
#include "offsets.h"

	.macro	GLOBAL name
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.endm

	.macro	FIXUP from, to
	.pushsection cpu_fixups, "aR", @progbits
	.long	\from - .
	.long	\to - .
	.popsection
	.endm

	.text

	/* int cpu_rdmsr_safe(uint32_t msr, uint64_t *value) */
	GLOBAL	cpu_rdmsr_safe
	mov	%edi, %ecx
1:	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, (%rsi)
	xor	%eax, %eax
	ret
	FIXUP	1b, refused
	.size	cpu_rdmsr_safe, . - cpu_rdmsr_safe

	/* int cpu_wrmsr_safe(uint32_t msr, uint64_t value) */
	GLOBAL	cpu_wrmsr_safe
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
1:	wrmsr
	xor	%eax, %eax
	ret
	FIXUP	1b, refused
	.size	cpu_wrmsr_safe, . - cpu_wrmsr_safe

	/* int cpu_xsetbv_safe(uint32_t index, uint64_t value) */
	GLOBAL	cpu_xsetbv_safe
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
1:	xsetbv
	xor	%eax, %eax
	ret
	FIXUP	1b, refused
	.size	cpu_xsetbv_safe, . - cpu_xsetbv_safe

	/* int cpu_vmxon(uint64_t region_pa); CPU_VMX_FAULT when it raises #GP or #UD */
	GLOBAL	cpu_vmxon
	push	%rdi
1:	vmxon	(%rsp)
	lea	8(%rsp), %rsp
	setc	%al
	setz	%cl
	movzbl	%al, %eax
	movzbl	%cl, %ecx
	lea	(%rax,%rcx,2), %eax
	ret
2:	lea	8(%rsp), %rsp
	mov	$3, %eax
	ret
	FIXUP	1b, 2b
	.size	cpu_vmxon, . - cpu_vmxon

	/* int cpu_hypercall_guest(struct vcpu *vcpu) */
	GLOBAL	cpu_hypercall_guest
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	REGS_R15(%rdi), %r15
	mov	REGS_R14(%rdi), %r14
	mov	REGS_R13(%rdi), %r13
	mov	REGS_R12(%rdi), %r12
	mov	REGS_R11(%rdi), %r11
	mov	REGS_R10(%rdi), %r10
	mov	REGS_R9(%rdi), %r9
	mov	REGS_R8(%rdi), %r8
	mov	REGS_RSI(%rdi), %rsi
	mov	REGS_RBP(%rdi), %rbp
	mov	REGS_RBX(%rdi), %rbx
	mov	REGS_RDX(%rdi), %rdx
	mov	REGS_RCX(%rdi), %rcx
	mov	REGS_RAX(%rdi), %rax
	mov	REGS_RDI(%rdi), %rdi
1:	vmcall
	xchg	%rdi, (%rsp)		/* the vCPU; its guest's RDI is on the stack now */
	mov	%r15, REGS_R15(%rdi)
	mov	%r14, REGS_R14(%rdi)
	mov	%r13, REGS_R13(%rdi)
	mov	%r12, REGS_R12(%rdi)
	mov	%r11, REGS_R11(%rdi)
	mov	%r10, REGS_R10(%rdi)
	mov	%r9, REGS_R9(%rdi)
	mov	%r8, REGS_R8(%rdi)
	mov	%rsi, REGS_RSI(%rdi)
	mov	%rbp, REGS_RBP(%rdi)
	mov	%rbx, REGS_RBX(%rdi)
	mov	%rdx, REGS_RDX(%rdi)
	mov	%rcx, REGS_RCX(%rdi)
	mov	%rax, REGS_RAX(%rdi)
	pop	REGS_RDI(%rdi)
	xor	%eax, %eax
3:	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
2:	pop	%rdi
	mov	$-13, %eax		/* PLINTH_E_FAULT */
	jmp	3b
	FIXUP	1b, 2b
	.size	cpu_hypercall_guest, . - cpu_hypercall_guest

	.type	refused, @function
refused:
	mov	$-13, %eax		/* PLINTH_E_FAULT */
	ret
	.size	refused, . - refused

	.section .note.GNU-stack, "", @progbits
