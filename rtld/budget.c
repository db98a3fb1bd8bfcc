/* SPDX-License-Identifier: MIT */
/*
 * What the work on a file may cost: see rtld_spend() in internal.h. The budget is
 * used in slices, so that whoever must not be kept from other work can pause.
 */
#include <string.h>

#include "internal.h"

#define SLICE	   (1u << 20) /* steps: a millisecond or less */
#define PIECE	   4096	      /* bytes of a name measured at once */
#define NAME_STEPS 40u	      /* beside its bytes: what is done with it, too */

static void refill(struct rtld_set *set, uint64_t steps)
{
	set->budget = steps < SLICE ? steps : SLICE;
	set->reserve = steps - set->budget;
}

void rtld_grant(struct rtld_set *set, uint64_t steps)
{
	refill(set, steps);
}

bool rtld_spend_more(struct rtld_set *set, uint64_t steps)
{
	uint64_t left = rtld_steps_left(set);

	/* Who gives up has no steps left. */
	if (set->pause && !set->pause())
		left = 0;
	refill(set, steps < left ? left - steps : 0);
	return set->budget;
}

int rtld_pay(struct rtld_module *m, uint64_t steps)
{
	if (rtld_spend(m->set, steps))
		return 0;
	return rtld_fail(m, RTLD_PROBE_COST, RTLD_T_FILE, 0, m->info.file_size, m->info.file_size);
}

/* Piece by piece, so that no name is looked at any further than it can be paid for. */
int rtld_name_length(const struct rtld_module *m, const char *name, uint64_t *length)
{
	const char *at = name;
	uint64_t piece;

	do {
		const char *nul;

		piece = m->strings_end - at > PIECE ? PIECE : m->strings_end - at;
		nul = memchr(at, 0, piece);
		piece = nul ? (uint64_t)(nul - at) : piece;
		at += piece;
		if (!rtld_spend(m->set, NAME_STEPS + piece))
			return PLINTH_E_LIMIT;
	} while (*at);
	*length = at - name;
	return 0;
}

void rtld_set_pause(struct rtld_set *set, bool (*pause)(void))
{
	set->pause = pause;
}
