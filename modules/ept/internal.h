/* SPDX-License-Identifier: MIT */
/*
 * What the files of ept share.
 *
 * One lock stands over everything here. Whoever holds it may take the memory module's, never the log's, and calls
 * nobody else's handler. NMIs in root mode take neither. A CPU's own top level (window.c) is written by that CPU alone.
 */
#ifndef PLINTH_EPT_INTERNAL_H
#define PLINTH_EPT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/ept.h>
#include <plinth/log.h>
#include <plinth/shared.h>
#include <plinth/x86.h>

#define LOG_TAG "ept"

#define PAGE_4K (1ull << 12)
#define PAGE_2M (1ull << 21)
#define PAGE_1G (1ull << 30)

#define EPT_ENTRIES 512u
#define EPT_ALL	    (EPT_READ | EPT_WRITE | EPT_EXECUTE)

/* -- mtrr.c: memory types by physical address --------------------------------------- */

enum memory_type { TYPE_UC = 0, TYPE_WC = 1, TYPE_WT = 4, TYPE_WP = 5, TYPE_WB = 6, TYPE_MIXED = 255 };

#define MTRR_VARIABLE_MAX 32u
#define MTRR_FIXED	  11u

/* The range registers of one CPU; compares as bytes. */
struct mtrr_state {
	struct mtrr_variable {
		uint64_t base, mask; /* of the address bits */
		uint64_t type;
	} variable[MTRR_VARIABLE_MAX];
	uint64_t fixed[MTRR_FIXED]; /* one byte per sub-range, in the order of the MSRs */
	uint64_t n;
	uint64_t default_type;
	uint64_t enabled, fixed_enabled;
};

/**
 * mtrr_read() - what this CPU's range registers say now; on a CPU that has none everything is write-back.
 *
 * Context: any, on the CPU in question; reads only.
 */
void mtrr_read(struct mtrr_state *out, unsigned int address_bits);

/** mtrr_use() - from now on types are by @state. Return: did they change? */
bool mtrr_use(const struct mtrr_state *state);

/** mtrr_type() - of an aligned region of @bytes, a power of two; TYPE_MIXED if it has more than one. */
enum memory_type mtrr_type(uint64_t pa, uint64_t bytes);

/* -- table.c: the paging structures that all CPUs share --------------------------------- */

/* What a CPU offers. */
struct table_kind {
	bool large_1g;	   /* maps pages of 1 GiB */
	bool execute_only; /* ... that can be executed and not read */
	uint8_t levels;	   /* 4 or 5 */
	uint64_t reach;	   /* one above the last address */
};

/**
 * table_init() - an empty top level, and @spare pages for what the guest touches later.
 * Return: 0 or PLINTH_E_NOMEM; table_fini() undoes either.
 */
PLINTH_MUST_USE int table_init(const struct table_kind *kind, unsigned int spare);
void table_fini(void);

/** table_kind() - as table_init() was told. */
const struct table_kind *table_kind(void);

/** table_reach() - the CPU names addresses below @reach; what is mapped already stays. */
void table_reach(uint64_t reach);

/** table_shift() - of the addresses that one entry at @level stands for. */
static inline unsigned int table_shift(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

/** table_leaf_level() - of the largest pages there are. */
static inline unsigned int table_leaf_level(void)
{
	return table_kind()->large_1g ? 3 : 2;
}

/** table_at() - the table in which the slot of @gpa at @level lies; NULL: it is not there. @level of the top: the root. */
uint64_t *table_at(uint64_t gpa, unsigned int level);

/** table_find() - the last entry on the way to @gpa, and its level; 0: nobody has decided about it, nor mapped it. */
uint64_t table_find(uint64_t gpa, unsigned int *level);

/**
 * table_prepare() - memory that exists: one to one from @start to @end, multiples of 1 GiB.
 *
 * Its tables come from the pool; those that only memory types ask for from the spare ones.
 * Context: a load. Return: 0 or PLINTH_E_NOMEM.
 */
PLINTH_MUST_USE int table_prepare(uint64_t start, uint64_t end);

/**
 * table_map() - what is missing on the way to @gpa, one to one, from the spare pages alone.
 *
 * What is there stays. Where no table can be had for a change of memory types, a larger page is uncached.
 * Context: the lock is held. Return: 0, PLINTH_E_NOMEM (no spare page), PLINTH_E_FAULT (no such address).
 */
PLINTH_MUST_USE int table_map(uint64_t gpa);

/** table_pointer() - the shared top level as the VMCS wants it; table_pointer_of() - another one. */
uint64_t table_pointer(void);
uint64_t table_pointer_of(uint64_t root_pa);

/** table_fill() - @t, of @level and from @base on, with large pages; where types differ: none, or uncached ones. */
void table_fill(uint64_t *t, unsigned int level, uint64_t base, bool uncached);

/** table_retype() - memory types have changed: all entries get theirs. Context: the lock is held. */
void table_retype(void);

/** table_lock(), table_unlock() - the lock; interrupts are off wherever it is taken. */
void table_lock(void);
void table_unlock(void);

/* -- window.c: what a CPU maps for itself when there are no shared tables left ------------- */

/**
 * window_init() - the seats of a machine with @n_cpus; @shared says which of them are guests.
 * Return: 0 or PLINTH_E_NOMEM; window_fini() undoes either.
 */
PLINTH_MUST_USE int window_init(uint32_t n_cpus, struct plinth_shared *shared);
void window_fini(void);

/* The following: on the CPU in question, in root mode, the lock held; 0 or PLINTH_E_VIRT, when the CPU refused. */

/** window_flush() - INVEPT. */
PLINTH_MUST_USE int window_flush(void);

/** window_close() - from now on the CPU has what all have. */
PLINTH_MUST_USE int window_close(uint32_t cpu);

/** window_forget() - the same before a start, where there is no VMCS. */
void window_forget(uint32_t cpu);

/** window_follow() - @gpa is mapped in the shared tables: let the CPU find it. */
PLINTH_MUST_USE int window_follow(uint32_t cpu, uint64_t gpa);

/** window_open() - map @gpa for this CPU alone. Return: PLINTH_E_NOMEM: no seat is free, or has too few tables. */
PLINTH_MUST_USE int window_open(uint32_t cpu, uint64_t gpa);

/**
 * window_borrow() - the seat that is lent is the CPU's until window_return(), for window_open() to use.
 * Return: 0, PLINTH_E_BUSY (another CPU has it), PLINTH_E_NOMEM (there is none, or no use for it).
 */
PLINTH_MUST_USE int window_borrow(uint32_t cpu);
/** window_borrows() - is it? */
bool window_borrows(uint32_t cpu);
/** window_return() - it is free; after an error it is not, and this must be called again. */
PLINTH_MUST_USE int window_return(uint32_t cpu);

/** window_stuck() - does this instruction open windows again and again, each closing what another access needs? */
bool window_stuck(uint32_t cpu, const uint64_t *where);

#define WINDOW_WHERE 5u /* words that tell one instruction, and its progress, from another */

#endif
