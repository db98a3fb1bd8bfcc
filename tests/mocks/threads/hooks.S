/* SPDX-License-Identifier: MIT */
/*
 * Between the modules' instrumented code and the sanitizer (--wrap): each access is a point at which the turn may
 * change. Jumps, so that the sanitizer still sees where the access was.
 */
#define LARGE 4096

	.text

	/* What the sanitizer has, or the C library; it may lie in a shared object. */
	.macro	GO_ON name
	jmp	*__real_\name@GOTPCREL(%rip)
	.endm

	.macro	BEGIN name
	.globl	__wrap_\name
	.type	__wrap_\name, @function
	.p2align 4
__wrap_\name:
	.endm

	.macro	POINT
	decq	sched_left(%rip)
	jnz	1f
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%r8
	push	%r9
	sub	$8, %rsp
	call	sched_expired
	add	$8, %rsp
	pop	%r9
	pop	%r8
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
1:
	.endm

	/* The kernel's half of the addresses is none of this process, and none of the sanitizer. */
	.macro	ACCESS names:vararg
	.irp	name, \names
	BEGIN	\name
	POINT
	test	%rdi, %rdi
	js	2f
	GO_ON	\name
2:	ret
	.size	__wrap_\name, . - __wrap_\name
	.endr
	.endm

	ACCESS	__tsan_read1, __tsan_read2, __tsan_read4, __tsan_read8, __tsan_read16, __tsan_read_range
	ACCESS	__tsan_write1, __tsan_write2, __tsan_write4, __tsan_write8, __tsan_write16, __tsan_write_range
	ACCESS	__tsan_unaligned_read2, __tsan_unaligned_read4, __tsan_unaligned_read8, __tsan_unaligned_read16
	ACCESS	__tsan_unaligned_write2, __tsan_unaligned_write4, __tsan_unaligned_write8, __tsan_unaligned_write16

	.irp	bits, 8, 16, 32, 64
	.irp	what, load, store, exchange, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, compare_exchange_strong, compare_exchange_weak, compare_exchange_val
	ACCESS	__tsan_atomic\bits\()_\what
	.endr
	.endr

	/* Code that is given up never says that it ends. */
	BEGIN	__tsan_func_entry
	incl	sched_depth(%rip)
	GO_ON	__tsan_func_entry

	BEGIN	__tsan_func_exit
	decl	sched_depth(%rip)
	GO_ON	__tsan_func_exit

	/* The VMM's copies are accesses; those of what stands for the hardware are none. */
	BEGIN	memcpy
	cmpb	$0, sched_in_vmm(%rip)
	je	3f
	POINT
	GO_ON	memcpy
3:	cmp	$LARGE, %rdx
	ja	sched_copy
	mov	%rdi, %rax
	mov	%rdx, %rcx
	rep movsb
	ret

	BEGIN	memset
	cmpb	$0, sched_in_vmm(%rip)
	je	4f
	POINT
	GO_ON	memset
4:	mov	%rdi, %r8
	mov	%esi, %eax
	mov	%rdx, %rcx
	rep stosb
	mov	%r8, %rax
	ret

	BEGIN	memmove
	cmpb	$0, sched_in_vmm(%rip)
	je	5f
	POINT
	GO_ON	memmove
5:	mov	%rdi, %rax
	mov	%rdx, %rcx
	cmp	%rsi, %rdi
	ja	6f
	rep movsb
	ret
6:	lea	-1(%rdi, %rdx), %rdi
	lea	-1(%rsi, %rdx), %rsi
	std
	rep movsb
	cld
	ret

	.section .note.GNU-stack, "", @progbits
