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
SAME(REGS_R15, struct vcpu_regs, r15);
SAME(REGS_R14, struct vcpu_regs, r14);
SAME(REGS_R13, struct vcpu_regs, r13);
SAME(REGS_R12, struct vcpu_regs, r12);
SAME(REGS_R11, struct vcpu_regs, r11);
SAME(REGS_R10, struct vcpu_regs, r10);
SAME(REGS_R9, struct vcpu_regs, r9);
SAME(REGS_R8, struct vcpu_regs, r8);
SAME(REGS_RDI, struct vcpu_regs, rdi);
SAME(REGS_RSI, struct vcpu_regs, rsi);
SAME(REGS_RBP, struct vcpu_regs, rbp);
SAME(REGS_RBX, struct vcpu_regs, rbx);
SAME(REGS_RDX, struct vcpu_regs, rdx);
SAME(REGS_RCX, struct vcpu_regs, rcx);
SAME(REGS_RAX, struct vcpu_regs, rax);
SAME(0, struct vcpu, regs);
SAME(REGS_RAX + 8, struct vcpu, on_exit);

SAME(0, struct cpu_handback, regs);
SAME(HANDBACK_RSP, struct cpu_handback, rsp);
SAME(HANDBACK_LAND, struct cpu_handback, land);
SAME(HANDBACK_NMIS, struct cpu_handback, nmis);
SAME(HANDBACK_MC, struct cpu_handback, machine_check);
