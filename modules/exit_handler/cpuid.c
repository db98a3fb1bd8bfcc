/* SPDX-License-Identifier: MIT */
/*
 * CPUID: the hardware's answer, except for what depends on the guest's state and for our
 * own leaves. Always exits, so this is the hottest handler.
 */
#include <string.h>

#include "internal.h"

/* The first of our leaves: the highest of these leaves and the signature. */
static void own_leaf(struct cpu_leaf *answer)
{
	static const char signature[12] = "PlinthPlinth";
	uint32_t words[3];

	memcpy(words, signature, sizeof(words));
	*answer = (struct cpu_leaf){
		.eax = exit_state.own_leaf, .ebx = words[0], .ecx = words[1], .edx = words[2]};
}

static void follow(uint32_t *word, uint32_t bit, bool on)
{
	*word = (*word & ~bit) | (on ? bit : 0);
}

/* The name of CPUs that have SYSCALL in 64-bit code only, and say so: in the order EBX, EDX, ECX. */
#define ONLY_64_EBX 0x756e6547u
#define ONLY_64_EDX 0x49656e69u
#define ONLY_64_ECX 0x6c65746eu

void cpuid_init(void)
{
	struct cpu_leaf id;

	cpu_cpuid(0, 0, &id);
	exit_state.syscall_in_64_only =
		id.ebx == ONLY_64_EBX && id.edx == ONLY_64_EDX && id.ecx == ONLY_64_ECX;
}

/* Whether key locker is on is up to CR4.KL and the firmware: with the guest's bit the CPU knows. */
static void ask_about_key_locker(struct vcpu *vcpu, struct exit_cpuid *q)
{
	const uint64_t own = cpu_read_cr4(), guests = vcpu_read(vcpu, VCPU_CR4);

	if (!((own ^ guests) & CR4_KL))
		return;
	cpu_write_cr4(own ^ CR4_KL);
	cpu_cpuid(q->leaf, q->subleaf, &q->answer);
	cpu_write_cr4(own);
}

/*
 * What CPUID tells of the state of whoever asks must be the guest's, not the VMM's (SDM, "CPUID"): CR4, and
 * the mode of the code. XCR0, IA32_XSS and all MSRs that it tells of are the guest's in root mode, too.
 */
static void ask_hardware(struct vcpu *vcpu, struct exit_cpuid *q)
{
	struct cpu_leaf *answer = &q->answer;

	cpu_cpuid(q->leaf, q->subleaf, answer);
	if (q->leaf == exit_state.own_leaf) {
		own_leaf(answer);
	} else if (q->leaf == 1) {
		answer->ecx |= CPUID_1_ECX_HYPERVISOR;
		follow(&answer->ecx, CPUID_1_ECX_OSXSAVE, vcpu_read(vcpu, VCPU_CR4) & CR4_OSXSAVE);
	} else if (q->leaf == 7 && !q->subleaf) {
		follow(&answer->ecx, CPUID_7_ECX_OSPKE, vcpu_read(vcpu, VCPU_CR4) & CR4_PKE);
	} else if (q->leaf == 7 && q->subleaf == 1) {
		/* Their bits of CR4 are the VMM's, and stay 0. */
		answer->eax &= ~(CPUID_7_1_EAX_LASS | CPUID_7_1_EAX_FRED);
	} else if (q->leaf == CPUID_KEY_LOCKER) {
		ask_about_key_locker(vcpu, q);
	} else if (q->leaf == CPUID_EXTENDED && exit_state.syscall_in_64_only &&
		   !vcpu_read(vcpu, VCPU_CODE64)) {
		answer->edx &= ~CPUID_EXTENDED_EDX_SYSCALL;
	}
}

static uint64_t leaf_number(uint32_t leaf, uint32_t subleaf)
{
	return (uint64_t)leaf << 32 | subleaf;
}

/* Ranges of leaves and of subleaves: the numbers of both together have gaps. */
static bool is_asked(const struct chain_row *row, const struct exit_cpuid *q)
{
	return chain_covers(row, PLINTH_REGISTERED_CPUID, leaf_number(q->leaf, q->subleaf), CHAIN_ANY) &&
	       (uint32_t)row->first <= q->subleaf && q->subleaf <= (uint32_t)row->last;
}

/* From the bottom up, because each handler changes what is there. */
static enum exit_action ask_modules(struct vcpu *vcpu, struct exit_cpuid *q)
{
	const struct exit_policy *policy = vcpu->guest->policy;
	enum exit_action action = EXIT_NEXT;

	for (uint32_t i = 0; action == EXIT_NEXT && i < policy->n; i++)
		if (is_asked(&policy->rows[i], q))
			action = policy->rows[i].handler.cpuid(vcpu, q, policy->rows[i].context);
	return action;
}

/* Leaves that may need more than the hardware's answer; kept apart to keep the others short. */
static __attribute__((noinline)) enum exit_action special(struct vcpu *vcpu)
{
	struct exit_cpuid q = {.leaf = (uint32_t)vcpu->regs.rax, .subleaf = (uint32_t)vcpu->regs.rcx};
	enum exit_action action;

	if (beneath_cpuid_faults(vcpu))
		return exit_raise_gp(vcpu);
	ask_hardware(vcpu, &q);
	action = ask_modules(vcpu, &q);
	if (action != EXIT_NEXT)
		return action;
	vcpu->regs.rax = q.answer.eax;
	vcpu->regs.rbx = q.answer.ebx;
	vcpu->regs.rcx = q.answer.ecx;
	vcpu->regs.rdx = q.answer.edx;
	return EXIT_NEXT;
}

/*
 * Bits that all leaves with more to them have in common: odd ones (1, 7, 0x19, 0x80000001), and 0x40000000
 * and up.
 */
#define SPECIAL_BITS 0x40000001u
#define TOP_BITS     0xc0000000u

enum exit_action exit_cpuid(struct vcpu *vcpu)
{
	if ((uint32_t)vcpu->regs.rax & SPECIAL_BITS)
		return special(vcpu);
	return cpu_cpuid_guest(vcpu);
}

/* Does every leaf of the range take the longer road anyhow? */
static bool is_special(const struct chain_row *row)
{
	const uint32_t first = (uint32_t)(row->first >> 32), last = (uint32_t)(row->last >> 32);

	if (first == last)
		return first & SPECIAL_BITS;
	return first & TOP_BITS & SPECIAL_BITS && !((first ^ last) & TOP_BITS);
}

vcpu_exit_fn *cpuid_handler(void)
{
	const struct exit_policy *policy = &exit_state.policy;

	if (exit_state.is_beneath)
		return special;
	for (uint32_t i = 0; i < policy->n; i++)
		if (policy->rows[i].sort == PLINTH_REGISTERED_CPUID && !is_special(&policy->rows[i]))
			return special;
	return exit_cpuid;
}

/* @what is 0, which no row has, where the subleaves are no range. */
static struct chain_row cpuid_row(uint32_t first, uint32_t last, uint32_t first_subleaf,
				  uint32_t last_subleaf, exit_cpuid_fn *handler, void *context)
{
	return (struct chain_row){.sort = PLINTH_REGISTERED_CPUID,
				  .what = first_subleaf <= last_subleaf ? CHAIN_ANY : 0,
				  .first = leaf_number(first, first_subleaf),
				  .last = leaf_number(last, last_subleaf),
				  .handler.cpuid = handler,
				  .context = context};
}

int exit_register_cpuid(uint32_t first, uint32_t last, uint32_t first_subleaf, uint32_t last_subleaf,
			exit_cpuid_fn *handler, void *context)
{
	const struct chain_row row = cpuid_row(first, last, first_subleaf, last_subleaf, handler, context);
	int err = chain_add(&row);

	table_refresh();
	return err;
}

int exit_unregister_cpuid(uint32_t first, uint32_t last, uint32_t first_subleaf, uint32_t last_subleaf,
			  exit_cpuid_fn *handler, void *context)
{
	const struct chain_row row = cpuid_row(first, last, first_subleaf, last_subleaf, handler, context);
	int err = chain_remove(&row);

	table_refresh();
	return err;
}
