/* SPDX-License-Identifier: MIT */
/* Into the guest and back. */
#include "offsets.h"
#include "push_registers.h"

	.text

	/*
	 * int cpu_vmlaunch(struct vcpu *vcpu)
	 *
	 * On success the CPU leaves through the VMCS and this frame is never seen again;
	 * the callee-saved registers are kept only for an early failure.
	 */
	.globl	cpu_vmlaunch
	.type	cpu_vmlaunch, @function
	.p2align 4
cpu_vmlaunch:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, VCPU_STUB(%rdi)
	mov	%rdi, %rsp
	POP_REGS
	vmlaunch
	/* RSP = &vcpu->on_exit: MOV leaves the flags, which hold the verdict, alone. */
	mov	(VCPU_STUB - VCPU_ON_EXIT)(%rsp), %rsp
	setc	%al
	setz	%cl
	movzbl	%al, %eax
	movzbl	%cl, %ecx
	lea	(%rax,%rcx,2), %eax
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size	cpu_vmlaunch, . - cpu_vmlaunch

	/*
	 * The CPU enters here on a VM exit with RSP = &vcpu->on_exit. RFLAGS is 2: DF and IF
	 * are clear.
	 */
	.type	vm_exit, @function
	.p2align 4
vm_exit:
	PUSH_REGS
	mov	$VMCS_EXIT_REASON, %eax
	mov	$VMCS_GUEST_RIP, %ecx
	mov	$VMCS_EXIT_LENGTH, %edx
	mov	$VMCS_GUEST_RFLAGS, %esi
	mov	$VMCS_GUEST_INTERRUPTIBILITY, %r8d
	vmread	%rax, VCPU_EXIT_REASON(%rsp)
	vmread	%rcx, VCPU_EXIT_RIP(%rsp)
	vmread	%rdx, VCPU_EXIT_LENGTH(%rsp)
	vmread	%rsi, VCPU_EXIT_RFLAGS(%rsp)
	vmread	%r8, VCPU_EXIT_BLOCKED(%rsp)
	mov	%rsp, %rdi
	call	*VCPU_ON_EXIT(%rsp)

	/* The usual end: over the instruction, and nothing else to think of. */
	test	%eax, %eax		/* EXIT_NEXT */
	jne	2f
	testb	$BLOCKING_STI_OR_SS, VCPU_EXIT_BLOCKED(%rsp)
	jne	2f
	testl	$RFLAGS_TF_OR_RF, VCPU_EXIT_RFLAGS(%rsp)
	jne	2f
	mov	VCPU_EXIT_RIP(%rsp), %rcx
	cmp	$-INSTRUCTION_MAX, %ecx	/* no wrap at 4 GiB */
	jae	2f
	add	VCPU_EXIT_LENGTH(%rsp), %rcx
	mov	$VMCS_GUEST_RIP, %edx
	vmwrite	%rcx, %rdx
1:	POP_REGS
	vmresume
	/* Only a failed entry comes here; RSP = &vcpu->on_exit again. */
	setc	%sil
	setz	%cl
	movzbl	%sil, %esi
	movzbl	%cl, %ecx
	lea	(%rsi,%rcx,2), %esi
	lea	-VCPU_ON_EXIT(%rsp), %rdi
	mov	%rdi, %rsp
	call	*VCPU_ON_REFUSAL(%rdi)
	jmp	3f

2:	mov	%rsp, %rdi
	mov	%eax, %esi
	call	*VCPU_ON_ACTION(%rsp)
3:	mov	%rax, %rsp		/* whom to resume */
	jmp	1b
	.size	vm_exit, . - vm_exit

	/* uint64_t cpu_vm_exit_address(void) */
	.globl	cpu_vm_exit_address
	.type	cpu_vm_exit_address, @function
	.p2align 4
cpu_vm_exit_address:
	lea	vm_exit(%rip), %rax
	ret
	.size	cpu_vm_exit_address, . - cpu_vm_exit_address

	/*
	 * void cpu_hand_back(const struct cpu_handback *state, uint64_t cr3)
	 *
	 * NMIs and a machine check that arrived in root mode are delivered here, through the
	 * kernel's own IDT, on the kernel's stacks: this is the first place where that is possible.
	 */
	.globl	cpu_hand_back
	.type	cpu_hand_back, @function
	.p2align 4
cpu_hand_back:
	mov	%rdi, %rbx
	mov	%rsi, %rbp
	cmpq	$0, HANDBACK_MC(%rbx)
	je	3f
	int	$18
3:	cmpq	$0, HANDBACK_NMIS(%rbx)
	je	2f
1:	int	$2
	decq	HANDBACK_NMIS(%rbx)
	jnz	1b
2:	mov	%rbp, %rdi		/* the landing's CR3 */
	mov	%rbx, %rax		/* reads of the state end before RSP moves */
	mov	HANDBACK_RSP(%rax), %rsp
	mov	REGS_R15(%rax), %r15
	mov	REGS_R14(%rax), %r14
	mov	REGS_R13(%rax), %r13
	mov	REGS_R12(%rax), %r12
	mov	REGS_R10(%rax), %r10
	mov	REGS_R9(%rax), %r9
	mov	REGS_R8(%rax), %r8
	mov	REGS_RSI(%rax), %rsi
	mov	REGS_RBP(%rax), %rbp
	mov	REGS_RBX(%rax), %rbx
	mov	REGS_RDX(%rax), %rdx
	mov	REGS_RCX(%rax), %rcx
	/*
	 * R11 is the last scratch register: the landing takes its target address through
	 * the stack, below the frame it pops, so that every register can be right.
	 */
	mov	HANDBACK_LAND(%rax), %r11
	push	%r11
	mov	REGS_R11(%rax), %r11
	mov	REGS_RAX(%rax), %rax
	ret
	.size	cpu_hand_back, . - cpu_hand_back

	.section .note.GNU-stack, "", @progbits
