/* SPDX-License-Identifier: MIT */
/*
 * Entries with a second VMCS, a copy of the guest's, changed in one or two bits at a time: does the CPU take
 * what the rules of vmx_check allow, and refuse what they forbid, with the same kind of failure? The guest of
 * such an entry never gets to an instruction: the VMX-preemption timer is 0 (SDM, "VM Exits Due to the
 * VMX-Preemption Timer").
 *
 * In root mode, on the CPU of the caller; NMIs must not come meanwhile (they would go to the wrong VMCS).
 */
#include <plinth/debug_trials.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>
#include <plinth/memory.h>
#include <plinth/x86.h>

#include "internal.h"

PLINTH_MODULE("debug_trials", "0.1.0", "asks the CPU what it thinks of the rules of vmx_check (tests only)");

#define REASON_FAILED	   (1u << 31)
#define REASON_GUEST_STATE 33u
#define ERROR_CONTROLS	   7u
#define ERROR_HOST	   8u
#define ALL_CONTEXTS	   2u

enum { WIDTH_16 = 16, WIDTH_32 = 32, WIDTH_64 = 64, WIDTH_N = 64 };

static const struct field {
	uint32_t encoding, bits;
} fields[] = {
#define VMCS_FIELD(name, encoding, width) {encoding, WIDTH_##width},
#include <plinth/vmcs_fields.def>
#undef VMCS_FIELD
};

#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

enum area { AREA_CONTROL, AREA_READ_ONLY, AREA_GUEST, AREA_HOST };

static enum area area_of(uint32_t field)
{
	return (enum area)(field >> 10 & 3);
}

static struct trials {
	const struct state *state;
	struct vmx_caps caps;
	void *page;
	uint64_t own_pa, guest_pa; /* VMCSs: of the trials, of the guest that asked */
	uint64_t base[N_FIELDS];   /* values of all fields in the state */
	uint64_t tried, differ, left_out;
	uint64_t random;
	bool failed; /* the VMCS cannot be used */
} trials;

static uint64_t current_vmcs(void)
{
	uint64_t pa;

	__asm__ volatile("vmptrst %0" : "=m"(pa)::"memory");
	return pa;
}

/* -- the VMCS --------------------------------------------------------------------------- */

static void fields_write(void)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (area_of(fields[i].encoding) != AREA_READ_ONLY)
			(void)!cpu_vmwrite(fields[i].encoding, trials.base[i]);
}

static uint64_t *base_of(uint32_t field)
{
	size_t i = 0;

	while (fields[i].encoding != field)
		i++;
	return &trials.base[i];
}

/* Segments of virtual-8086 mode are made of their selectors (SDM, "Checks on Guest Segment Registers"). */
static void make_vm86(void)
{
	for (uint32_t i = 0; i < 6; i++) {
		*base_of(VMCS_GUEST_ES_BASE + 2 * i) = *base_of(VMCS_GUEST_ES_SELECTOR + 2 * i) << 4;
		*base_of(VMCS_GUEST_ES_LIMIT + 2 * i) = 0xffff;
		*base_of(VMCS_GUEST_ES_RIGHTS + 2 * i) = 0xf3;
	}
}

/* What every trial has in common: no guest instruction, nothing of the guest's interrupts taken. */
static void make_harmless(void)
{
	*base_of(VMCS_HOST_RIP) = (uint64_t)trial_exit;
	*base_of(VMCS_PIN_CONTROLS) |= PIN_PREEMPTION_TIMER | PIN_EXTERNAL_INTERRUPT;
	*base_of(VMCS_GUEST_PREEMPTION_TIMER) = 0;
	*base_of(VMCS_EXCEPTION_BITMAP) = 0xffffffff;
	*base_of(VMCS_EXIT_MSR_STORE_COUNT) = 0;
	*base_of(VMCS_EXIT_MSR_LOAD_COUNT) = 0;
	*base_of(VMCS_ENTRY_MSR_LOAD_COUNT) = 0;
	*base_of(VMCS_ENTRY_INTERRUPTION_INFO) = 0;
	*base_of(VMCS_GUEST_INTERRUPTIBILITY) = 0;
	*base_of(VMCS_GUEST_PENDING_DEBUG) = 0;
	*base_of(VMCS_GUEST_RFLAGS) = RFLAGS_FIXED;
}

static void state_make(void)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		trials.base[i] = cpu_vmread(fields[i].encoding);
	make_harmless();
	for (size_t i = 0; i < STATE_CHANGES; i++) {
		const struct state_change *c = &trials.state->change[i];
		uint64_t *value = base_of(c->field);

		if (c->clear | c->set)
			*value = (*value & ~c->clear) | c->set;
	}
	if (*base_of(VMCS_GUEST_RFLAGS) & RFLAGS_VM)
		make_vm86();
}

/*
 * Launched or not, it is clear and current again, and as the state wants it: an exit saves what an event
 * changed.
 */
static void renew(void)
{
	if (cpu_vmclear(trials.own_pa) || cpu_vmptrld(trials.own_pa))
		trials.failed = true;
	fields_write();
}

/* -- one trial ---------------------------------------------------------------------------- */

static uint32_t enter(void)
{
	uint32_t reason, error;

	switch (trial_enter()) {
	case TRIAL_EXIT:
		reason = (uint32_t)cpu_vmread(VMCS_EXIT_REASON);
		if (!(reason & REASON_FAILED)) {
			renew();
			return OUTCOME_ENTERED;
		}
		return (reason & 0xffff) == REASON_GUEST_STATE ? OUTCOME_GUEST : OUTCOME_OTHER;
	case TRIAL_FAIL_VALID:
		error = (uint32_t)cpu_vmread(VMCS_INSTRUCTION_ERROR);
		return error == ERROR_CONTROLS ? OUTCOME_CONTROLS
		       : error == ERROR_HOST   ? OUTCOME_HOST
					       : OUTCOME_OTHER;
	default: trials.failed = true; return OUTCOME_OTHER;
	}
}

/* Exits of failed entries load MSRs, too. */
static bool loads_msrs(void)
{
	return cpu_vmread(VMCS_EXIT_MSR_STORE_COUNT) | cpu_vmread(VMCS_EXIT_MSR_LOAD_COUNT) |
	       cpu_vmread(VMCS_ENTRY_MSR_LOAD_COUNT);
}

/* An entry that all rules allow would run the guest, or take an interrupt away. */
static bool is_harmful(uint32_t field)
{
	uint64_t pin = cpu_vmread(VMCS_PIN_CONTROLS);

	if (area_of(field) == AREA_HOST || cpu_vmread(VMCS_GUEST_ACTIVITY) > 1)
		return true;
	if (!(pin & PIN_PREEMPTION_TIMER) || cpu_vmread(VMCS_GUEST_PREEMPTION_TIMER))
		return true;
	if (pin & PIN_EXTERNAL_INTERRUPT ? cpu_vmread(VMCS_EXIT_CONTROLS) & EXIT_ACK_INTR
					 : cpu_vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF)
		return true;
	/* The CPU looks into the memory it points to, which the rules cannot. */
	return cpu_vmread(VMCS_GUEST_LINK_POINTER) != ~0ull;
}

#define EVENT_TYPE(info) ((info) >> 8 & 7)
#define TYPE_OTHER	 7u

/*
 * Bochs 2.7 stops the whole machine at an event of type 7 instead of refusing it where there is no monitor
 * trap flag. The TPR threshold is compared with memory (SDM, "VM-Execution Control Fields"), which the rules
 * cannot see.
 */
static bool cannot_be_asked(void)
{
	bool has_trap = trials.caps.primary >> 32 & PRIMARY_TRAP_FLAG;

	return (EVENT_TYPE(cpu_vmread(VMCS_ENTRY_INTERRUPTION_INFO)) == TYPE_OTHER && !has_trap) ||
	       (cpu_vmread(VMCS_PRIMARY_CONTROLS) & PRIMARY_TPR_SHADOW &&
		cpu_vmread(VMCS_TPR_THRESHOLD) & 15);
}

static void try(uint32_t field, uint64_t value)
{
	struct opinion rules = judge_rules(&trials.caps);
	uint32_t outcome;

	if (cannot_be_asked() || (rules.outcomes & OUTCOME_ENTERED && is_harmful(field)) ||
	    (rules.outcomes & (OUTCOME_ENTERED | OUTCOME_GUEST) && loads_msrs())) {
		trials.left_out++;
		return;
	}
	outcome = enter();
	trials.tried++;
	if (outcome & rules.outcomes)
		judge_agrees(&rules);
	if (outcome & rules.outcomes || judge_is_known(field, &rules, outcome))
		return;
	trials.differ++;
	judge_differs(trials.state, field, value, &rules, outcome);
}

/* Another value for a field, unless nobody may write it. */
static bool change(size_t i, uint64_t value)
{
	return area_of(fields[i].encoding) != AREA_READ_ONLY && fields[i].encoding != VMCS_HOST_RSP &&
	       !cpu_vmwrite(fields[i].encoding, value);
}

static void change_back(size_t i)
{
	(void)!cpu_vmwrite(fields[i].encoding, trials.base[i]);
}

static void try_alone(size_t i, uint64_t value)
{
	if (!trials.failed && change(i, value))
		try(fields[i].encoding, value);
	change_back(i);
}

/* Every bit the other way, no bit, all bits. */
static void single_changes(void)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		for (uint32_t bit = 0; bit < fields[i].bits; bit++)
			try_alone(i, trials.base[i] ^ 1ull << bit);
		try_alone(i, 0);
		try_alone(i, ~0ull >> (64 - fields[i].bits));
	}
}

/* A linear congruential generator (Knuth's constants): the same pairs in every run. */
static uint64_t random_below(uint64_t n)
{
	trials.random = trials.random * 6364136223846793005ull + 1442695040888963407ull;
	return (trials.random >> 33) % n;
}

static void pairs_of_changes(uint64_t count)
{
	for (uint64_t n = 0; n < count && !trials.failed; n++) {
		size_t i = random_below(N_FIELDS), k = random_below(N_FIELDS);
		uint64_t a = trials.base[i] ^ 1ull << random_below(fields[i].bits);
		uint64_t b = trials.base[k] ^ 1ull << random_below(fields[k].bits);

		/* Host state is tried where it must be refused: by itself. */
		if (area_of(fields[i].encoding) != AREA_HOST && area_of(fields[k].encoding) != AREA_HOST &&
		    i != k && change(i, a) && change(k, b))
			try(fields[k].encoding, b);
		change_back(i);
		change_back(k);
	}
}

/* -- the hypercall -------------------------------------------------------------------------- */

static int begin(void)
{
	uint64_t pa;

	trials.tried = trials.differ = trials.left_out = 0;
	trials.random = 1;
	trials.failed = false;
	vmx_check_caps(&trials.caps);
	if (mem_virt_to_phys(trials.page, &pa))
		return PLINTH_E_FAULT;
	*(uint32_t *)trials.page = (uint32_t)trials.caps.basic & 0x7fffffff;
	trials.own_pa = pa;
	state_make();
	renew();
	return trials.failed ? PLINTH_E_VIRT : 0;
}

static int trials_run(uint64_t pairs)
{
	if (enter() != OUTCOME_ENTERED)
		return PLINTH_E_NOTSUP;
	single_changes();
	pairs_of_changes(pairs);
	return trials.failed ? PLINTH_E_VIRT : 0;
}

/* The guest's VMCS is the current one again, and nothing of the trials' translations is left. */
static int end(int err)
{
	if (cpu_vmclear(trials.own_pa) || cpu_vmptrld(trials.guest_pa))
		err = PLINTH_E_VIRT;
	(void)!cpu_invept(ALL_CONTEXTS, 0);
	(void)!cpu_invvpid(ALL_CONTEXTS, 0, 0);
	return err;
}

static enum exit_action make_trials(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_regs *regs = &vcpu->regs;
	uint64_t pairs = regs->rdx;
	int err;

	(void)below;
	(void)context;
	if (regs->rcx == DEBUG_TRIALS_UNCONFIRMED) {
		regs->rax = judge_log_unconfirmed();
		return EXIT_NEXT;
	}
	trials.state = state_find(regs->rcx);
	regs->rax = (uint64_t)PLINTH_E_INVAL;
	if (!trials.state)
		return EXIT_NEXT;
	trials.page = mem_page_alloc();
	regs->rax = (uint64_t)PLINTH_E_NOMEM;
	if (!trials.page)
		return EXIT_NEXT;
	judge_begin();
	trials.guest_pa = current_vmcs();
	err = begin();
	err = end(err ? err : trials_run(pairs));
	mem_page_free(trials.page);
	regs->rax = (uint64_t)err;
	regs->rcx = trials.tried;
	regs->rdx = trials.differ;
	regs->rsi = trials.left_out;
	regs->rdi = *(const uint64_t *)trials.state->name;
	return EXIT_NEXT;
}

static __attribute__((constructor)) void take_trial_calls(void)
{
	(void)!exit_register_hypercall(DEBUG_TRIALS_HYPERCALL, DEBUG_TRIALS_HYPERCALL, EXIT_CALLER_ANYBODY,
				       make_trials, NULL);
}
