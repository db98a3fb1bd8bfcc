/* SPDX-License-Identifier: MIT */
#include "tables.h"

#include "physical.h"

#define ADDRESS 0x000ffffffffff000ull

uint64_t tables_page(uint8_t **at)
{
	void *page = physical_alloc(1, PHYSICAL_PAGE);

	if (at)
		*at = page;
	return physical_of(page);
}

uint64_t tables_create(void)
{
	return physical_of(physical_alloc(2, 2 * PHYSICAL_PAGE));
}

void tables_map(uint64_t cr3, uint64_t va, uint64_t pa, uint64_t flags)
{
	uint64_t *table = physical_at(cr3);

	for (unsigned int shift = 39; shift > 12; shift -= 9) {
		uint64_t *slot = &table[va >> shift & 511];

		if (!*slot)
			*slot = tables_page(NULL) | TABLES_MEMORY;
		table = physical_at(*slot & ADDRESS);
	}
	table[va >> 12 & 511] = flags ? pa | flags : 0;
}
