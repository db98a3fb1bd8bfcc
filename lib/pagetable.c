/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "pagetable.h"

#define PAGE_SHIFT_4K 12u
#define INDEX_BITS    9u

/* What a table that leads to others allows: everything; the last level decides. */
#define TABLE_BITS (PT_BIT_PRESENT | PT_BIT_WRITE | PT_BIT_ACCESSED)

/* What each level can only take away. */
#define ALL_FLAGS (PT_WRITE | PT_EXEC | PT_USER)

/* Bytes one entry of a table of this level stands for; level 1 is the last. */
static uint64_t level_bytes(unsigned int level)
{
	return 1ull << (PAGE_SHIFT_4K + (level - 1) * INDEX_BITS);
}

static unsigned int level_index(uint64_t va, unsigned int level)
{
	return (unsigned int)(va / level_bytes(level)) % PT_ENTRIES;
}

static bool is_leaf(uint64_t entry, unsigned int level)
{
	return level == 1 || (level <= 3 && (entry & PT_BIT_LARGE));
}

/* First address above the lower half. */
static uint64_t lower_half_end(const struct pt *pt)
{
	return level_bytes(pt->levels) * (PT_ENTRIES / 2);
}

static bool range_ok(const struct pt *pt, uint64_t va, uint64_t pages)
{
	uint64_t end = lower_half_end(pt);

	return va % PT_PAGE == 0 && va <= end && pages <= (end - va) / PT_PAGE;
}

/* The table below the entry, made if there is none and one is wanted. */
static int next_table(struct pt *pt, uint64_t *entry, unsigned int level, bool make, uint64_t *pa)
{
	int err;

	if (*entry & PT_BIT_PRESENT) {
		if (is_leaf(*entry, level))
			return PLINTH_E_STATE;
		*pa = *entry & PT_BITS_ADDRESS;
		return 0;
	}
	if (!make)
		return PLINTH_E_FAULT;
	err = pt->alloc(pt->ctx, pa);
	if (!err)
		*entry = *pa | TABLE_BITS;
	return err;
}

/* The slot of va in the last-level table, tables on the way made if wanted. */
static int last_slot(struct pt *pt, uint64_t va, bool make, uint64_t **slot)
{
	uint64_t pa = pt->root_pa;
	uint64_t *table = pt->table(pt->ctx, pa);

	for (unsigned int level = pt->levels; table && level > 1; level--) {
		int err = next_table(pt, &table[level_index(va, level)], level, make, &pa);

		if (err)
			return err;
		table = pt->table(pt->ctx, pa);
	}
	if (!table)
		return PLINTH_E_FAULT;
	*slot = &table[level_index(va, 1)];
	return 0;
}

static uint64_t leaf_bits(unsigned int flags)
{
	uint64_t bits = PT_BIT_PRESENT | PT_BIT_ACCESSED;

	if (flags & PT_WRITE)
		bits |= PT_BIT_WRITE | PT_BIT_DIRTY;
	if (!(flags & PT_EXEC))
		bits |= PT_BIT_NX;
	return bits;
}

int pt_map(struct pt *pt, uint64_t va, uint64_t pa, uint64_t pages, unsigned int flags)
{
	uint64_t bits = leaf_bits(flags);
	uint64_t *slot = NULL;
	uint64_t done;
	int err = 0;

	if (!range_ok(pt, va, pages) || pa % PT_PAGE || (flags & ~(PT_WRITE | PT_EXEC)) ||
	    flags == (PT_WRITE | PT_EXEC) || (pa & ~PT_BITS_ADDRESS))
		return PLINTH_E_INVAL;
	for (done = 0; done < pages; done++) {
		uint64_t at = va + done * PT_PAGE;

		/* Down from the top only where another last-level table begins. */
		if (!done || !level_index(at, 1))
			err = last_slot(pt, at, true, &slot);
		else
			slot++;
		if (!err && (*slot & PT_BIT_PRESENT))
			err = PLINTH_E_STATE;
		if (err)
			break;
		*slot = (pa + done * PT_PAGE) | bits;
	}
	if (err)
		pt_unmap(pt, va, done);
	return err;
}

void pt_unmap(struct pt *pt, uint64_t va, uint64_t pages)
{
	if (!range_ok(pt, va, pages))
		return;
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t *slot;

		if (!last_slot(pt, va + i * PT_PAGE, false, &slot))
			*slot = 0;
	}
}

/* Take the permissions of one more level into account. */
static void narrow(struct pt_leaf *leaf, uint64_t entry)
{
	if (!(entry & PT_BIT_WRITE))
		leaf->flags &= ~PT_WRITE;
	if (entry & PT_BIT_NX)
		leaf->flags &= ~PT_EXEC;
	if (!(entry & PT_BIT_USER))
		leaf->flags &= ~PT_USER;
}

static void finish_run(struct pt_leaf *leaf, uint64_t entry, unsigned int level)
{
	leaf->bytes = level_bytes(level);
	leaf->flags |= entry & PT_BIT_GLOBAL ? PT_GLOBAL : 0;
	leaf->entry = entry;
	leaf->pa = (entry & PT_BITS_ADDRESS) & ~(leaf->bytes - 1);
}

uint64_t *pt_entry(struct pt *pt, uint64_t va)
{
	uint64_t *slot;

	return va < lower_half_end(pt) && !last_slot(pt, va, false, &slot) ? slot : NULL;
}

int pt_find(const struct pt *pt, uint64_t va, struct pt_leaf *out)
{
	struct pt_leaf leaf = {.va = va, .flags = ALL_FLAGS};
	uint64_t pa = pt->root_pa;

	if (va >= lower_half_end(pt))
		return PLINTH_E_FAULT;
	for (unsigned int level = pt->levels; level; level--) {
		uint64_t *table = pt->table(pt->ctx, pa);
		uint64_t entry = table ? table[level_index(va, level)] : 0;

		if (!(entry & PT_BIT_PRESENT))
			return PLINTH_E_FAULT;
		narrow(&leaf, entry);
		if (is_leaf(entry, level)) {
			finish_run(&leaf, entry, level);
			leaf.pa += va % leaf.bytes;
			leaf.bytes -= va % leaf.bytes;
			*out = leaf;
			return 0;
		}
		pa = entry & PT_BITS_ADDRESS;
	}
	return PLINTH_E_FAULT;
}

/* What a walk is told on its way. */
struct walk {
	const struct pt *pt;
	pt_walk_fn *fn;
	void *ctx;
};

static int walk_table(const struct walk *walk, uint64_t pa, unsigned int level, const struct pt_leaf *above);

static int walk_entry(const struct walk *walk, uint64_t entry, unsigned int level, struct pt_leaf leaf)
{
	narrow(&leaf, entry);
	if (!is_leaf(entry, level))
		return walk_table(walk, entry & PT_BITS_ADDRESS, level - 1, &leaf);
	finish_run(&leaf, entry, level);
	return walk->fn(walk->ctx, &leaf);
}

/* Depth is at most pt->levels. */
static int walk_table(const struct walk *walk, uint64_t pa, unsigned int level, const struct pt_leaf *above)
{
	unsigned int entries = level == walk->pt->levels ? PT_ENTRIES / 2 : PT_ENTRIES;
	const uint64_t *table = walk->pt->table(walk->pt->ctx, pa);
	int err = 0;

	if (!table)
		return PLINTH_E_FAULT;
	for (unsigned int i = 0; i < entries && !err; i++)
		/* Most are empty. */
		if (table[i] & PT_BIT_PRESENT)
			err = walk_entry(walk, table[i], level,
					 (struct pt_leaf){.va = above->va + i * level_bytes(level),
							  .flags = above->flags});
	return err;
}

int pt_walk(const struct pt *pt, pt_walk_fn *fn, void *ctx)
{
	const struct walk walk = {.pt = pt, .fn = fn, .ctx = ctx};
	const struct pt_leaf all = {.flags = ALL_FLAGS};

	return walk_table(&walk, pt->root_pa, pt->levels, &all);
}

/* -- runs --------------------------------------------------------------------- */

#define RUN_ENDS 1 /* not an error: pt_walk() need not go on */

struct search {
	uint64_t from;
	struct pt_run run; /* no bytes: not found yet */
};

static bool continues(const struct pt_run *run, const struct pt_leaf *leaf)
{
	return leaf->va == run->va + run->bytes && leaf->flags == run->flags;
}

static int search_leaf(void *ctx, const struct pt_leaf *leaf)
{
	struct search *search = ctx;
	uint64_t skip = search->from > leaf->va ? search->from - leaf->va : 0;

	if (skip >= leaf->bytes)
		return 0;
	if (search->run.bytes && !continues(&search->run, leaf))
		return RUN_ENDS;
	if (!search->run.bytes) {
		search->run.va = leaf->va + skip;
		search->run.flags = leaf->flags;
	}
	search->run.bytes += leaf->bytes - skip;
	return 0;
}

/* The first entry of the upper half at or above an address. */
static int search_upper(const struct pt *pt, struct search *search)
{
	const uint64_t *table = pt->table(pt->ctx, pt->root_pa);
	uint64_t bytes = level_bytes(pt->levels);

	for (unsigned int i = PT_ENTRIES / 2; table && i < PT_ENTRIES; i++) {
		uint64_t va = -((PT_ENTRIES - i) * bytes);
		struct pt_leaf leaf = {.va = va, .bytes = bytes, .flags = ALL_FLAGS};

		if (!(table[i] & PT_BIT_PRESENT) || va < search->from)
			continue;
		narrow(&leaf, table[i]);
		return search_leaf(search, &leaf);
	}
	return PLINTH_E_FAULT;
}

int pt_next(const struct pt *pt, uint64_t from, struct pt_run *out)
{
	struct search search = {.from = from};
	int err = pt_walk(pt, search_leaf, &search);

	if (!err && !search.run.bytes)
		err = search_upper(pt, &search);
	if (err && err != RUN_ENDS)
		return err;
	*out = search.run;
	return 0;
}
