/* SPDX-License-Identifier: MIT */
/*
 * What a public test suite expects of VM entries, as facts: public_cases.def. Whoever gives an opinion of
 * entries, the rules of vmx_check or the model CPU, is asked about each of them.
 */
#ifndef TESTS_UNIT_VMX_CHECK_PUBLIC_CASES_H
#define TESTS_UNIT_VMX_CHECK_PUBLIC_CASES_H

#include <stdint.h>

#include <plinth/vmx_check.h>

enum public_answer {
	PUBLIC_ENTERS,
	PUBLIC_PASSES, /* controls and host are right; what the CPU says of the guest is another matter */
	PUBLIC_ERROR_7,
	PUBLIC_ERROR_8,
	PUBLIC_EXIT_33,
};

/* The CPU that all of them are about: its capabilities but for @caps of the state at hand. */
#define PUBLIC_WIDTH	39u
#define PUBLIC_COUNTERS 0x70000000full /* of IA32_PERF_GLOBAL_CTRL */

/* Who is asked: of a VMCS that is right as it is after @reset. */
struct public_judge {
	void (*reset)(void);
	uint64_t (*get)(uint32_t field);
	void (*set)(uint32_t field, uint64_t value);
	enum public_answer (*ask)(void); /* never PUBLIC_PASSES */
	struct vmx_caps *caps;
};

/**
 * public_cases_ask() - about each; what it answers otherwise is a failed expectation.
 *
 * Return: how many there were.
 */
unsigned int public_cases_ask(const struct public_judge *judge);

#endif
