/* SPDX-License-Identifier: MIT */
/* What the VMM hides: pages of its own, in the host's space. They stay so, whatever is decided there later.
 */
#include <plinth/error.h>

#include "internal.h"

/* Pages that one table has, from @pa on. */
static void hide_in(struct slat_space *host, uint64_t pa, uint64_t end, uint64_t instead, uint32_t access)
{
	uint64_t *slot = table_slot(table_at(host, pa, 1), pa, 1);

	for (; pa < end; pa += PAGE_4K, slot++) {
		const uint64_t hpa = instead ? instead : pa;
		const uint64_t page = entry_leaf(hpa, 1, mtrr_type(hpa, PAGE_4K));

		entry_set(slot, (page & ~ENTRY_ACCESS) | access | ENTRY_DECIDED | ENTRY_HIDDEN);
	}
}

int hidden_add(struct slat_space *host, uint64_t pa, uint64_t bytes, uint64_t instead, uint32_t access)
{
	const uint64_t end = pa + bytes;
	int err = table_has(pa, bytes) ? 0 : PLINTH_E_INVAL;

	table_lock();
	for (uint64_t next; pa < end && !err; pa = next) {
		next = table_begin(pa, 2) + PAGE_2M;
		if (next > end)
			next = end;
		err = table_reserve(host, pa, 1);
		if (!err)
			hide_in(host, pa, next, instead, access);
	}
	table_unlock();
	return err;
}

/* Is any of it the VMM's? That is known page by page, so where there is no table nothing is. */
bool hidden_any(uint64_t pa, unsigned int level)
{
	const uint64_t *t = table_at(slat_host(), pa, 1);
	const unsigned int first = pa >> 12 & (EPT_ENTRIES - 1), n = level == 1 ? 1 : EPT_ENTRIES;

	for (unsigned int i = 0; t && i < n; i++)
		if (t[first + i] & ENTRY_HIDDEN)
			return true;
	return false;
}
