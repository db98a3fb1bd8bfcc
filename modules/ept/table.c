/* SPDX-License-Identifier: MIT */
/*
 * The EPT paging structures of a space (SDM, "EPT Translation Mechanism"). What the guest touches never
 * writes over an entry that is there, and tables are taken out between 2 MiB and their pages alone
 * (spaces.c): so no CPU can walk into one that serves another region by now.
 */
#include <stddef.h>
#include <string.h>

#include <plinth/intrinsics.h>
#include <plinth/memory.h>

#include "internal.h"

static struct table_kind kind;
static char lock;

void table_lock(void)
{
	while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
		cpu_pause();
}

void table_unlock(void)
{
	__atomic_clear(&lock, __ATOMIC_RELEASE);
}

const struct table_kind *table_kind(void)
{
	return &kind;
}

void table_init(const struct table_kind *offered)
{
	kind = *offered;
	table_unlock();
}

uint64_t table_pointer_of(uint64_t root_pa)
{
	return root_pa | (uint64_t)(kind.levels - 1) << 3 | TYPE_WB;
}

void table_reach(uint64_t reach)
{
	kind.reach = reach;
}

bool table_has(uint64_t start, uint64_t bytes)
{
	const uint64_t reach = table_kind()->reach;

	return !((start | bytes) & (PAGE_4K - 1)) && bytes && bytes <= reach && start <= reach - bytes;
}

/* -- entries ------------------------------------------------------------------------------ */

uint64_t *entry_table(uint64_t entry)
{
	return mem_phys_to_virt(entry & ENTRY_ADDRESS);
}

uint64_t entry_leaf(uint64_t hpa, unsigned int level, enum memory_type type)
{
	return hpa | (uint64_t)type << ENTRY_TYPE_SHIFT | SLAT_ALL | (level > 1 ? ENTRY_LARGE : 0);
}

/* -- tables ------------------------------------------------------------------------------- */

/* Tables below one at @level; five levels deep at the most. */
static void free_below(uint64_t *t, unsigned int level)
{
	for (unsigned int i = 0; level > 1 && i < EPT_ENTRIES; i++)
		if (entry_is_table(t[i], level)) {
			free_below(entry_table(t[i]), level - 1);
			mem_page_free(entry_table(t[i]));
		}
}

void table_free(const struct slat_space *space)
{
	if (space->root)
		free_below(space->root, kind.levels);
}

void entry_set(uint64_t *slot, uint64_t entry)
{
	__atomic_store_n(slot, entry, __ATOMIC_RELEASE);
}

/* -- walking ------------------------------------------------------------------------------- */

uint64_t *table_at(const struct slat_space *space, uint64_t gpa, unsigned int level)
{
	uint64_t *t = space->root;

	for (unsigned int l = kind.levels; l > level; l--) {
		uint64_t entry = *table_slot(t, gpa, l);

		if (!entry_is_table(entry, l))
			return NULL;
		t = entry_table(entry);
	}
	return t;
}

uint64_t table_find(const struct slat_space *space, uint64_t gpa, unsigned int *level)
{
	uint64_t *t = space->root;
	uint64_t entry;

	*level = kind.levels;
	while (entry_is_table(entry = *table_slot(t, gpa, *level), *level)) {
		t = entry_table(entry);
		--*level;
	}
	return entry;
}

/* -- dividing -------------------------------------------------------------------------------- */

/* The same translations in smaller pages. */
static void divide_page(uint64_t *t, unsigned int level, uint64_t page)
{
	uint64_t same = page & ~(level == 1 ? ENTRY_LARGE : 0);

	for (unsigned int i = 0; i < EPT_ENTRIES; i++)
		t[i] = same + i * table_bytes(level);
}

uint64_t table_for(struct slat_space *space, uint64_t gpa, unsigned int level, enum source source)
{
	const uint64_t before = *table_slot(table_at(space, gpa, level), gpa, level);
	uint64_t pa, *t = pages_take(space, source, &pa);

	if (!t)
		return 0;
	if (before & ENTRY_DECIDED)
		divide_page(t, level - 1, before);
	else if (space->is_host)
		direct_fill(t, level - 1, table_begin(gpa, level), false);
	else
		memset(t, 0, PAGE_4K);
	return pa | SLAT_ALL;
}

int table_reserve(struct slat_space *space, uint64_t gpa, unsigned int level)
{
	uint64_t *t = space->root;

	for (unsigned int l = kind.levels; l > level; l--) {
		uint64_t *slot = table_slot(t, gpa, l);
		uint64_t entry = entry_is_table(*slot, l) ? *slot : table_for(space, gpa, l, FROM_POOL);

		if (!entry)
			return PLINTH_E_NOMEM;
		if (entry != *slot)
			entry_set(slot, entry);
		t = entry_table(entry);
	}
	return 0;
}
