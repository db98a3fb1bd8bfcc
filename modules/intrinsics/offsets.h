/* SPDX-License-Identifier: MIT */
/* Numbers the assembly needs; offsets.c proves that they agree with the C structures. */
#ifndef PLINTH_INTRINSICS_OFFSETS_H
#define PLINTH_INTRINSICS_OFFSETS_H

/* Of struct vcpu_regs, which comes first in struct vcpu and in struct cpu_handback. */
#define REGS_R15 0
#define REGS_R14 8
#define REGS_R13 16
#define REGS_R12 24
#define REGS_R11 32
#define REGS_R10 40
#define REGS_R9	 48
#define REGS_R8	 56
#define REGS_RDI 64
#define REGS_RSI 72
#define REGS_RBP 80
#define REGS_RBX 88
#define REGS_RDX 96
#define REGS_RCX 104
#define REGS_RAX 112

#define VCPU_ON_EXIT	  120
#define VCPU_ON_ACTION	  128
#define VCPU_ON_REFUSAL	  136
#define VCPU_STUB	  144
#define VCPU_EXIT_REASON  152
#define VCPU_EXIT_RIP	  160
#define VCPU_EXIT_LENGTH  168
#define VCPU_EXIT_RFLAGS  176
#define VCPU_EXIT_BLOCKED 184

#define HANDBACK_RSP  120
#define HANDBACK_LAND 128
#define HANDBACK_NMIS 136
#define HANDBACK_MC   144

#define BLOCKING_STI_OR_SS 3	   /* SDM, "Guest Non-Register State": bits 0 and 1 of interruptibility */
#define RFLAGS_TF_OR_RF	   0x10100 /* single step; an instruction tried again */
#define INSTRUCTION_MAX	   15	   /* bytes; only a RIP this close to a multiple of 4 GiB can wrap */

/* SDM, "Field Encoding in VMCS"; the full list is the vCPU module's. */
#define VMCS_EXIT_REASON	    0x4402
#define VMCS_EXIT_LENGTH	    0x440c
#define VMCS_GUEST_INTERRUPTIBILITY 0x4824
#define VMCS_GUEST_RIP		    0x681e
#define VMCS_GUEST_RFLAGS	    0x6820

#endif
