/* SPDX-License-Identifier: MIT */
/*
 * Instructions that survive a fault. Each row of the table pairs the instruction that
 * may fault with the address to go on at; cpu_fixup() in fault.c searches it.
 */
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

	.type	refused, @function
refused:
	mov	$-13, %eax		/* PLINTH_E_FAULT */
	ret
	.size	refused, . - refused

	.section .note.GNU-stack, "", @progbits
