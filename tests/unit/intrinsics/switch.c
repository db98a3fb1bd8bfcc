/* SPDX-License-Identifier: MIT */
/*
 * The assembly between the guest and C: the exit stub with its short cut, the launch
 * and the hand-back, on a stack of the test's own.
 */
#include <criterion/criterion.h>
#include <string.h>

#include <plinth/intrinsics.h>
#include <plinth/vcpu.h>
#include <plinth/x86.h>

#include "trap.h"

#define EXIT_REASON	 0x4402u
#define EXIT_LENGTH	 0x440cu
#define INTERRUPTIBILITY 0x4824u
#define GUEST_RIP	 0x681eu
#define GUEST_RFLAGS	 0x6820u
#define RIP		 0xffffffff81000123ull
#define PATTERN(i)	 (0x1111111111111111ull * ((i) + 1))
#define RSP_NUMBER	 4u

static struct {
	uint8_t stack[65536];
	struct vcpu vcpu; /* the top of its stack */
} root __attribute__((aligned(4096)));

/* Another one, and whom the exit's answer resumes. */
static struct vcpu other, *resumed;
static bool refusal_answers;

static struct vcpu_exit guest; /* what the VMCS says */
static enum exit_action answer;
static unsigned int actions;
static enum exit_action action_seen;
static int failure = -1;
static struct vcpu_exit exit_seen;
static struct vcpu_regs regs_seen;

static uint64_t vmcs_field(uint64_t field)
{
	switch (field) {
	case EXIT_REASON: return guest.reason;
	case EXIT_LENGTH: return guest.length;
	case INTERRUPTIBILITY: return guest.blocked;
	case GUEST_RIP: return guest.rip;
	case GUEST_RFLAGS: return guest.rflags;
	default: return 0;
	}
}

/* What the exit pushed, by number in instruction encodings. */
static uint64_t *reg_of(struct vcpu_regs *r, unsigned int number)
{
	uint64_t *const regs[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, NULL,	 &r->rbp, &r->rsi, &r->rdi,
				    &r->r8,  &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15};

	return regs[number];
}

static enum exit_action handle(struct vcpu *vcpu)
{
	exit_seen = vcpu->exit;
	regs_seen = vcpu->regs;
	for (unsigned int i = 0; i < 16; i++)
		if (i != RSP_NUMBER)
			*reg_of(&vcpu->regs, i) = ~PATTERN(i);
	return answer;
}

static struct vcpu *on_action(struct vcpu *vcpu, enum exit_action action)
{
	cr_assert_eq(vcpu, &root.vcpu);
	actions++;
	action_seen = action;
	return resumed;
}

static struct vcpu *on_refusal(struct vcpu *vcpu, int how)
{
	cr_assert_eq(vcpu, &root.vcpu);
	failure = how;
	if (!refusal_answers)
		siglongjmp(trap_left, 1);
	trap.leaves = true;
	trap.carry = trap.zero = false;
	return resumed;
}

static void fresh(void)
{
	trap_reset();
	trap.field = vmcs_field;
	trap.leaves = true;
	guest = (struct vcpu_exit){.reason = 10, .rip = RIP, .length = 2, .rflags = 0x202};
	memset(&root.vcpu, 0, sizeof(root.vcpu));
	root.vcpu.on_exit = handle;
	root.vcpu.on_action = on_action;
	root.vcpu.on_refusal = on_refusal;
	memset(&other, 0, sizeof(other));
	resumed = &root.vcpu;
	refusal_answers = false;
	answer = EXIT_NEXT;
	actions = 0;
	failure = -1;
}

/* -- the exit stub ------------------------------------------------------------------------- */

/* The CPU as an exit leaves it: the guest's general registers, RSP and RIP from the VMCS. */
static __attribute__((noinline, noreturn)) void enter_stub(void)
{
	static uint64_t patterns[16], stub, rsp;

	for (unsigned int i = 0; i < 16; i++)
		patterns[i] = PATTERN(i);
	stub = cpu_vm_exit_address();
	rsp = (uint64_t)&root.vcpu.on_exit;
	__asm__ volatile("mov %[rsp], %%rsp\n\t"
			 "pushq %[stub]\n\t"
			 "mov 0*8(%[p]), %%rax\n\t"
			 "mov 1*8(%[p]), %%rcx\n\t"
			 "mov 2*8(%[p]), %%rdx\n\t"
			 "mov 3*8(%[p]), %%rbx\n\t"
			 "mov 5*8(%[p]), %%rbp\n\t"
			 "mov 6*8(%[p]), %%rsi\n\t"
			 "mov 8*8(%[p]), %%r8\n\t"
			 "mov 9*8(%[p]), %%r9\n\t"
			 "mov 10*8(%[p]), %%r10\n\t"
			 "mov 11*8(%[p]), %%r11\n\t"
			 "mov 12*8(%[p]), %%r12\n\t"
			 "mov 13*8(%[p]), %%r13\n\t"
			 "mov 14*8(%[p]), %%r14\n\t"
			 "mov 15*8(%[p]), %%r15\n\t"
			 "mov 7*8(%[p]), %%rdi\n\t"
			 "ret"
			 :
			 : [p] "D"(patterns), [rsp] "m"(rsp), [stub] "m"(stub)
			 : "memory");
	__builtin_unreachable();
}

static void exit_once(void)
{
	if (!sigsetjmp(trap_left, 1))
		enter_stub();
}

static uint64_t written(uint64_t field)
{
	for (unsigned int i = 0; i < trap.n; i++)
		if (trap.record[i].name == T_VMWRITE && trap.record[i].a == field)
			return trap.record[i].b;
	return 0;
}

Test(exit_stub, facts_and_registers_go_to_the_handler_and_back, .init = fresh)
{
	exit_once();
	cr_expect_eq(exit_seen.reason, 10);
	cr_expect_eq(exit_seen.rip, RIP);
	cr_expect_eq(exit_seen.length, 2);
	cr_expect_eq(exit_seen.rflags, 0x202);
	cr_expect_eq(exit_seen.blocked, 0);
	for (unsigned int i = 0; i < 16; i++) {
		if (i == RSP_NUMBER)
			continue;
		cr_expect_eq(*reg_of(&regs_seen, i), PATTERN(i), "register %u of the guest", i);
		cr_expect_eq(trap.regs.gpr[i], ~PATTERN(i), "register %u at the entry", i);
	}
	cr_expect_eq(trap.regs.gpr[RSP_NUMBER], (uint64_t)&root.vcpu.on_exit);
	cr_expect_eq(trap.record[trap.n - 1].name, T_VMRESUME);
}

Test(exit_stub, the_usual_exit_moves_rip_itself, .init = fresh)
{
	exit_once();
	cr_expect_eq(actions, 0);
	cr_expect_eq(written(GUEST_RIP), RIP + 2);
	cr_expect_eq(trap.n, 7, "five VMREADs, a VMWRITE, the VMRESUME");
}

static void expect_left_to_the_vcpu(const char *why)
{
	exit_once();
	cr_expect_eq(actions, 1, "%s", why);
	cr_expect_eq(action_seen, answer, "%s", why);
	cr_expect_eq(written(GUEST_RIP), 0, "%s", why);
	cr_expect_eq(trap.record[trap.n - 1].name, T_VMRESUME, "%s", why);
	fresh();
}

Test(exit_stub, everything_else_is_the_vcpus, .init = fresh)
{
	static const enum exit_action others[] = {EXIT_RETRY, EXIT_LEAVE, EXIT_FATAL, EXIT_SWITCH};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		answer = others[i];
		expect_left_to_the_vcpu("not EXIT_NEXT");
	}
	guest.blocked = 1;
	expect_left_to_the_vcpu("behind STI");
	guest.blocked = 2;
	expect_left_to_the_vcpu("behind MOV SS");
	guest.rflags |= RFLAGS_TF;
	expect_left_to_the_vcpu("single steps");
	guest.rflags |= RFLAGS_RF;
	expect_left_to_the_vcpu("an access that was tried again");
	guest.rip = 0x7ffffffff1;
	expect_left_to_the_vcpu("so close to a multiple of 4 GiB that it may wrap");
	guest.rip = 0xffffffffull;
	expect_left_to_the_vcpu("the last byte");
}

Test(exit_stub, blocking_by_nmi_is_nothing_special, .init = fresh)
{
	guest.blocked = 8;
	guest.rip = 0xfffffff0;
	exit_once();
	cr_expect_eq(actions, 0);
	cr_expect_eq(written(GUEST_RIP), 0xfffffff2, "no instruction is longer than 15 bytes");
}

static enum exit_action retry_then_fail(struct vcpu *vcpu)
{
	(void)vcpu;
	trap.leaves = false;
	return EXIT_RETRY;
}

Test(exit_stub, a_resume_that_fails, .init = fresh)
{
	root.vcpu.on_exit = retry_then_fail;
	trap.carry = true;
	exit_once();
	cr_expect_eq(failure, CPU_VMX_FAIL_INVALID);
	fresh();
	root.vcpu.on_exit = retry_then_fail;
	trap.zero = true;
	exit_once();
	cr_expect_eq(failure, CPU_VMX_FAIL_VALID);
}

/* Whom to resume is the answer of an exit, and of a resume that failed. */
static void expect_the_other(void)
{
	for (unsigned int i = 0; i < 16; i++)
		if (i != RSP_NUMBER)
			cr_expect_eq(trap.regs.gpr[i], PATTERN(i), "register %u at the entry", i);
	cr_expect_eq(trap.regs.gpr[RSP_NUMBER], (uint64_t)&other.on_exit);
	cr_expect_eq(trap.record[trap.n - 1].name, T_VMRESUME);
}

static void be_the_other(void)
{
	resumed = &other;
	for (unsigned int i = 0; i < 16; i++)
		if (i != RSP_NUMBER)
			*reg_of(&other.regs, i) = PATTERN(i);
}

Test(exit_stub, another_vcpu_is_resumed, .init = fresh)
{
	be_the_other();
	answer = EXIT_SWITCH;
	exit_once();
	expect_the_other();
}

static struct vcpu *resume_itself(struct vcpu *vcpu, enum exit_action action)
{
	(void)action;
	return vcpu;
}

Test(exit_stub, another_vcpu_is_resumed_after_a_refusal, .init = fresh)
{
	be_the_other();
	root.vcpu.on_exit = retry_then_fail;
	root.vcpu.on_action = resume_itself;
	trap.carry = true;
	refusal_answers = true;
	exit_once();
	cr_expect_eq(failure, CPU_VMX_FAIL_INVALID);
	expect_the_other();
}

/* -- the launch ------------------------------------------------------------------------------- */

Test(launch, an_early_failure_comes_back, .init = fresh)
{
	trap.leaves = false;
	trap.carry = true;
	cr_expect_eq(cpu_vmlaunch(&root.vcpu), CPU_VMX_FAIL_INVALID);
	trap.carry = false;
	trap.zero = true;
	cr_expect_eq(cpu_vmlaunch(&root.vcpu), CPU_VMX_FAIL_VALID);
	cr_expect_eq(trap.record[1].name, T_VMLAUNCH);
}

Test(launch, with_the_registers_of_the_guest, .init = fresh)
{
	for (unsigned int i = 0; i < 16; i++)
		if (i != RSP_NUMBER)
			*reg_of(&root.vcpu.regs, i) = PATTERN(i);
	if (!sigsetjmp(trap_left, 1))
		(void)!cpu_vmlaunch(&root.vcpu);
	for (unsigned int i = 0; i < 16; i++)
		if (i != RSP_NUMBER)
			cr_expect_eq(trap.regs.gpr[i], PATTERN(i), "register %u", i);
	cr_expect_eq(trap.regs.gpr[RSP_NUMBER], (uint64_t)&root.vcpu.on_exit,
		     "as HOST_RSP, for an early failure");
}

/* -- giving the CPU back ------------------------------------------------------------------------ */

static void landing(void)
{
	__asm__ volatile("ud2");
}

Test(hand_back, registers_landing_and_nmis, .init = fresh)
{
	static const uint8_t order[16] = {14, 13, 12, 11, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
	struct cpu_handback back = {.rsp = (uint64_t)&root.stack[4096], .land = (uint64_t)landing, .nmis = 3};

	for (unsigned int i = 0; i < 15; i++)
		((uint64_t *)&back)[i] = PATTERN(i);
	if (!sigsetjmp(trap_left, 1))
		cpu_hand_back(&back, 0x12345000);
	cr_assert_eq(trap.n, 4);
	for (unsigned int i = 0; i < 3; i++)
		cr_expect(trap.record[i].name == T_INT2 && trap.record[i].a == 2, "an NMI that is owed");
	for (unsigned int i = 0; i < 16; i++)
		if (i != RSP_NUMBER && i != 7 && i != 5)
			cr_expect_eq(trap.regs.gpr[i], PATTERN(order[i]), "register %u", i);
	cr_expect_eq(trap.regs.gpr[7], 0x12345000, "RDI is the landing's CR3");
	cr_expect_eq(back.nmis, 0);
}

/* A machine check goes first: its handler looks for more, and knows what an NMI of the same error is. */
Test(hand_back, a_machine_check, .init = fresh)
{
	struct cpu_handback back = {
		.rsp = (uint64_t)&root.stack[4096], .land = (uint64_t)landing, .nmis = 1, .machine_check = 1};

	if (!sigsetjmp(trap_left, 1))
		cpu_hand_back(&back, 1);
	cr_assert_eq(trap.n, 3);
	cr_expect(trap.record[0].name == T_INT2 && trap.record[0].a == VECTOR_MC);
	cr_expect(trap.record[1].name == T_INT2 && trap.record[1].a == VECTOR_NMI);
}

Test(hand_back, without_nmis, .init = fresh)
{
	struct cpu_handback back = {.rsp = (uint64_t)&root.stack[4096], .land = (uint64_t)landing};

	if (!sigsetjmp(trap_left, 1))
		cpu_hand_back(&back, 1);
	cr_assert_eq(trap.n, 1);
}
