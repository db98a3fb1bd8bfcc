/* SPDX-License-Identifier: MIT */
/* Proves offsets.h; no code. */
#include <stddef.h>

#include <plinth/intrinsics.h>
#include <plinth/vcpu.h>

#include "offsets.h"

#define SAME(constant, type, member) _Static_assert((constant) == offsetof(type, member), #constant)

SAME(VCPU_ON_EXIT, struct vcpu, on_exit);
SAME(VCPU_ON_ACTION, struct vcpu, on_action);
SAME(VCPU_ON_REFUSAL, struct vcpu, on_refusal);
SAME(VCPU_STUB, struct vcpu, stub);
SAME(VCPU_EXIT_REASON, struct vcpu, exit.reason);
SAME(VCPU_EXIT_RIP, struct vcpu, exit.rip);
SAME(VCPU_EXIT_LENGTH, struct vcpu, exit.length);
SAME(VCPU_EXIT_RFLAGS, struct vcpu, exit.rflags);
SAME(VCPU_EXIT_BLOCKED, struct vcpu, exit.blocked);
SAME(VCPU_R15, struct vcpu, regs.r15);
SAME(VCPU_R14, struct vcpu, regs.r14);
SAME(VCPU_R13, struct vcpu, regs.r13);
SAME(VCPU_R12, struct vcpu, regs.r12);
SAME(VCPU_R11, struct vcpu, regs.r11);
SAME(VCPU_R10, struct vcpu, regs.r10);
SAME(VCPU_R9, struct vcpu, regs.r9);
SAME(VCPU_R8, struct vcpu, regs.r8);
SAME(VCPU_RDI, struct vcpu, regs.rdi);
SAME(VCPU_RSI, struct vcpu, regs.rsi);
SAME(VCPU_RBP, struct vcpu, regs.rbp);
SAME(VCPU_RBX, struct vcpu, regs.rbx);
SAME(VCPU_RDX, struct vcpu, regs.rdx);
SAME(VCPU_RCX, struct vcpu, regs.rcx);
SAME(VCPU_RAX, struct vcpu, regs.rax);
SAME(VCPU_ON_EXIT - 8, struct vcpu, regs.rax);

SAME(HANDBACK_R15, struct cpu_handback, r15);
SAME(HANDBACK_R14, struct cpu_handback, r14);
SAME(HANDBACK_R13, struct cpu_handback, r13);
SAME(HANDBACK_R12, struct cpu_handback, r12);
SAME(HANDBACK_R11, struct cpu_handback, r11);
SAME(HANDBACK_R10, struct cpu_handback, r10);
SAME(HANDBACK_R9, struct cpu_handback, r9);
SAME(HANDBACK_R8, struct cpu_handback, r8);
SAME(HANDBACK_RSI, struct cpu_handback, rsi);
SAME(HANDBACK_RBP, struct cpu_handback, rbp);
SAME(HANDBACK_RBX, struct cpu_handback, rbx);
SAME(HANDBACK_RDX, struct cpu_handback, rdx);
SAME(HANDBACK_RCX, struct cpu_handback, rcx);
SAME(HANDBACK_RAX, struct cpu_handback, rax);
SAME(HANDBACK_RSP, struct cpu_handback, rsp);
SAME(HANDBACK_LAND, struct cpu_handback, land);
SAME(HANDBACK_NMIS, struct cpu_handback, nmis);
SAME(HANDBACK_MC, struct cpu_handback, machine_check);
