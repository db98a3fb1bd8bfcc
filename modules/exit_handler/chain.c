/* SPDX-License-Identifier: MIT */
/*
 * Who wants what: the rows of all that is registered, oldest first, and the way down through those that an
 * exit is about. A row is its owner's as long as all modules are there: they come and go at once.
 */
#include "internal.h"

static bool is_same_row(const struct chain_row *a, const struct chain_row *b)
{
	return a->sort == b->sort && a->what == b->what && a->first == b->first && a->last == b->last &&
	       a->handler.hook == b->handler.hook && a->context == b->context;
}

static uint32_t place_of(const struct chain_row *row)
{
	const struct exit_policy *policy = &exit_state.policy;
	uint32_t i = 0;

	while (i < policy->n && !is_same_row(&policy->rows[i], row))
		i++;
	return i;
}

int chain_add(const struct chain_row *row)
{
	struct exit_policy *policy = &exit_state.policy;

	if (row->first > row->last || !row->handler.hook || !row->what)
		return PLINTH_E_INVAL;
	if (place_of(row) < policy->n)
		return PLINTH_E_BUSY;
	if (policy->n == EXIT_REGISTRATIONS)
		return PLINTH_E_LIMIT;
	policy->rows[policy->n++] = *row;
	return 0;
}

int chain_remove(const struct chain_row *row)
{
	struct exit_policy *policy = &exit_state.policy;
	uint32_t i = place_of(row);

	if (i == policy->n)
		return PLINTH_E_INVAL;
	policy->n--;
	for (; i < policy->n; i++)
		policy->rows[i] = policy->rows[i + 1];
	return 0;
}

bool chain_covers(const struct chain_row *row, uint32_t sort, uint64_t number, uint32_t what)
{
	return row->sort == sort && row->first <= number && number <= row->last && row->what & what;
}

uint32_t exit_registrations(struct plinth_ctl_registration *out)
{
	const struct exit_policy *policy = &exit_state.policy;

	for (uint32_t i = 0; i < policy->n; i++) {
		const struct chain_row *row = &policy->rows[i];

		out[i] = (struct plinth_ctl_registration){.sort = row->sort,
							  .what = row->what,
							  .handler = (uint64_t)row->handler.hook,
							  .range = {row->first, row->last}};
	}
	return policy->n;
}

enum exit_action exit_below(struct vcpu *vcpu, const struct exit_link *below)
{
	struct exit_link next = *below;

	while (next.n) {
		const struct chain_row *row = &next.policy->rows[--next.n];

		if (chain_covers(row, next.sort, next.number, next.what))
			return next.call(row, vcpu, &next);
	}
	return next.bottom(vcpu, &next);
}

enum exit_action chain_call_hook(const struct chain_row *row, struct vcpu *vcpu,
				 const struct exit_link *below)
{
	return row->handler.hook(vcpu, below, row->context);
}
