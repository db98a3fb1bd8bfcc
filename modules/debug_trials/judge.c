/* SPDX-License-Identifier: MIT */
/* Two opinions of one VMCS: the rules', and the CPU's. */
#include <string.h>

#include <plinth/intrinsics.h>
#include <plinth/log.h>

#include "internal.h"

#define FINDINGS  16u
#define NOTED	  64u
#define RULES_MAX 256u

/* Differences that are alike: one line. */
static struct note {
	uint32_t field, outcome;
	const char *rule;
} noted[NOTED];
static uint32_t n_noted;

static uint64_t read_current(void *context, uint32_t field)
{
	(void)context;
	return cpu_vmread(field);
}

/* Controls and host are looked at before the guest; in which order is the CPU's affair. */
struct opinion judge_rules(const struct vmx_caps *caps)
{
	struct vmx_check_finding found[FINDINGS];
	uint32_t n = vmx_check_entry(caps, read_current, NULL, found, FINDINGS);
	struct opinion opinion = {
		.outcomes = n ? 0 : OUTCOME_ENTERED,
		.rule = n ? found[0].rule : NULL,
		.alone = n == 1,
	};

	for (uint32_t i = 0; i < n && i < FINDINGS; i++) {
		if (found[i].area == VMX_CHECK_GUEST && opinion.outcomes)
			continue;
		opinion.outcomes |= found[i].area == VMX_CHECK_GUEST  ? OUTCOME_GUEST
				    : found[i].area == VMX_CHECK_HOST ? OUTCOME_HOST
								      : OUTCOME_CONTROLS;
	}
	return opinion;
}

/*
 * What emulated CPUs get wrong: a rule they do not have or judge elsewhere, or a field of which they demand
 * more.
 */
static const struct known {
	const char *rule; /* NULL: all are kept */
	uint32_t field;	  /* 0: any */
	uint32_t outcome;
} known[] = {
	/* Bochs 2.7 does not look at it; 3.0 does at the NMI. */
	{"interruptibility: NMI while virtual NMIs are blocked", 0, OUTCOME_ENTERED},
	{"guest DEBUGCTL: reserved bits", 0, OUTCOME_ENTERED},
	{"pending debug exceptions: BS does not fit TF and BTF", 0, OUTCOME_ENTERED},
	{"guest RIP: wider than a linear address, or above 4 GiB outside 64-bit code", 0, OUTCOME_ENTERED},
	/* Bochs 2.7 has no such controls, 3.0 has them and looks at no bit of the registers. */
	{"guest PERF_GLOBAL_CTRL: reserved bits", 0, OUTCOME_ENTERED},
	{"host PERF_GLOBAL_CTRL: reserved bits", 0, OUTCOME_ENTERED},
	/* Bochs 2.7 reads 32 bits of it. */
	{"pending debug exceptions: reserved bits", 0, OUTCOME_ENTERED},
	/* Bochs 2.7 refuses it, but with its checks of the guest. */
	{"controls for SMM outside SMM", 0, OUTCOME_GUEST},
	/* Bochs 2.7 compares RPL and DPL of CS, 3.0 does not any more; the manual does not. */
	{NULL, VMCS_GUEST_CS_SELECTOR, OUTCOME_GUEST},
};

static bool same_rule(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool judge_is_known(uint32_t field, const struct opinion *rules, uint32_t outcome)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].outcome == outcome && (!known[i].field || known[i].field == field) &&
		    same_rule(known[i].rule, rules->rule))
			return true;
	return false;
}

static bool confirmed[RULES_MAX];

/* One broken rule alone: the CPU can have refused nothing else. */
void judge_agrees(const struct opinion *rules)
{
	const char *name;

	for (uint32_t i = 0; rules->alone && i < RULES_MAX && (name = vmx_check_rule(i)); i++)
		if (name == rules->rule)
			confirmed[i] = true;
}

uint32_t judge_log_unconfirmed(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < vmx_check_rules() && i < RULES_MAX; i++) {
		if (confirmed[i])
			continue;
		LOG_ERR("unconfirmed: %s", vmx_check_rule(i));
		n++;
	}
	return n;
}

void judge_begin(void)
{
	n_noted = 0;
}

static bool is_new(const struct note *note)
{
	for (uint32_t i = 0; i < n_noted; i++)
		if (noted[i].field == note->field && noted[i].outcome == note->outcome &&
		    noted[i].rule == note->rule)
			return false;
	if (n_noted == NOTED)
		return false;
	noted[n_noted++] = *note;
	return true;
}

static const char *text_of(uint32_t outcomes)
{
	return outcomes & OUTCOME_ENTERED    ? "entered"
	       : outcomes & OUTCOME_CONTROLS ? "error 7, controls"
	       : outcomes & OUTCOME_HOST     ? "error 8, host state"
	       : outcomes & OUTCOME_GUEST    ? "exit 33, guest state"
					     : "another end";
}

void judge_differs(const struct state *state, uint32_t field, uint64_t value, const struct opinion *rules,
		   uint32_t outcome)
{
	const struct note note = {.field = field, .outcome = outcome, .rule = rules->rule};

	if (is_new(&note))
		LOG_ERR("state %s, field 0x%04x = 0x%llx: CPU: %s; rules: %s", state->name, field,
			(unsigned long long)value, text_of(outcome), rules->rule ? rules->rule : "all kept");
}
