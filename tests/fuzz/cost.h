/* SPDX-License-Identifier: MIT */
/*
 * Files made to cost as much as possible: what the tables of a file are, how long, and
 * how they lie over each other, from a few numbers ("genes"), so that a search can change
 * one and see what comes of it.
 */
#ifndef TEST_FUZZ_COST_H
#define TEST_FUZZ_COST_H

#include <stddef.h>
#include <stdint.h>

/* What a number is for: the share of the room left that a table gets, or how it is made. */
enum cost_gene {
	COST_LOADS,	   /* writable PT_LOADs; whether each has the whole file */
	COST_BSS,	   /* memory of each beyond the file */
	COST_NOTE_HEADERS, /* PT_NOTEs, all for the same bytes */
	COST_NOTES,
	COST_NEEDED, /* entries of the dynamic section */
	COST_STRINGS,
	COST_NAME, /* how long names are, and whether all have the same */
	COST_SYMBOLS,
	COST_EXPORTS, /* of these, the definitions */
	COST_WORDS,   /* hash words and length of the chains */
	COST_ODD,     /* kinds of symbols that are not the usual ones */
	COST_RELOCS,  /* share, types, targets, symbols */
	COST_JUMPS,   /* are they jump slots too? */
	COST_RELR,
	COST_VERSIONS,
	COST_INIT,  /* start and end functions, in memory that no file part is for */
	COST_FLAGS, /* of the set */
	COST_GENES
};

/* cost_make() - a file of that size; 8-byte aligned. */
void cost_make(const uint32_t *genes, uint8_t *bytes, size_t size);

/*
 * cost_work() - what a driver does with a file: probe, note, link, lookups, findings as text, and a link by
 * a plan. Returns what the link did.
 */
int cost_work(const uint8_t *bytes, size_t size, uint32_t flags);

/* cost_copy() - the same bytes copied, eight at a time: what cost_work() is compared with. */
void cost_copy(uint8_t *copy, const uint8_t *bytes, size_t size);

#endif
