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
	mov	VCPU_R15(%rdi), %r15
	mov	VCPU_R14(%rdi), %r14
	mov	VCPU_R13(%rdi), %r13
	mov	VCPU_R12(%rdi), %r12
	mov	VCPU_R11(%rdi), %r11
	mov	VCPU_R10(%rdi), %r10
	mov	VCPU_R9(%rdi), %r9
	mov	VCPU_R8(%rdi), %r8
	mov	VCPU_RSI(%rdi), %rsi
	mov	VCPU_RBP(%rdi), %rbp
	mov	VCPU_RBX(%rdi), %rbx
	mov	VCPU_RDX(%rdi), %rdx
	mov	VCPU_RCX(%rdi), %rcx
	mov	VCPU_RAX(%rdi), %rax
	mov	VCPU_RDI(%rdi), %rdi
1:	vmcall
	xchg	%rdi, (%rsp)		/* the vCPU; its guest's RDI is on the stack now */
	mov	%r15, VCPU_R15(%rdi)
	mov	%r14, VCPU_R14(%rdi)
	mov	%r13, VCPU_R13(%rdi)
	mov	%r12, VCPU_R12(%rdi)
	mov	%r11, VCPU_R11(%rdi)
	mov	%r10, VCPU_R10(%rdi)
	mov	%r9, VCPU_R9(%rdi)
	mov	%r8, VCPU_R8(%rdi)
	mov	%rsi, VCPU_RSI(%rdi)
	mov	%rbp, VCPU_RBP(%rdi)
	mov	%rbx, VCPU_RBX(%rdi)
	mov	%rdx, VCPU_RDX(%rdi)
	mov	%rcx, VCPU_RCX(%rdi)
	mov	%rax, VCPU_RAX(%rdi)
	pop	VCPU_RDI(%rdi)
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
