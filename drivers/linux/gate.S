/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The gate: the only places where this CPU changes between the kernel's page tables
 * and stack and the VMM's. Interrupts are off throughout; an NMI in between finds the
 * kernel's half in the launch tables and has a stack of its own.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>

#include "drivers/linux/kernel.h"

/* Below the frame pointer: five registers and the flags. */
#define GATE_SAVED 48

.macro GATE_ENTER
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq
.endm

.macro GATE_LEAVE
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	RET
.endm

/*
 * int gate_call(u64 launch_pa, u64 stack_top, u64 fn, u64 arg0, u64 arg1)
 *
 * CR3 is written with bit 63 clear and PCID 0, which the kernel does not use: nothing
 * the CPU remembers of other tables is taken for these.
 */
SYM_FUNC_START(gate_call)
	GATE_ENTER
	movq	%cr3, %rbx
	movq	%rdx, %rax
	movq	%rdi, %cr3
	movq	%rsi, %rsp
	movq	%rcx, %rdi
	movq	%r8, %rsi
	ANNOTATE_RETPOLINE_SAFE
	call	*%rax
	movq	%rbx, %cr3
	leaq	-GATE_SAVED(%rbp), %rsp
	GATE_LEAVE
SYM_FUNC_END(gate_call)

/*
 * int gate_start(u64 launch_pa, u64 stack_top, u64 fn, u64 cpu)
 *
 * fn is entry_start(cpu, rip, rsp, cr3). If it returns, it failed. If not, the guest
 * comes to .Lresume with RAX = 0, on this stack and with the CR3 of before; its other
 * registers hold nothing, all that counts is on the stack.
 */
SYM_FUNC_START(gate_start)
	GATE_ENTER
	movq	%cr3, %rbx
	movq	%rsp, %r12
	movq	%rdx, %rax
	movq	%rdi, %cr3
	movq	%rsi, %rsp
	movq	%rcx, %rdi
	leaq	.Lresume(%rip), %rsi
	movq	%r12, %rdx
	movq	%rbx, %rcx
	ANNOTATE_RETPOLINE_SAFE
	call	*%rax
	movq	%rbx, %cr3
	leaq	-GATE_SAVED(%rbp), %rsp
.Lresume:
	ANNOTATE_NOENDBR
	GATE_LEAVE
SYM_FUNC_END(gate_start)

/*
 * int gate_stop(u64 token0, u64 token1, u64 number, int refused)
 *
 * Returns 0 without VMM, what the VMM answered, or @refused if nobody was there.
 */
SYM_FUNC_START(gate_stop)
	movl	%ecx, %r8d
	movq	%rdx, %rax
	movq	%rdi, %rcx
	movq	%rsi, %rdx
SYM_INNER_LABEL(gate_stop_insn, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	vmcall
	RET
.Lrefused:
	movl	%r8d, %eax
	RET
	_ASM_EXTABLE(gate_stop_insn, .Lrefused)
SYM_FUNC_END(gate_stop)

/*
 * Where the VMM jumps to when it has given the CPU back (plinth/boot.h): on the launch
 * tables, with the kernel's CR3 in RDI and RDI, RFLAGS, RIP on the kernel's stack.
 *
 * After a crash that is in the middle of anything, so the return is no call of a thunk, which may
 * change flags; and no IRET, which would end the blocking of NMIs in a handler of one.
 */
SYM_FUNC_START(gate_land)
	KERNEL_LANDING_PAD
	movq	%rdi, %cr3
	popq	%rdi
	popfq
	ANNOTATE_UNRET_SAFE
	ret
	int3
SYM_FUNC_END(gate_land)
STACK_FRAME_NON_STANDARD gate_land

/*
 * The same for a user's code: RDI, RIP, CS, RFLAGS, RSP, SS on the stack for interrupts. Under
 * page-table isolation this code is not mapped in the user's tables, so it goes there on the
 * kernel's: the user's first instruction faults on them, and on the way back from that
 * fault the kernel changes to the right ones.
 */
SYM_FUNC_START(gate_land_user)
	KERNEL_LANDING_PAD
	andq	gate_kernel_cr3(%rip), %rdi
	movq	%rdi, %cr3
	popq	%rdi
	iretq
SYM_FUNC_END(gate_land_user)
STACK_FRAME_NON_STANDARD gate_land_user

.data
.balign 8
SYM_DATA(gate_kernel_cr3, .quad -1)
