/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

/* The first row that ends at or above @number: its place in the order. */
static uint32_t place_of(const struct exit_ranges *ranges, uint64_t number)
{
	uint32_t i = 0;

	while (i < ranges->n && ranges->rows[i].last < number)
		i++;
	return i;
}

int ranges_add(struct exit_ranges *ranges, const struct exit_range *row)
{
	uint32_t i = place_of(ranges, row->first);

	if (row->first > row->last || !row->handler)
		return PLINTH_E_INVAL;
	if (i < ranges->n && ranges->rows[i].first <= row->last)
		return PLINTH_E_BUSY;
	if (ranges->n == RANGES_MAX)
		return PLINTH_E_LIMIT;
	memmove(&ranges->rows[i + 1], &ranges->rows[i], (ranges->n - i) * sizeof(ranges->rows[0]));
	ranges->rows[i] = *row;
	ranges->n++;
	return 0;
}

int ranges_remove(struct exit_ranges *ranges, uint64_t first)
{
	uint32_t i = place_of(ranges, first);

	if (i == ranges->n || ranges->rows[i].first != first)
		return PLINTH_E_INVAL;
	ranges->n--;
	memmove(&ranges->rows[i], &ranges->rows[i + 1], (ranges->n - i) * sizeof(ranges->rows[0]));
	return 0;
}

const struct exit_range *ranges_find(const struct exit_ranges *ranges, uint64_t number)
{
	uint32_t i = place_of(ranges, number);

	return i < ranges->n && ranges->rows[i].first <= number ? &ranges->rows[i] : NULL;
}
