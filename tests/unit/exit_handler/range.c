/* SPDX-License-Identifier: MIT */
/* Who answers a number: ranges against an array of owners. */
#include <criterion/criterion.h>
#include <string.h>

#include "internal.h"

#define NUMBERS 64u

static enum exit_action answer(struct vcpu *vcpu, void *context)
{
	(void)vcpu;
	(void)context;
	return EXIT_NEXT;
}

static int add(struct exit_ranges *r, uint64_t first, uint64_t last, exit_range_fn *handler, void *context)
{
	return ranges_add(r, &(struct exit_range){ first, last, handler, context, EXIT_CALLER_KERNEL });
}

Test(range, refuses_what_it_cannot_hold)
{
	struct exit_ranges r = { 0 };

	cr_expect_eq(add(&r, 5, 4, answer, NULL), PLINTH_E_INVAL);
	cr_expect_eq(add(&r, 5, 5, NULL, NULL), PLINTH_E_INVAL);
	cr_expect_eq(ranges_remove(&r, 5), PLINTH_E_INVAL);
	cr_assert_eq(add(&r, 0, 0, answer, NULL), 0);
	cr_assert_eq(add(&r, UINT64_MAX, UINT64_MAX, answer, NULL), 0);
	cr_expect_eq(add(&r, 0, UINT64_MAX, answer, NULL), PLINTH_E_BUSY);
	for (uint64_t i = 2; i < RANGES_MAX; i++)
		cr_assert_eq(add(&r, i * 2, i * 2, answer, NULL), 0);
	cr_expect_eq(add(&r, 1000, 1000, answer, NULL), PLINTH_E_LIMIT);
	cr_expect_eq(r.n, RANGES_MAX);
}

static void expect_owners(const struct exit_ranges *r, const uintptr_t owner[NUMBERS], unsigned int round)
{
	for (uint64_t n = 0; n < NUMBERS; n++) {
		const struct exit_range *row = ranges_find(r, n);

		cr_assert_eq(row ? (uintptr_t)row->context : 0, owner[n], "round %u, number %u", round, (unsigned int)n);
	}
}

static int expected(const uintptr_t owner[NUMBERS], uint64_t first, uint64_t last, uint32_t n)
{
	for (uint64_t i = first; i <= last; i++)
		if (owner[i])
			return PLINTH_E_BUSY;
	return n == RANGES_MAX ? PLINTH_E_LIMIT : 0;
}

Test(range, random_use)
{
	struct exit_ranges r = { 0 };
	uintptr_t owner[NUMBERS] = { 0 };
	uint32_t seed = 7;

	for (unsigned int round = 1; round < 20000; round++) {
		uint64_t first = (seed = seed * 1103515245 + 12345) >> 16 & (NUMBERS - 1);
		uint64_t last = first + ((seed = seed * 1103515245 + 12345) >> 16 & 7);
		const struct exit_range *row = ranges_find(&r, first);

		if (last >= NUMBERS)
			continue;
		if (row && seed & 0x100000) {
			uint64_t from = row->first, to = row->last;

			cr_assert_eq(ranges_remove(&r, from), 0);
			for (uint64_t i = from; i <= to; i++)
				owner[i] = 0;
		} else {
			int want = expected(owner, first, last, r.n);

			cr_assert_eq(add(&r, first, last, answer, (void *)(uintptr_t)round), want, "round %u", round);
			for (uint64_t i = first; !want && i <= last; i++)
				owner[i] = round;
		}
		expect_owners(&r, owner, round);
	}
}
