/* SPDX-License-Identifier: MIT */
/* Signals that a program which knows nothing of Plinth cannot explain. */
#include "faults.h"

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

#include "pages.h"
#include "say.h"

#define TRAP_UD 6
#define TRAP_GP 13

static bool read_only;

/*
 * Is this the write to a page of somebody else's? The CPU does not say where that was; the register it went
 * by is one of these.
 */
static bool may_be_write(const ucontext_t *context)
{
	if (!read_only || context->uc_mcontext.gregs[REG_TRAPNO] != TRAP_GP)
		return false;
	for (int i = REG_R8; i < REG_RIP; i++)
		if (pages_have((const void *)(uintptr_t)context->uc_mcontext.gregs[i]))
			return true;
	return false;
}

/* Byte by byte: behind those of a shorter instruction there may be nothing. */
static bool is_vmcall(const ucontext_t *context)
{
	const unsigned char *at = (const unsigned char *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];

	return context->uc_mcontext.gregs[REG_TRAPNO] == TRAP_UD && at[0] == 0x0f && at[1] == 0x01 &&
	       at[2] == 0xc1;
}

static void judge_fault(int number, const siginfo_t *info, const ucontext_t *context)
{
	const bool in_window = info->si_code > 0 && info->si_code != SI_KERNEL && pages_have(info->si_addr);

	if (pages_are_lost() && (in_window || (number == SIGILL && is_vmcall(context))))
		say_and_exit(
			"a child of the process that introspects does not: only what is executed anew does");
	if (number == SIGBUS && in_window)
		say_and_exit(
			"the VMM was stopped, or has died, and there is nothing to see any more: \"plinthctl "
			"status\" says which; start it, and this program once more");
	if (number == SIGILL && is_vmcall(context))
		say_and_exit(
			"the hypercall is refused: the VMM was stopped, or has died: \"plinthctl status\" "
			"says which; start it, and this program once more");
	if (number == SIGSEGV && may_be_write(context))
		say_and_exit("it wrote to memory that it may only read: plinthctl introspect --allow-write");
}

/* Who comes back has the instruction executed once more, or what was sent sent again, and is ended by it. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	judge_fault(number, info, context);
	signal(number, SIG_DFL);
	if (info->si_code <= 0)
		raise(number);
}

void faults_begin(bool may_write)
{
	static const int numbers[] = {SIGBUS, SIGSEGV, SIGILL};
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	read_only = !may_write;
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}
