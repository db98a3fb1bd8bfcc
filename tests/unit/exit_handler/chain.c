/* SPDX-License-Identifier: MIT */
/* Who is asked in which order: chains against a list that is kept the slow way. */
#include <criterion/criterion.h>
#include <string.h>

#include "internal.h"

#define NUMBERS 16u

struct exit_state exit_state;
static struct exit_policy *const policy = &exit_state.policy;
static uintptr_t asked[EXIT_REGISTRATIONS + 1]; /* contexts, in the order of the calls */
static uint32_t n_asked;

static enum exit_action pass_on(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	asked[n_asked++] = (uintptr_t)context;
	return exit_below(vcpu, below);
}

static enum exit_action keep(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)vcpu;
	(void)below;
	asked[n_asked++] = (uintptr_t)context;
	return EXIT_RETRY;
}

static enum exit_action bottom(struct vcpu *vcpu, const struct exit_link *below)
{
	(void)vcpu;
	cr_expect_eq(below->n, 0);
	asked[n_asked++] = 0;
	return EXIT_NEXT;
}

static struct chain_row row(uint64_t first, uint64_t last, exit_hook_fn *hook, uintptr_t context)
{
	return (struct chain_row){.sort = PLINTH_REGISTERED_HYPERCALL,
				  .first = first,
				  .last = last,
				  .handler.hook = hook,
				  .context = (void *)context,
				  .what = CHAIN_ANY};
}

static int add(uint64_t first, uint64_t last, exit_hook_fn *hook, uintptr_t context)
{
	const struct chain_row r = row(first, last, hook, context);

	return chain_add(&r);
}

static int take(uint64_t first, uint64_t last, exit_hook_fn *hook, uintptr_t context)
{
	const struct chain_row r = row(first, last, hook, context);

	return chain_remove(&r);
}

static enum exit_action run(uint64_t number, uint32_t what)
{
	const struct exit_link top = {.policy = policy,
				      .n = policy->n,
				      .sort = PLINTH_REGISTERED_HYPERCALL,
				      .what = what,
				      .number = number,
				      .call = chain_call_hook,
				      .bottom = bottom};

	n_asked = 0;
	return exit_below(NULL, &top);
}

Test(chain, refuses_what_it_cannot_hold)
{
	struct chain_row nobody = row(1, 1, pass_on, 1);

	nobody.what = 0;
	cr_expect_eq(chain_add(&nobody), PLINTH_E_INVAL);
	cr_expect_eq(add(5, 4, pass_on, 1), PLINTH_E_INVAL);
	cr_expect_eq(add(5, 5, NULL, 1), PLINTH_E_INVAL);
	cr_expect_eq(take(5, 5, pass_on, 1), PLINTH_E_INVAL);
	cr_assert_eq(add(0, UINT64_MAX, pass_on, 1), 0);
	cr_expect_eq(add(0, UINT64_MAX, pass_on, 1), PLINTH_E_BUSY, "the same once more");
	for (uintptr_t i = 2; i <= EXIT_REGISTRATIONS; i++)
		cr_assert_eq(add(0, UINT64_MAX, pass_on, i), 0);
	cr_expect_eq(add(7, 7, pass_on, 1), PLINTH_E_LIMIT);
	cr_expect_eq(policy->n, EXIT_REGISTRATIONS);
	cr_expect_eq(run(UINT64_MAX, CHAIN_ANY), EXIT_NEXT);
	cr_expect_eq(n_asked, EXIT_REGISTRATIONS + 1);
	for (uintptr_t i = 0; i < n_asked; i++)
		cr_expect_eq(asked[i], EXIT_REGISTRATIONS - i, "the newest first");
}

/* Each argument tells two registrations apart. */
Test(chain, takes_back_what_was_given)
{
	struct chain_row other = row(1, 2, pass_on, 1), another = other;

	other.what = 2;
	another.sort = PLINTH_REGISTERED_EXIT;
	cr_assert_eq(add(1, 2, pass_on, 1), 0);
	cr_expect_eq(take(0, 2, pass_on, 1), PLINTH_E_INVAL);
	cr_expect_eq(take(1, 3, pass_on, 1), PLINTH_E_INVAL);
	cr_expect_eq(take(1, 2, keep, 1), PLINTH_E_INVAL);
	cr_expect_eq(take(1, 2, pass_on, 2), PLINTH_E_INVAL);
	cr_expect_eq(chain_remove(&other), PLINTH_E_INVAL);
	cr_expect_eq(chain_remove(&another), PLINTH_E_INVAL);
	cr_expect_eq(take(1, 2, pass_on, 1), 0);
	cr_expect_eq(take(1, 2, pass_on, 1), PLINTH_E_INVAL, "once");
}

Test(chain, whoever_keeps_it_is_the_last)
{
	cr_assert_eq(add(3, 3, pass_on, 1), 0);
	cr_assert_eq(add(2, 4, keep, 2), 0);
	cr_assert_eq(add(3, 9, pass_on, 3), 0);
	cr_expect_eq(run(3, CHAIN_ANY), EXIT_RETRY);
	cr_assert_eq(n_asked, 2);
	cr_expect(asked[0] == 3 && asked[1] == 2);
	cr_expect_eq(run(5, CHAIN_ANY), EXIT_NEXT);
	cr_assert_eq(n_asked, 2);
	cr_expect(asked[0] == 3 && asked[1] == 0);
	cr_expect_eq(run(3, 2), EXIT_NEXT, "nobody has that bit");
	cr_expect_eq(n_asked, 1);
}

/* What somebody wants of another sort is not asked for its number. */
Test(chain, sorts_do_not_mix)
{
	struct chain_row other = row(0, UINT64_MAX, keep, 2);

	other.sort = PLINTH_REGISTERED_MSR;
	cr_assert_eq(add(3, 3, pass_on, 1), 0);
	cr_assert_eq(chain_add(&other), 0);
	cr_expect_eq(run(3, CHAIN_ANY), EXIT_NEXT);
	cr_assert_eq(n_asked, 2);
	cr_expect(asked[0] == 1 && asked[1] == 0);
}

Test(chain, is_told_in_the_order_of_registration)
{
	struct plinth_ctl_registration told[EXIT_REGISTRATIONS];
	struct chain_row other = row(7, 9, keep, 2);

	other.sort = PLINTH_REGISTERED_MSR;
	other.what = 3;
	cr_expect_eq(exit_registrations(told), 0);
	cr_assert_eq(chain_add(&other), 0);
	cr_assert_eq(add(3, UINT64_MAX, pass_on, 1), 0);
	cr_assert_eq(exit_registrations(told), 2);
	cr_expect(told[0].sort == PLINTH_REGISTERED_MSR && told[0].what == 3);
	cr_expect(told[0].range[0] == 7 && told[0].range[1] == 9);
	cr_expect_eq(told[0].handler, (uint64_t)keep);
	cr_expect(told[1].sort == PLINTH_REGISTERED_HYPERCALL && told[1].what == CHAIN_ANY);
	cr_expect(told[1].range[0] == 3 && told[1].range[1] == UINT64_MAX);
	cr_expect_eq(told[1].handler, (uint64_t)pass_on);
	cr_assert_eq(chain_remove(&other), 0);
	cr_expect_eq(exit_registrations(told), 1);
	cr_expect_eq(told[0].handler, (uint64_t)pass_on);
}

/* -- any order of registering and taking back ------------------------------------------------ */

struct entry {
	uint64_t first, last;
	uintptr_t id;
};

static struct entry list[EXIT_REGISTRATIONS];
static uint32_t n_list;

static void expect_order(uint64_t number)
{
	uint32_t k = 0;

	cr_assert_eq(run(number, CHAIN_ANY), EXIT_NEXT);
	for (uint32_t i = n_list; i-- > 0;)
		if (list[i].first <= number && number <= list[i].last)
			cr_assert_eq(asked[k++], list[i].id, "number %u", (unsigned int)number);
	cr_assert_eq(asked[k++], 0);
	cr_assert_eq(n_asked, k);
}

static uint32_t random_below(uint32_t n)
{
	static uint32_t seed = 7;

	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

Test(chain, random_use)
{
	for (uintptr_t round = 1; round < 5000; round++) {
		uint32_t i = random_below(EXIT_REGISTRATIONS);

		if (i < n_list) {
			cr_assert_eq(take(list[i].first, list[i].last, pass_on, list[i].id), 0);
			memmove(&list[i], &list[i + 1], (--n_list - i) * sizeof(list[0]));
		} else {
			uint64_t first = random_below(NUMBERS);

			list[n_list++] = (struct entry){first, first + random_below(4), round};
			cr_assert_eq(add(first, list[n_list - 1].last, pass_on, round), 0);
		}
		for (uint64_t number = 0; number < NUMBERS; number++)
			expect_order(number);
	}
}
