/* SPDX-License-Identifier: MIT */
/*
 * CPUID: the hardware's answer, except for what depends on the guest's state and for our
 * own leaves. Always exits, so this is the hottest handler.
 */
#include <string.h>

#include "internal.h"

static struct chain leaves;

/* The first of our leaves: the highest of these leaves and the signature. */
static void own_leaf(struct cpu_leaf *answer)
{
	static const char signature[12] = "PlinthPlinth";
	uint32_t words[3];

	memcpy(words, signature, sizeof(words));
	*answer = (struct cpu_leaf){.eax = beneath_leaf(), .ebx = words[0], .ecx = words[1], .edx = words[2]};
}

static void follow(uint32_t *word, uint32_t bit, bool on)
{
	*word = (*word & ~bit) | (on ? bit : 0);
}

/* The name of CPUs that have SYSCALL in 64-bit code only, and say so: in the order EBX, EDX, ECX. */
#define ONLY_64_EBX 0x756e6547u
#define ONLY_64_EDX 0x49656e69u
#define ONLY_64_ECX 0x6c65746eu

static bool syscall_in_64_only; /* others have it in 32-bit code as well */

void cpuid_init(void)
{
	struct cpu_leaf id;

	cpu_cpuid(0, 0, &id);
	syscall_in_64_only = id.ebx == ONLY_64_EBX && id.edx == ONLY_64_EDX && id.ecx == ONLY_64_ECX;
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
	if (q->leaf == beneath_leaf()) {
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
	} else if (q->leaf == CPUID_EXTENDED && syscall_in_64_only && !vcpu_read(vcpu, VCPU_CODE64)) {
		answer->edx &= ~CPUID_EXTENDED_EDX_SYSCALL;
	}
}

/* From the bottom up, because each handler changes what is there. */
static enum exit_action ask_modules(struct vcpu *vcpu, struct exit_cpuid *q)
{
	enum exit_action action = EXIT_NEXT;

	for (uint32_t i = 0; action == EXIT_NEXT && i < leaves.n; i++)
		if (chain_covers(&leaves.rows[i], q->leaf, CHAIN_ANY))
			action = leaves.rows[i].handler.cpuid(vcpu, q, leaves.rows[i].context);
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

/* Bits that all leaves with more to them have in common: odd ones (1, 7, 0x19, 0x80000001), and 0x40000000
 * and up. */
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
	if (row->first == row->last)
		return row->first & SPECIAL_BITS;
	return row->first & TOP_BITS & SPECIAL_BITS && !((row->first ^ row->last) & TOP_BITS);
}

vcpu_exit_fn *cpuid_handler(void)
{
	if (beneath_found())
		return special;
	for (uint32_t i = 0; i < leaves.n; i++)
		if (!is_special(&leaves.rows[i]))
			return special;
	return exit_cpuid;
}

static struct chain_row cpuid_row(uint32_t first, uint32_t last, exit_cpuid_fn *handler, void *context)
{
	return (struct chain_row){.first = first,
				  .last = last,
				  .handler.cpuid = handler,
				  .context = context,
				  .what = CHAIN_ANY};
}

int exit_register_cpuid(uint32_t first, uint32_t last, exit_cpuid_fn *handler, void *context)
{
	const struct chain_row row = cpuid_row(first, last, handler, context);
	int err = chain_add(&leaves, &row);

	table_refresh();
	return err;
}

int exit_unregister_cpuid(uint32_t first, uint32_t last, exit_cpuid_fn *handler, void *context)
{
	const struct chain_row row = cpuid_row(first, last, handler, context);
	int err = chain_remove(&leaves, &row);

	table_refresh();
	return err;
}
