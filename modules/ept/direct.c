/* SPDX-License-Identifier: MIT */
/*
 * What nobody decided about is one to one in the host's space, in the largest pages that the memory types
 * allow: mapped where memory is known at a load, and everywhere else when the guest touches it.
 */
#include <plinth/intrinsics.h>

#include "internal.h"

/* One page at @level; 0: there is none of that size, or it would have more than one type. */
static uint64_t page_of(uint64_t gpa, unsigned int level, enum memory_type type)
{
	if (level > table_leaf_level() || gpa >= table_kind()->reach || type == TYPE_MIXED)
		return 0;
	return entry_leaf(gpa, level, type);
}

uint64_t direct_page(uint64_t gpa, unsigned int level)
{
	return page_of(gpa, level, mtrr_type(gpa, table_bytes(level)));
}

/*
 * What begins at @gpa and has one memory type: the largest region aligned to its size, of at most @most
 * bytes, or one of @least, whatever types it has.
 */
static uint64_t alike(uint64_t gpa, uint64_t most, uint64_t least, enum memory_type *type)
{
	uint64_t bytes = gpa & (most - 1) ? gpa & -gpa : most;

	while ((*type = mtrr_type(gpa, bytes)) == TYPE_MIXED && bytes > least)
		bytes /= 2;
	return bytes;
}

/* @n entries, of a page each; none where there is no such page, or no such address. */
static void fill_run(uint64_t *t, uint64_t n, unsigned int level, uint64_t gpa, enum memory_type type)
{
	const uint64_t bytes = table_bytes(level), reach = table_kind()->reach;
	uint64_t page = page_of(gpa, level, type);

	for (uint64_t i = 0; i < n; i++, gpa += bytes)
		t[i] = page && gpa < reach ? page + i * bytes : 0;
}

void direct_fill(uint64_t *t, unsigned int level, uint64_t base, bool uncached)
{
	const unsigned int shift = table_shift(level);
	enum memory_type type;
	uint64_t n;

	for (uint64_t i = 0; i < EPT_ENTRIES; i += n) {
		const uint64_t gpa = base + (i << shift);

		n = alike(gpa, (uint64_t)EPT_ENTRIES << shift, 1ull << shift, &type) >> shift;
		if (type == TYPE_MIXED && uncached)
			type = TYPE_UC;
		fill_run(&t[i], n, level, gpa, type);
	}
}

/*
 * What belongs in an empty slot, or in that of a page whose types have changed: one page, or a table. Only
 * types can ask for a table where a page is possible; if there is none left an uncached page is slow and
 * never wrong.
 */
static uint64_t entry_for(struct slat_space *space, uint64_t gpa, unsigned int level, enum source structure)
{
	uint64_t base = table_begin(gpa, level), entry = direct_page(base, level);

	if (!entry && level > 1)
		entry = table_for(space, gpa, level, level > table_leaf_level() ? structure : FROM_SPARE);
	return entry ? entry : page_of(base, level, TYPE_UC);
}

static int map(struct slat_space *space, uint64_t gpa, enum source structure)
{
	uint64_t *t = space->root;

	for (unsigned int level = table_kind()->levels;; level--) {
		uint64_t *slot = table_slot(t, gpa, level);
		uint64_t entry = *slot ? *slot : entry_for(space, gpa, level, structure);

		if (!entry)
			return PLINTH_E_NOMEM;
		if (!*slot)
			entry_set(slot, entry);
		if (!entry_is_table(entry, level))
			return 0;
		t = entry_table(entry);
	}
}

int direct_map(struct slat_space *space, uint64_t gpa)
{
	return gpa < table_kind()->reach ? map(space, gpa, FROM_SPARE) : PLINTH_E_FAULT;
}

/* A table comes full of whatever has one type: in it only what has several is left to map. */
int direct_prepare(struct slat_space *space, uint64_t start, uint64_t end)
{
	enum memory_type type;
	int err = 0;

	if (end > table_kind()->reach)
		end = table_kind()->reach;
	for (uint64_t gpa = start; gpa < end && !err;) {
		const uint64_t bytes = alike(gpa, PAGE_1G, PAGE_2M, &type);

		if (!(gpa & (PAGE_1G - 1)) || type == TYPE_MIXED)
			err = map(space, gpa, FROM_POOL);
		gpa += bytes;
	}
	return err;
}

/* -- types that change ------------------------------------------------------------------------ */

/* A page that was decided about, or the smallest there are: it stays what it is. */
static uint64_t retyped(uint64_t entry, unsigned int level)
{
	enum memory_type type = mtrr_type(entry_address(entry, level), table_bytes(level));

	return (entry & ~ENTRY_TYPE) | (uint64_t)(type == TYPE_MIXED ? TYPE_UC : type) << ENTRY_TYPE_SHIFT;
}

static void retype_below(struct slat_space *space, uint64_t *t, unsigned int level, uint64_t base)
{
	for (unsigned int i = 0; i < EPT_ENTRIES; i++) {
		uint64_t gpa = base + i * table_bytes(level), entry = t[i];

		if (entry_is_table(entry, level))
			retype_below(space, entry_table(entry), level - 1, gpa);
		else if (entry && (level == 1 || entry & ENTRY_DECIDED))
			entry_set(&t[i], retyped(entry, level));
		else if (entry)
			entry_set(&t[i], entry_for(space, gpa, level, FROM_SPARE));
	}
}

void direct_retype(struct slat_space *space)
{
	retype_below(space, space->root, table_kind()->levels, 0);
}
