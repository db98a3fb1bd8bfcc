/* SPDX-License-Identifier: MIT */
/*
 * What a debugger and a user program see of instructions that a VMM emulates or that
 * trap: run natively and under the VMM, compare.
 *
 *   stepping      every case, one line of result each
 *
 * A result is the list of signals a case got: letter of the signal, offset of RIP in the
 * code of the case, and what the debug status register says, where it says anything.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS_MAX 64

/* Code cases: each is a function that begins at NAME and ends at NAME_end. */
#define CASE(name, body)                                                                                     \
	__asm__(".text\n.globl " #name ", " #name "_end\n" #name ":\n" body "\n" #name "_end:\n\tret\n");    \
	extern void name(void);                                                                              \
	extern const char name##_end[];

/* RBX must survive, and RSP must be aligned enough for a signal frame: it always is. */
#define STEPPED(body)                                                                                        \
	"push %rbx\n\tpushfq\n\torl $0x100, (%rsp)\n\tpopfq\n\t" body                                        \
	"\n\tpushfq\n\tandl $~0x100, (%rsp)\n\tpopfq\n\tnop\n\tpop %rbx\n"

#define CPUID "xor %eax, %eax\n\txor %ecx, %ecx\n\tcpuid\n\t"

CASE(step_cpuid, STEPPED("nop\n\t" CPUID "nop\n\t" CPUID "nop"))
CASE(step_cpuid_cpuid, STEPPED(CPUID "cpuid\n\tcpuid\n\tnop"))
CASE(step_mov_ss, STEPPED("mov %ss, %ecx\n\tmov %ecx, %ss\n\tnop\n\tnop"))
CASE(step_mov_ss_cpuid, STEPPED("xor %eax, %eax\n\tmov %ss, %ecx\n\tmov %ecx, %ss\n\tcpuid\n\tnop\n\tnop"))
CASE(step_vmcall, STEPPED("nop\n\tvmcall\n\tnop"))
CASE(step_mov_ss_vmcall, STEPPED("mov %ss, %ecx\n\tmov %ecx, %ss\n\tvmcall\n\tnop\n\tnop"))
CASE(step_privileged, STEPPED("xor %ecx, %ecx\n\tinvd\n\t.byte 0x90\n\txsetbv\n\tnop"))
CASE(plain_cpuid, "push %rbx\n\t" CPUID "nop\n\t" CPUID "pop %rbx\n")
CASE(watch_cpuid, "push %rbx\n\tmov $watched, %eax\n\tmovl $0, (%rax)\n\t" CPUID "nop\n\tpop %rbx\n")
CASE(watch_mov_ss, "push %rbx\n\tmov %ss, %eax\n\tmov %eax, watched(%rip)\n\tmov watched(%rip), %ss\n\t" CPUID
		   "nop\n\tpop %rbx\n")
CASE(insn_vmxon, "vmxon watched(%rip)")
CASE(insn_vmclear, "vmclear watched(%rip)")
CASE(insn_vmptrld, "vmptrld watched(%rip)")
CASE(insn_vmptrst, "vmptrst watched(%rip)")
CASE(insn_vmread, "vmread %rax, %rcx")
CASE(insn_vmwrite, "vmwrite %rax, %rcx")
CASE(insn_vmlaunch, "vmlaunch")
CASE(insn_vmresume, "vmresume")
CASE(insn_vmxoff, "vmxoff")
CASE(insn_vmcall, "vmcall")
CASE(insn_vmfunc, ".byte 0x0f, 0x01, 0xd4")
CASE(insn_invept, "invept watched(%rip), %rax")
CASE(insn_invvpid, "invvpid watched(%rip), %rax")
CASE(insn_getsec, ".byte 0x0f, 0x37")
CASE(insn_invd, "invd\n\tnop")
CASE(insn_wbinvd, "wbinvd")
CASE(insn_xsetbv, "xor %ecx, %ecx\n\txsetbv")
CASE(insn_xgetbv, "xor %ecx, %ecx\n\txgetbv")
CASE(insn_rdmsr, "mov $0x10, %ecx\n\trdmsr")
CASE(insn_wrmsr, "mov $0x10, %ecx\n\twrmsr")
CASE(insn_rdtsc, "rdtsc")
CASE(insn_rdtscp, "rdtscp")
CASE(insn_rdpmc, "xor %ecx, %ecx\n\trdpmc")
CASE(insn_clts, "clts")
CASE(insn_mov_cr0, "mov %cr0, %rax")
CASE(insn_mov_cr3, "mov %cr3, %rax")
CASE(insn_mov_to_cr4, "mov %rax, %cr4")
CASE(insn_mov_dr7, "mov %dr7, %rax")
CASE(insn_hlt, "hlt")
CASE(insn_lgdt, "lgdt watched(%rip)")
CASE(insn_ltr, "ltr %ax")
CASE(insn_invlpg, "invlpg watched(%rip)")
CASE(insn_int3, "int3")
CASE(insn_int1, ".byte 0xf1")
CASE(insn_ud2, "ud2")
CASE(insn_monitor, "monitor")
CASE(insn_sysret, "sysretq")

uint64_t watched;

struct event {
	char signal;
	long offset;
	unsigned long status;
};

static struct {
	const char *start, *end;
	int n;
	struct event events[EVENTS_MAX];
} seen;

/* A fault ends the case (goes to its RET), a trap goes on. */
static char letter_of(int number)
{
	switch (number) {
	case SIGTRAP: return 'T';
	case SIGILL: return 'I';
	case SIGSEGV: return 'S';
	default: return 'B';
	}
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	const char *rip = (const char *)regs[REG_RIP];

	if (seen.n < EVENTS_MAX)
		seen.events[seen.n++] =
			(struct event){letter_of(number), rip - seen.start, (unsigned long)info->si_code};
	if (number == SIGTRAP)
		return;
	regs[REG_RIP] = (greg_t)seen.end;
	regs[REG_EFL] &= ~0x100l;
}

static void print_events(const char *name)
{
	printf("%s:", name);
	for (int i = 0; i < seen.n; i++)
		printf(" %c+%ld/%lu", seen.events[i].signal, seen.events[i].offset, seen.events[i].status);
	printf("\n");
}

struct code_case {
	const char *name;
	void (*code)(void);
	const char *end;
	int breakpoint; /* of the traced cases: offset, -1: the watched word */
};

#define ROW(name) #name, name, name##_end, 0

static const struct code_case cases[] = {
	{ROW(step_cpuid)},   {ROW(step_cpuid_cpuid)}, {ROW(step_mov_ss)},     {ROW(step_mov_ss_cpuid)},
	{ROW(insn_vmxon)},   {ROW(insn_vmclear)},     {ROW(insn_vmptrld)},    {ROW(insn_vmptrst)},
	{ROW(insn_vmread)},  {ROW(insn_vmwrite)},     {ROW(insn_vmlaunch)},   {ROW(insn_vmresume)},
	{ROW(insn_vmxoff)},  {ROW(insn_vmcall)},      {ROW(insn_vmfunc)},     {ROW(insn_invept)},
	{ROW(insn_invvpid)}, {ROW(insn_getsec)},      {ROW(insn_invd)},	      {ROW(insn_wbinvd)},
	{ROW(insn_xsetbv)},  {ROW(insn_xgetbv)},      {ROW(insn_rdmsr)},      {ROW(insn_wrmsr)},
	{ROW(insn_rdtsc)},   {ROW(insn_rdtscp)},      {ROW(insn_rdpmc)},      {ROW(insn_clts)},
	{ROW(insn_mov_cr0)}, {ROW(insn_mov_cr3)},     {ROW(insn_mov_to_cr4)}, {ROW(insn_mov_dr7)},
	{ROW(insn_hlt)},     {ROW(insn_lgdt)},	      {ROW(insn_ltr)},	      {ROW(insn_invlpg)},
	{ROW(insn_int3)},    {ROW(insn_int1)},	      {ROW(insn_ud2)},	      {ROW(insn_monitor)},
	{ROW(insn_sysret)},
};

static void run_case(const struct code_case *c)
{
	seen.start = (const char *)(uintptr_t)c->code;
	seen.end = c->end;
	seen.n = 0;
	__asm__ volatile("call *%0" ::"r"(c->code)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	print_events(c->name);
}

/* A fault with the trap flag set: where a debugger finds the program afterwards. */
static const struct code_case faulting[] = {
	{ROW(step_vmcall)},
	{ROW(step_mov_ss_vmcall)},
	{ROW(step_privileged)},
};

/* Hardware breakpoints, set by a parent: execution (len 1) or writes and reads (len 4). */
static const struct code_case traced[] = {
	{"break_on_cpuid", plain_cpuid, plain_cpuid_end, 5},
	{"break_after_cpuid", plain_cpuid, plain_cpuid_end, 7},
	{"watch_before_cpuid", watch_cpuid, watch_cpuid_end, -1},
	{"watch_mov_ss_cpuid", watch_mov_ss, watch_mov_ss_end, -1},
};

#define DR7_LOCAL0 0x1ul
#define DR7_RW_4   0xf0000ul

static void need(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "stepping: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set_debug(pid_t pid, int number, unsigned long value)
{
	need(!ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg) + 8u * (unsigned int)number,
		     value),
	     "debug register");
}

static unsigned long rip_of(pid_t pid)
{
	struct user_regs_struct regs;

	need(!ptrace(PTRACE_GETREGS, pid, NULL, &regs), "registers");
	return regs.rip;
}

static void note_trap(pid_t pid, const struct code_case *c)
{
	size_t place = offsetof(struct user, u_debugreg) + 6 * sizeof(long);
	unsigned long dr6 = (unsigned long)ptrace(PTRACE_PEEKUSER, pid, place, NULL);

	set_debug(pid, 6, 0);
	if (seen.n < EVENTS_MAX)
		seen.events[seen.n++] =
			(struct event){'D', (long)(rip_of(pid) - (unsigned long)c->code), dr6 & 0x400f};
}

/* A child that is traced, has stopped itself, and then runs the code. */
static pid_t traced_child(const struct code_case *c, int *status)
{
	pid_t pid = fork();

	need(pid >= 0, "fork");
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		c->code();
		_exit(0);
	}
	need(waitpid(pid, status, 0) == pid, "waitpid");
	return pid;
}

/* @request: how the parent lets the child go on. */
static void trace(const struct code_case *c, enum __ptrace_request request, const char *prefix)
{
	unsigned long place = c->breakpoint < 0 ? (unsigned long)&watched
						: (unsigned long)c->code + (unsigned)c->breakpoint;
	int status;
	pid_t pid = traced_child(c, &status);

	seen.n = 0;
	set_debug(pid, 0, place);
	set_debug(pid, 7, c->breakpoint < 0 ? DR7_LOCAL0 | DR7_RW_4 : DR7_LOCAL0);
	for (;;) {
		unsigned long rip;

		need(!ptrace(request, pid, NULL, NULL), "continue");
		need(waitpid(pid, &status, 0) == pid, "waitpid");
		if (!WIFSTOPPED(status))
			break;
		rip = rip_of(pid);
		if (rip < (unsigned long)c->code || rip > (unsigned long)c->end)
			continue;
		note_trap(pid, c);
		/* Nobody wants to see the rest of the program stepped through. */
		if (rip == (unsigned long)c->end)
			request = PTRACE_CONT;
	}
	printf("%s", prefix);
	print_events(c->name);
}

/*
 * Compatibility mode: CPUID in the last two bytes below 4 GiB, so that EIP wraps to 0,
 * where the way back to 64-bit mode waits.
 */
#define TOP	0xfffff000ul
#define CODE_64 0x33
#define CODE_32 0x23

extern const char wrap_bottom[], wrap_bottom_end[], wrap_back[];
uint64_t wrap_stack;
struct {
	uint32_t offset;
	uint16_t selector;
} __attribute__((packed)) wrap_there = {0xfffffffe, CODE_32};

__asm__(".text\n"
	"wrap_bottom:\n\t"
	".byte 0xea\n\t.long wrap_back\n\t.word 0x33\n" /* JMP FAR 0x33:wrap_back */
	"wrap_bottom_end:\n"
	".globl wrap_run\n"
	"wrap_run:\n\t"
	"push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
	"mov %rsp, wrap_stack(%rip)\n\txor %eax, %eax\n\txor %ecx, %ecx\n\tljmpl *wrap_there(%rip)\n"
	"wrap_back:\n\t"
	"mov wrap_stack(%rip), %rsp\n\t"
	"pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop %rbx\n\tret\n");
extern void wrap_run(void);

static void wrap_case(void)
{
	int prot = PROT_READ | PROT_WRITE | PROT_EXEC, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	char *top = mmap((void *)TOP, 4096, prot, flags, -1, 0);
	char *zero = mmap(NULL, 4096, prot, flags, -1, 0);

	if (top == MAP_FAILED || zero == MAP_FAILED) {
		printf("wrap_at_4_gib: cannot map %s\n", top == MAP_FAILED ? "the top" : "page 0");
		return;
	}
	top[4094] = 0x0f;
	top[4095] = (char)0xa2;
	/* Page 0 is NULL to the compiler. */
	__asm__ volatile("" : "+r"(zero));
	for (size_t i = 0; i < (size_t)(wrap_bottom_end - wrap_bottom); i++)
		((volatile char *)zero)[i] = wrap_bottom[i];
	seen.start = zero;
	seen.end = wrap_back;
	seen.n = 0;
	wrap_run();
	munmap(zero, 4096);
	print_events("wrap_at_4_gib");
}

/* A fault in code that pushed something: the program need not survive it, a child runs it. */
static void run_in_child(const struct code_case *c)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	need(pid >= 0, "fork");
	if (!pid) {
		run_case(c);
		fflush(stdout);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid, "waitpid");
	if (WIFSIGNALED(status))
		printf("%s: killed by signal %d\n", c->name, WTERMSIG(status));
}

/* As a debugger sees a fault: the tracer notes RIP and signal, and steps on behind it. */
static void trace_faults(const struct code_case *c)
{
	int status;
	pid_t pid = traced_child(c, &status);

	seen.n = 0;
	while (WIFSTOPPED(status)) {
		unsigned long rip = rip_of(pid);

		if (rip >= (unsigned long)c->code && rip <= (unsigned long)c->end && seen.n < EVENTS_MAX)
			seen.events[seen.n++] = (struct event){letter_of(WSTOPSIG(status)),
							       (long)(rip - (unsigned long)c->code), 0};
		if (WSTOPSIG(status) == SIGILL || WSTOPSIG(status) == SIGSEGV)
			break;
		need(!ptrace(PTRACE_CONT, pid, NULL, NULL), "continue");
		need(waitpid(pid, &status, 0) == pid, "waitpid");
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	print_events(c->name);
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_in_child(&cases[i]);
	fflush(stdout);
	signal(SIGTRAP, SIG_DFL);
	signal(SIGILL, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	for (size_t i = 0; i < sizeof(faulting) / sizeof(faulting[0]); i++)
		trace_faults(&faulting[i]);
	for (size_t i = 0; i < sizeof(traced) / sizeof(traced[0]); i++) {
		fflush(stdout);
		trace(&traced[i], PTRACE_CONT, "");
		fflush(stdout);
		trace(&traced[i], PTRACE_SINGLESTEP, "stepped_");
	}
	fflush(stdout);
	wrap_case();
	return 0;
}
