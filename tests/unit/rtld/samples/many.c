/* SPDX-License-Identifier: MIT */
/* Provides 600 functions, and one that writes down all registers it is called with. */
#include "hundreds.h"

#define EXPORT __attribute__((visibility("default")))
#define DEFINE(name)                                                                                         \
	EXPORT long name(long x);                                                                            \
	long name(long x)                                                                                    \
	{                                                                                                    \
		return x + __COUNTER__;                                                                      \
	}

HUNDREDS(DEFINE)

/* rax rbx rcx rdx rsi rdi rbp r8-r10 r12-r15 flags rsp */
EXPORT unsigned long many_registers[16];

asm(".text\n"
    ".globl many_spy\n"
    ".type many_spy, @function\n"
    "many_spy:\n"
    "	push %r11\n"
    "	mov many_registers@GOTPCREL(%rip), %r11\n"
    "	mov %rax, (%r11)\n"
    "	mov %rbx, 8(%r11)\n"
    "	mov %rcx, 16(%r11)\n"
    "	mov %rdx, 24(%r11)\n"
    "	mov %rsi, 32(%r11)\n"
    "	mov %rdi, 40(%r11)\n"
    "	mov %rbp, 48(%r11)\n"
    "	mov %r8, 56(%r11)\n"
    "	mov %r9, 64(%r11)\n"
    "	mov %r10, 72(%r11)\n"
    "	mov %r12, 80(%r11)\n"
    "	mov %r13, 88(%r11)\n"
    "	mov %r14, 96(%r11)\n"
    "	mov %r15, 104(%r11)\n"
    "	mov %rsp, 120(%r11)\n"
    "	pushfq\n"
    "	popq 112(%r11)\n"
    "	pop %r11\n"
    "	ret\n"
    ".size many_spy, . - many_spy\n");
