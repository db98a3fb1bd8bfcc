/* SPDX-License-Identifier: MIT */
/* call_with_pattern(target): call it with known values in all registers and flags. */
	.text
	.globl call_with_pattern
call_with_pattern:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rdi, %r11
	pushq $0xcd7			/* CF PF AF ZF SF DF OF, IF as ever */
	orq $0x200, (%rsp)
	andq $~0x100, (%rsp)
	movabs $0x1000000000000001, %rax
	movabs $0x1000000000000002, %rbx
	movabs $0x1000000000000003, %rcx
	movabs $0x1000000000000004, %rdx
	movabs $0x1000000000000005, %rsi
	movabs $0x1000000000000006, %rdi
	movabs $0x1000000000000007, %rbp
	movabs $0x1000000000000008, %r8
	movabs $0x1000000000000009, %r9
	movabs $0x100000000000000a, %r10
	movabs $0x100000000000000b, %r12
	movabs $0x100000000000000c, %r13
	movabs $0x100000000000000d, %r14
	movabs $0x100000000000000e, %r15
	popfq
	call *%r11
	cld
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.section .note.GNU-stack, "", @progbits
