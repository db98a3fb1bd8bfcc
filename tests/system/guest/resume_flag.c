/* SPDX-License-Identifier: MIT */
/*
 * What a debugger sees of RFLAGS.RF: a fault pushes it as 1, so that a breakpoint on the instruction does not
 * hit again when a handler returns there; an instruction that is done clears it, so that one on the next
 * instruction does hit (SDM, "Instruction-Breakpoint Exception Condition"). The text must be the same with
 * and without a VMM.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define RF_BIT	   16
#define TRIES	   3 /* the handler returns to the instruction so often, then goes on behind it */
#define CODE_BYTES 8
#define NOP	   0x90
#define RET	   0xc3

static const struct row {
	const char *name;
	const char *bytes;
	unsigned int length;
} rows[] = {
	{"ud2", "\x0f\x0b", 2},		 {"vmcall", "\x0f\x01\xc1", 3}, {"vmxoff", "\x0f\x01\xc4", 3},
	{"vmlaunch", "\x0f\x01\xc2", 3}, {"xsetbv", "\x0f\x01\xd1", 3}, {"hlt", "\xf4", 1},
	{"cpuid", "\x0f\xa2", 2},
};

static unsigned char *code;
static volatile sig_atomic_t faults, resumes, length;

static void on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number, (void)info;
	resumes = regs[REG_EFL] >> RF_BIT & 1;
	if (++faults < TRIES)
		return;
	regs[REG_RIP] += length;
	regs[REG_EFL] &= ~(1ll << RF_BIT);
}

static void run_code(void)
{
	__asm__ volatile(
		"push %%rbx\n\txor %%eax, %%eax\n\txor %%ecx, %%ecx\n\tcall *%0\n\tpop %%rbx" ::"r"(code)
		: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
}

static int child_pid(void)
{
	int pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	faults = 0;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	run_code();
	_exit(0);
}

static void set_debug_register(int pid, unsigned int number, unsigned long value)
{
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg) + number * sizeof(value), value))
		perror("debug register");
}

/* Hits of breakpoints on the instruction and on the next one. */
static void trace(const struct row *row)
{
	unsigned int on = 0, behind = 0;
	int pid = child_pid(), status, number = 0;
	struct user_regs_struct regs;

	waitpid(pid, &status, 0);
	set_debug_register(pid, 0, (unsigned long)code);
	set_debug_register(pid, 1, (unsigned long)code + row->length);
	set_debug_register(pid, 7, 5);
	for (;;) {
		ptrace(PTRACE_CONT, pid, NULL, number);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			break;
		number = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
		ptrace(PTRACE_GETREGS, pid, NULL, &regs);
		on += !number && regs.rip == (unsigned long)code;
		behind += !number && regs.rip == (unsigned long)code + row->length;
	}
	printf("%-8s faults %d, RF pushed as %d; hits on it %u, behind it %u\n", row->name, (int)faults,
	       (int)resumes, on, behind);
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		return 1;
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(code, NOP, CODE_BYTES);
		memcpy(code, rows[i].bytes, rows[i].length);
		code[CODE_BYTES - 1] = RET;
		faults = resumes = 0;
		length = (sig_atomic_t)rows[i].length;
		run_code();
		trace(&rows[i]);
	}
	return 0;
}
