/* SPDX-License-Identifier: MIT */
/*
 * What nearly every exit calls, in as few instructions as possible: on an exit the call
 * costs more than the work.
 */
#include "offsets.h"

	.macro	FUNCTION name
	.text
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.endm

	/* uint64_t cpu_vmread(uint32_t field) */
	FUNCTION cpu_vmread
	mov	%edi, %edi
	xor	%eax, %eax
	vmread	%rdi, %rax
	ret
	.size	cpu_vmread, . - cpu_vmread

	/* int cpu_vmwrite(uint32_t field, uint64_t value) */
	FUNCTION cpu_vmwrite
	mov	%edi, %edi
	vmwrite	%rsi, %rdi
	jbe	1f			/* CF or ZF */
	xor	%eax, %eax
	ret
1:	setc	%al
	setz	%cl
	movzbl	%al, %eax
	movzbl	%cl, %ecx
	lea	(%rax,%rcx,2), %eax
	ret
	.size	cpu_vmwrite, . - cpu_vmwrite

	/* int cpu_cpuid_guest(struct vcpu *vcpu) */
	FUNCTION cpu_cpuid_guest
	push	%rbx
	mov	REGS_RAX(%rdi), %eax
	mov	REGS_RCX(%rdi), %ecx
	cpuid
	mov	%rax, REGS_RAX(%rdi)	/* CPUID clears the upper halves */
	mov	%rbx, REGS_RBX(%rdi)
	mov	%rcx, REGS_RCX(%rdi)
	mov	%rdx, REGS_RDX(%rdi)
	pop	%rbx
	xor	%eax, %eax
	ret
	.size	cpu_cpuid_guest, . - cpu_cpuid_guest

	.section .note.GNU-stack, "", @progbits
