/* SPDX-License-Identifier: MIT */
#ifndef PLINTH_DEBUG_TRIALS_INTERNAL_H
#define PLINTH_DEBUG_TRIALS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/vmcs.h>
#include <plinth/vmx_check.h>

#define LOG_TAG "trials"

/* -- enter.S -------------------------------------------------------------------------- */

/* How an entry ended: an exit of any kind, or as enum cpu_vmx_result says. */
enum trial_end { TRIAL_EXIT = 0, TRIAL_FAIL_INVALID = 1, TRIAL_FAIL_VALID = 2 };

/**
 * trial_enter() - VMLAUNCH of the current VMCS; comes back by the failure or by the next exit.
 *
 * Context: root mode; HOST_RIP is trial_exit, HOST_RSP is written here.
 * Return:  enum trial_end.
 */
int trial_enter(void) __attribute__((visibility("hidden")));
extern const char trial_exit[] __attribute__((visibility("hidden")));

/* -- state.c: what a trial begins with -------------------------------------------------- */

/* A value of a field: set @set after clearing @clear. */
struct state_change {
	uint32_t field;
	uint64_t clear, set;
};

#define STATE_CHANGES 14

struct state {
	char name[9];
	struct state_change change[STATE_CHANGES]; /* field 0 with nothing to do ends */
};

/** state_find() - the @i-th state; NULL: there are fewer. */
const struct state *state_find(uint64_t i);

/* -- judge.c: two opinions ----------------------------------------------------------------- */

/*
 * What became of an entry, or should become of it: bits, because a CPU may look at controls and host in any
 * order.
 */
#define OUTCOME_ENTERED	 1u
#define OUTCOME_CONTROLS 2u /* VMfail, error 7 */
#define OUTCOME_HOST	 4u /* VMfail, error 8 */
#define OUTCOME_GUEST	 8u /* exit 33 */
#define OUTCOME_OTHER	 16u

struct opinion {
	uint32_t outcomes;
	const char *rule; /* the first that is broken; NULL: none */
	bool alone;	  /* no other is */
};

/** judge_rules() - what vmx_check thinks of the current VMCS. */
struct opinion judge_rules(const struct vmx_caps *caps);

/** judge_is_known() - is it a known defect of a CPU that tests run on? */
bool judge_is_known(uint32_t field, const struct opinion *rules, uint32_t outcome);

/** judge_differs() - note that the CPU did something else; only the first of a kind is logged. */
void judge_differs(const struct state *state, uint32_t field, uint64_t value, const struct opinion *rules,
		   uint32_t outcome);

/** judge_agrees() - note that the CPU refused what breaks this rule. */
void judge_agrees(const struct opinion *rules);

/** judge_log_unconfirmed() - the rules of which no CPU said so since the module was loaded; how many. */
uint32_t judge_log_unconfirmed(void);

/** judge_begin() - nothing is noted. */
void judge_begin(void);

#endif
