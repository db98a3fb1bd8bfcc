/* SPDX-License-Identifier: MIT */
/*
 * A process with a shadow stack (Linux' Documentation/arch/x86/shstk.rst), which calls and returns, takes
 * signals, and leaves for the VMM in the middle of it all.
 *
 *	shadow_stack spin FILE	for ever: adds 1 to the 32-bit word at the start of FILE after each round
 *	shadow_stack stray	returns to where nobody called from, and says how that ended
 *	shadow_stack crash	makes the VMM crash beneath it (debug_fault), and goes on
 *
 * Status 0 if all is as it should be, 1 if not, 3 if the kernel has no shadow stacks.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <plinth/debug_fault.h>

#include "spin.h"

#define ARCH_SHSTK_ENABLE  0x5001
#define ARCH_SHSTK_SHSTK   1
#define CONTROL_PROTECTION 10 /* si_code of SIGSEGV: SEGV_CPERR, which not all headers have */
#define DEPTH		   12
#define VMCALL_BYTES	   3

static volatile sig_atomic_t signals;
static uint64_t pointer_at_signal;

/* No function, but inlined: whoever turns the shadow stack on cannot return, his own call is not on it. */
static inline __attribute__((always_inline)) int shadow_stack_on(void)
{
	long answer;

	__asm__ volatile("syscall"
			 : "=a"(answer)
			 : "a"(SYS_arch_prctl), "D"(ARCH_SHSTK_ENABLE), "S"(ARCH_SHSTK_SHSTK)
			 : "rcx", "r11", "memory");
	return (int)answer;
}

/* 0 without a shadow stack: then RDSSP does nothing. */
static inline __attribute__((always_inline)) uint64_t shadow_pointer(void)
{
	uint64_t pointer = 0;

	__asm__ volatile("rdsspq %0" : "+r"(pointer));
	return pointer;
}

static void wrong(const char *what)
{
	static const char name[] = "shadow_stack: ";

	(void)!write(2, name, sizeof(name) - 1);
	(void)!write(2, what, strlen(what));
	(void)!write(2, "\n", 1);
	_exit(1);
}

/* Each level has one return address more on the shadow stack than the one above it. */
static __attribute__((noinline)) void descend(int depth, uint64_t above)
{
	const uint64_t pointer = shadow_pointer();

	if (pointer != above - 8)
		wrong("a call did not move the pointer");
	exit_to_vmm();
	if (depth)
		descend(depth - 1, pointer);
	else if (raise(SIGUSR1))
		wrong("no signal");
	exit_to_vmm();
	if (shadow_pointer() != pointer)
		wrong("the pointer moved");
}

static void on_user_signal(int number)
{
	(void)number;
	exit_to_vmm();
	if (shadow_pointer())
		signals++;
}

static void round_trip(void)
{
	const sig_atomic_t before = signals;

	descend(DEPTH, shadow_pointer());
	if (signals != before + 1)
		wrong("a signal without a shadow stack");
}

static void spin(volatile uint32_t *word)
{
	for (;;) {
		round_trip();
		++*word;
	}
}

static void on_violation(int number, siginfo_t *info, void *context)
{
	static const char good[] = "control protection\n";

	(void)number;
	(void)context;
	if (info->si_code != CONTROL_PROTECTION)
		wrong("SIGSEGV, but not for the shadow stack");
	_exit(write(1, good, sizeof(good) - 1) != sizeof(good) - 1);
}

static void nobodys(void)
{
	wrong("a return that the shadow stack does not know");
}

static __attribute__((noinline)) void stray(void)
{
	volatile uintptr_t *frame = __builtin_frame_address(0);

	exit_to_vmm();
	frame[1] = (uintptr_t)nobodys;
}

/* Nobody is there any more: the instruction is undefined, and left out. */
static void on_undefined(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	pointer_at_signal = shadow_pointer();
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += VMCALL_BYTES;
}

static __attribute__((noinline)) void crash(void)
{
	const uint64_t before = shadow_pointer();
	uint64_t call = DEBUG_FAULT_HYPERCALL, kind = DEBUG_FAULT_UD;

	__asm__ volatile("vmcall" : "+a"(call), "+c"(kind) : : "rdx", "memory");
	/* Signals push to the stack that they interrupt. */
	if (!pointer_at_signal || pointer_at_signal >= before)
		wrong("the crash did not come, or the signal had no shadow stack");
	if (shadow_pointer() != before)
		wrong("the pointer is not what it was before the crash");
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *))
{
	const struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	sigaction(number, &action, NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	volatile uint32_t *word = argc == 3 && !strcmp(what, "spin") ? map_word(argv[2]) : NULL;

	if (!word && (argc != 2 || (strcmp(what, "stray") && strcmp(what, "crash")))) {
		fprintf(stderr, "usage: shadow_stack spin FILE | stray | crash\n");
		return 2;
	}
	signal(SIGUSR1, on_user_signal);
	handle(SIGSEGV, on_violation);
	handle(SIGILL, on_undefined);
	if (shadow_stack_on()) {
		fprintf(stderr, "shadow_stack: the kernel has none\n");
		return 3;
	}
	if (!shadow_pointer())
		wrong("there is none");
	if (word)
		spin(word);
	if (!strcmp(what, "stray"))
		stray();
	else
		crash();
	round_trip();
	exit(0);
}
