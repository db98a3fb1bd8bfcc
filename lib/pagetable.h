/* SPDX-License-Identifier: MIT */
/*
 * Page tables of the VMM's own: 4 KiB mappings in 4- or 5-level x86-64 tables. Knows
 * no allocator and no address of its own: both are callbacks, so that the driver core,
 * the memory module and the tests use the same code on the same tables.
 *
 * Every mapping is supervisor-only and not global, has its accessed (and, if writable,
 * dirty) bit set in advance, and is never both writable and executable.
 *
 * Source: SDM, "4-Level Paging and 5-Level Paging".
 */
#ifndef PLINTH_LIB_PAGETABLE_H
#define PLINTH_LIB_PAGETABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/control.h>
#include <plinth/error.h>

#define PT_PAGE	   4096u
#define PT_ENTRIES 512u

/* What a mapping allows, besides reading; the last two only foreign tables have. */
#define PT_WRITE  PLINTH_MAP_WRITE
#define PT_EXEC	  PLINTH_MAP_EXEC
#define PT_USER	  PLINTH_MAP_USER
#define PT_GLOBAL PLINTH_MAP_GLOBAL

/* Bits of a table entry. */
#define PT_BIT_PRESENT	0x001ull
#define PT_BIT_WRITE	0x002ull
#define PT_BIT_USER	0x004ull
#define PT_BIT_ACCESSED 0x020ull
#define PT_BIT_DIRTY	0x040ull
#define PT_BIT_LARGE	0x080ull /* at level 2 and 3: maps 2 MiB or 1 GiB */
#define PT_BIT_GLOBAL	0x100ull
#define PT_BIT_NX	(1ull << 63)
#define PT_BITS_ADDRESS 0x000ffffffffff000ull

struct pt {
	uint64_t root_pa; /* of the top-level table, a zeroed page at first */
	uint32_t levels;  /* 4 or 5 */
	/* Stores the physical address of a zeroed page in *pa; 0 or PLINTH_E_NOMEM. */
	int (*alloc)(void *ctx, uint64_t *pa);
	/* Where a table can be read and written; NULL if it cannot be. */
	uint64_t *(*table)(void *ctx, uint64_t pa);
	void *ctx;
};

/* One mapping as it was found in the tables. */
struct pt_leaf {
	uint64_t va;
	uint64_t pa;	/* of va */
	uint64_t bytes; /* from va: 4 KiB, 2 MiB or 1 GiB */
	uint64_t entry; /* as it stands in the last table */
	uint32_t flags; /* PT_*: what all levels together allow */
};

typedef int pt_walk_fn(void *ctx, const struct pt_leaf *leaf);

/**
 * pt_map() - map a run of pages.
 * @va:    page-aligned, in the lower half
 * @pa:    page-aligned
 * @pages: number of 4 KiB pages
 * @flags: PT_WRITE or PT_EXEC or neither
 *
 * Context: any; the caller serialises changes of the same tables. Nothing is flushed:
 *          a CPU does not remember that a page was not present.
 * Return:  0, PLINTH_E_INVAL (alignment, range, flags), PLINTH_E_STATE (a page is
 *          mapped already), PLINTH_E_NOMEM, PLINTH_E_FAULT (a table is out of reach).
 * Undo:    on failure nothing is mapped that was not before; empty tables made on the
 *          way stay linked. On success pt_unmap().
 */
PLINTH_MUST_USE int pt_map(struct pt *pt, uint64_t va, uint64_t pa, uint64_t pages, unsigned int flags);

/**
 * pt_unmap() - remove 4 KiB mappings; pages that are not mapped are passed over.
 *
 * Context: as pt_map(). The caller flushes; tables that became empty stay linked.
 */
void pt_unmap(struct pt *pt, uint64_t va, uint64_t pages);

/**
 * pt_find() - the mapping of one address.
 * @out: result, out->va and out->pa being those of @va itself; untouched on failure
 *
 * Return: 0 or PLINTH_E_FAULT if nothing is mapped there.
 */
PLINTH_MUST_USE int pt_find(const struct pt *pt, uint64_t va, struct pt_leaf *out);

/**
 * pt_entry() - where the 4 KiB mapping of an address is written down.
 *
 * Return: the entry, which may be empty, in reach as pt->table() gives it; NULL if there is none.
 */
uint64_t *pt_entry(struct pt *pt, uint64_t va);

/**
 * pt_walk() - call @fn for every mapping of the lower half in ascending order.
 *
 * Return: 0, the first value other than 0 that @fn returned, or PLINTH_E_FAULT if a table
 *         is out of reach.
 */
int pt_walk(const struct pt *pt, pt_walk_fn *fn, void *ctx);

/* Mappings in a row that allow the same. */
struct pt_run {
	uint64_t va;
	uint64_t bytes;
	uint32_t flags; /* PT_* */
};

/**
 * pt_next() - the first run of mappings at or above an address.
 * @from: a run that begins below it is given from there on
 * @out:  untouched on failure. An entry of the top level's upper half is a run, whatever hangs on it.
 *
 * Return: 0, PLINTH_E_FAULT: nothing is mapped there any more, or a table is out of reach.
 */
PLINTH_MUST_USE int pt_next(const struct pt *pt, uint64_t from, struct pt_run *out);

#endif
