/* SPDX-License-Identifier: MIT */
#include "every_register.h"

#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#define FLAGS_BAD 0x40400 /* AC and DF: no compiler's code works with them */

/* For the assembly below: one call at a time, and no thread. */
uint64_t every_register_in[N_REGISTERS], every_register_out[N_REGISTERS], every_register_stack;
void every_register_enter(void);
void every_register_end(void);

/* clang-format off */
asm(".text\n"
    "every_register_enter:\n"
    "	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
    "	mov %rsp, every_register_stack(%rip)\n"
    "	mov every_register_in+0(%rip), %rax\n	mov every_register_in+8(%rip), %rcx\n"
    "	mov every_register_in+16(%rip), %rdx\n	mov every_register_in+24(%rip), %rbx\n"
    "	mov every_register_in+40(%rip), %rbp\n	mov every_register_in+48(%rip), %rsi\n"
    "	mov every_register_in+56(%rip), %rdi\n	mov every_register_in+64(%rip), %r8\n"
    "	mov every_register_in+72(%rip), %r9\n	mov every_register_in+80(%rip), %r10\n"
    "	mov every_register_in+88(%rip), %r11\n	mov every_register_in+96(%rip), %r12\n"
    "	mov every_register_in+104(%rip), %r13\n	mov every_register_in+112(%rip), %r14\n"
    "	mov every_register_in+120(%rip), %r15\n	mov every_register_in+32(%rip), %rsp\n"
    "	vmcall\n"
    "every_register_end:\n"
    "	mov %rax, every_register_out+0(%rip)\n	mov %rcx, every_register_out+8(%rip)\n"
    "	mov %rdx, every_register_out+16(%rip)\n	mov %rbx, every_register_out+24(%rip)\n"
    "	mov %rsp, every_register_out+32(%rip)\n	mov %rbp, every_register_out+40(%rip)\n"
    "	mov %rsi, every_register_out+48(%rip)\n	mov %rdi, every_register_out+56(%rip)\n"
    "	mov %r8, every_register_out+64(%rip)\n	mov %r9, every_register_out+72(%rip)\n"
    "	mov %r10, every_register_out+80(%rip)\n	mov %r11, every_register_out+88(%rip)\n"
    "	mov %r12, every_register_out+96(%rip)\n	mov %r13, every_register_out+104(%rip)\n"
    "	mov %r14, every_register_out+112(%rip)\n	mov %r15, every_register_out+120(%rip)\n"
    "	mov every_register_stack(%rip), %rsp\n"
    "	pushf\n	andq $~0x40400, (%rsp)\n	popf\n"
    "	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
    "	ret\n");
/* clang-format on */

static volatile sig_atomic_t raised, calling;

static void end_call(int number, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)info;
	if (!calling) {
		signal(number, SIG_DFL); /* what raised it does so again, and that is the end */
		return;
	}
	raised = number;
	regs[REG_RIP] = (greg_t)(uintptr_t)every_register_end;
	regs[REG_EFL] &= ~FLAGS_BAD;
}

void every_register_begin(void)
{
	static const int numbers[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE};
	struct sigaction action = {.sa_sigaction = end_call, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	const stack_t stack = {.ss_sp = malloc(1u << 16), .ss_size = 1u << 16};

	sigaltstack(&stack, NULL);
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

int every_register_call(const struct every_register *in, struct every_register *out)
{
	raised = 0;
	calling = 1;
	for (unsigned int i = 0; i < N_REGISTERS; i++)
		every_register_in[i] = in->r[i];
	every_register_enter();
	calling = 0;
	for (unsigned int i = 0; i < N_REGISTERS; i++)
		out->r[i] = every_register_out[i];
	return raised;
}

uint64_t every_register_back(void)
{
	return (uintptr_t)every_register_end;
}
