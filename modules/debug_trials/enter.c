/* SPDX-License-Identifier: MIT */
/*
 * One VM entry that comes back to its caller: as a VMfail behind the instruction, or as an exit to HOST_RIP
 * with the stack of HOST_RSP. The guest does not get as far as an instruction, so the general registers are
 * still the caller's. CF: no current VMCS; ZF: its error field says more (SDM, "Conventions").
 */
#include "internal.h"

#define HOST_RSP "0x6c14"

_Static_assert(VMCS_HOST_RSP == 0x6c14, "the field that the assembly names");
_Static_assert(TRIAL_EXIT == 0 && TRIAL_FAIL_INVALID == 1 && TRIAL_FAIL_VALID == 2, "what it returns");

__asm__(".text\n"
	".globl trial_enter, trial_exit\n"
	".hidden trial_enter, trial_exit\n"
	".type trial_enter, @function\n"
	"trial_enter:\n"
	"	push	%rbp\n"
	"	mov	%rsp, %rbp\n"
	"	push	%rbx\n"
	"	push	%r12\n"
	"	push	%r13\n"
	"	push	%r14\n"
	"	push	%r15\n"
	"	mov	$" HOST_RSP ", %eax\n"
	"	vmwrite	%rsp, %rax\n"
	"	vmlaunch\n"
	"	mov	$1, %eax\n"
	"	jc	1f\n"
	"	mov	$2, %eax\n"
	"	jmp	1f\n"
	"trial_exit:\n"
	"	xor	%eax, %eax\n"
	"1:	pop	%r15\n"
	"	pop	%r14\n"
	"	pop	%r13\n"
	"	pop	%r12\n"
	"	pop	%rbx\n"
	"	pop	%rbp\n"
	"	ret\n"
	".size trial_enter, . - trial_enter\n");
