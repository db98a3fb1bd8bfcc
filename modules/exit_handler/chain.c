/* SPDX-License-Identifier: MIT */
/* Who wants what: the rows of one of the four tables, oldest first, and the way down through them. */
#include <string.h>

#include "internal.h"

static bool same(const struct chain_row *a, const struct chain_row *b)
{
	return a->first == b->first && a->last == b->last && a->handler.hook == b->handler.hook &&
	       a->context == b->context && a->what == b->what;
}

static uint32_t place_of(const struct chain *chain, const struct chain_row *row)
{
	uint32_t i = 0;

	while (i < chain->n && !same(&chain->rows[i], row))
		i++;
	return i;
}

int chain_add(struct chain *chain, const struct chain_row *row)
{
	if (row->first > row->last || !row->handler.hook || !row->what)
		return PLINTH_E_INVAL;
	if (place_of(chain, row) < chain->n)
		return PLINTH_E_BUSY;
	if (chain->n == EXIT_REGISTRATIONS)
		return PLINTH_E_LIMIT;
	chain->rows[chain->n++] = *row;
	return 0;
}

int chain_remove(struct chain *chain, const struct chain_row *row)
{
	uint32_t i = place_of(chain, row);

	if (i == chain->n)
		return PLINTH_E_INVAL;
	chain->n--;
	memmove(&chain->rows[i], &chain->rows[i + 1], (chain->n - i) * sizeof(chain->rows[0]));
	return 0;
}

bool chain_covers(const struct chain_row *row, uint64_t number, uint32_t what)
{
	return row->first <= number && number <= row->last && row->what & what;
}

enum exit_action exit_below(struct vcpu *vcpu, const struct exit_link *below)
{
	struct exit_link next = *below;

	while (next.n) {
		const struct chain_row *row = &next.chain->rows[--next.n];

		if (chain_covers(row, next.number, next.what))
			return next.call(row, vcpu, &next);
	}
	return next.bottom(vcpu, &next);
}

enum exit_action chain_call_hook(const struct chain_row *row, struct vcpu *vcpu,
				 const struct exit_link *below)
{
	return row->handler.hook(vcpu, below, row->context);
}
