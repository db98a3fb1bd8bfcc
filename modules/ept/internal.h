/* SPDX-License-Identifier: MIT */
/*
 * What the files of ept share. The lock over all of it is that of slat.h. A CPU's own top level (window.c) is
 * written by that CPU alone.
 */
#ifndef PLINTH_EPT_INTERNAL_H
#define PLINTH_EPT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/log.h>
#include <plinth/shared.h>
#include <plinth/slat.h>
#include <plinth/x86.h>

#define LOG_TAG "ept"

#define PAGE_4K (1ull << 12)
#define PAGE_2M (1ull << 21)
#define PAGE_1G (1ull << 30)

#define EPT_ENTRIES 512u

/* -- an entry of a table (SDM, "Format of an EPT Page-Table Entry") ---------------------- */

#define ENTRY_ACCESS	 7ull
#define ENTRY_TYPE_SHIFT 3
#define ENTRY_TYPE	 (7ull << ENTRY_TYPE_SHIFT)
#define ENTRY_LARGE	 (1ull << 7)
#define ENTRY_ADDRESS	 0x000ffffffffff000ull
/* Ignored by the CPU. "Nothing allowed" is not "nothing there". */
#define ENTRY_DECIDED	 (1ull << 52) /* somebody has decided about it */
#define ENTRY_HIDDEN	 (1ull << 53) /* ... and that was the VMM, which is not seen there */

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
void mtrr_read(struct mtrr_state *out);

/** mtrr_use() - from now on types are by @state. Return: did they change? */
bool mtrr_use(const struct mtrr_state *state);

/** mtrr_type() - of an aligned region of @bytes, a power of two; TYPE_MIXED if it has more than one. */
enum memory_type mtrr_type(uint64_t pa, uint64_t bytes);

/* -- caps.c: what the CPU offers ------------------------------------------------------- */

struct table_kind {
	bool large_1g;	   /* maps pages of 1 GiB */
	bool execute_only; /* ... that can be executed and not read */
	uint8_t levels;	   /* 4 or 5 */
	uint64_t reach;	   /* one above the last address */
};

bool caps_has_ept(void);
unsigned int caps_address_bits(void);
/** caps_reach() - one above the last address that so many levels name. */
uint64_t caps_reach(unsigned int levels);
/** caps_kind() - Return: 0 or PLINTH_E_NOTSUP; what is missing is in the log. */
PLINTH_MUST_USE int caps_kind(struct table_kind *out);

/* -- pages.c: pages for tables ------------------------------------------------------------ */

enum source { FROM_POOL, FROM_SPARE };

#define RETIRED_MAX 8u
#define NO_TICKET   0ull

/* A table that was taken out; it serves again when every CPU has flushed. */
struct retired {
	uint64_t *page;
	uint64_t pa;
	uint64_t ticket; /* slat_flush(); NO_TICKET: nobody has asked yet */
};

struct slat_space {
	uint64_t *root;
	uint64_t root_pa;
	bool is_host;
	uint64_t *spare; /* see pages.c */
	uint32_t n_spare;
	uint32_t reserve; /* so many are for what the guest touches */
	uint32_t n_retired;
	struct retired retired[RETIRED_MAX];
	struct slat_space *next; /* of all spaces */
};

/** pages_new() - a page of the pool, or NULL. @pa: its physical address; in an exit nobody asks for that. */
uint64_t *pages_new(uint64_t *pa);

/* The following: the lock is held, but at a load. */

/** pages_init() - @spare of them. Return: 0 or PLINTH_E_NOMEM; pages_fini() undoes either. */
PLINTH_MUST_USE int pages_init(struct slat_space *space, uint32_t spare);
void pages_fini(struct slat_space *space);
/** pages_take() - one with anything in it, or NULL. @pa: its physical address. */
uint64_t *pages_take(struct slat_space *space, enum source source, uint64_t *pa);
/**
 * pages_retire() - this one is in no table any more. Return: false: too many wait already, and nothing was
 * done.
 */
bool pages_retire(struct slat_space *space, uint64_t *page, uint64_t pa);
/** pages_stamp() - a flush was asked for that those count on for which there was none yet; 0: it failed. */
void pages_stamp(struct slat_space *space, uint64_t ticket);

/* -- table.c: the paging structures of a space ---------------------------------------------- */

void table_init(const struct table_kind *offered);
/** table_free() - all tables of a space but the top level. */
void table_free(const struct slat_space *space);

/** table_kind() - as table_init() was told. */
const struct table_kind *table_kind(void);
/** table_reach() - the CPU names addresses below @reach; what is mapped already stays. */
void table_reach(uint64_t reach);
/** table_has() - are these whole pages that the CPU can name? */
bool table_has(uint64_t start, uint64_t bytes);

/** table_shift() - of the addresses that one entry at @level stands for. */
static inline unsigned int table_shift(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

/** table_bytes() - how many those are. table_begin() - the first of those that @gpa is among. */
static inline uint64_t table_bytes(unsigned int level)
{
	return 1ull << table_shift(level);
}

static inline uint64_t table_begin(uint64_t gpa, unsigned int level)
{
	return gpa & ~(table_bytes(level) - 1);
}

/** table_slot() - the entry of @gpa in a table of @level. */
static inline uint64_t *table_slot(uint64_t *t, uint64_t gpa, unsigned int level)
{
	return &t[gpa >> table_shift(level) & (EPT_ENTRIES - 1)];
}

/** table_leaf_level() - of the largest pages there are. */
static inline unsigned int table_leaf_level(void)
{
	return table_kind()->large_1g ? 3 : 2;
}

static inline bool entry_is_table(uint64_t entry, unsigned int level)
{
	return level > 1 && entry & ENTRY_ACCESS && !(entry & ENTRY_LARGE);
}

uint64_t *entry_table(uint64_t entry);
/** entry_leaf() - a page with all access. */
uint64_t entry_leaf(uint64_t hpa, unsigned int level, enum memory_type type);
/** entry_address() - where a page at @level leads. */
static inline uint64_t entry_address(uint64_t entry, unsigned int level)
{
	return table_begin(entry & ENTRY_ADDRESS, level);
}
/** entry_set() - one store: other CPUs see what was there or all of what is new. */
void entry_set(uint64_t *slot, uint64_t entry);

/**
 * table_at() - the table in which the slot of @gpa at @level lies; NULL: it is not there. @level of the top:
 * the root.
 */
uint64_t *table_at(const struct slat_space *space, uint64_t gpa, unsigned int level);
/**
 * table_find() - the last entry on the way to @gpa, and its level; 0: nobody has decided about it, nor mapped
 * it.
 */
uint64_t table_find(const struct slat_space *space, uint64_t gpa, unsigned int *level);

/**
 * table_for() - an entry for a new table with the same translations as the slot of @gpa at @level; 0: no
 * page.
 */
uint64_t table_for(struct slat_space *space, uint64_t gpa, unsigned int level, enum source source);
/** table_reserve() - tables down to @level, no translation changes. Return: 0 or PLINTH_E_NOMEM. */
PLINTH_MUST_USE int table_reserve(struct slat_space *space, uint64_t gpa, unsigned int level);

/** table_pointer_of() - a top level as the VMCS wants it (SDM, "Extended-Page-Table Pointer"). */
uint64_t table_pointer_of(uint64_t root_pa);

/** table_lock(), table_unlock() - the lock; interrupts are off wherever it is taken. */
void table_lock(void);
void table_unlock(void);

/* -- direct.c: one to one, where nobody decided ------------------------------------------------ */

/**
 * direct_prepare() - memory that exists: from @start to @end, multiples of 1 GiB.
 *
 * Its tables come from the pool; those that only memory types ask for from the spare ones.
 * Context: a load. Return: 0 or PLINTH_E_NOMEM.
 */
PLINTH_MUST_USE int direct_prepare(struct slat_space *space, uint64_t start, uint64_t end);

/**
 * direct_map() - what is missing on the way to @gpa, from the spare pages alone.
 *
 * What is there stays. Where no table can be had for a change of memory types, a larger page is uncached.
 * Context: the lock is held. Return: 0, PLINTH_E_NOMEM (no spare page), PLINTH_E_FAULT (no such address).
 */
PLINTH_MUST_USE int direct_map(struct slat_space *space, uint64_t gpa);

/**
 * direct_page() - a page at @level; 0: there are none so large, or it would have more than one memory type.
 */
uint64_t direct_page(uint64_t gpa, unsigned int level);
/**
 * direct_fill() - @t, of @level and from @base on, with large pages; where types differ: none, or uncached
 * ones.
 */
void direct_fill(uint64_t *t, unsigned int level, uint64_t base, bool uncached);
/** direct_retype() - memory types have changed: all entries get theirs. Context: the lock is held. */
void direct_retype(struct slat_space *space);

/* -- spaces.c -------------------------------------------------------------------------------------- */

/**
 * spaces_add() - with so many pages for what a guest touches, or, not the host's, for everything. Return: 0
 * or PLINTH_E_NOMEM.
 */
PLINTH_MUST_USE int spaces_add(struct slat_space *space, bool is_host, uint32_t spare);
void spaces_remove(struct slat_space *space);
/** spaces_ordinary() - struct slat's. */
PLINTH_MUST_USE int spaces_ordinary(struct slat_space *space, uint64_t gpa, uint64_t *hpa, uint32_t *access);
/** spaces_retype() - direct_retype() of all spaces. Context: the lock is held. */
void spaces_retype(void);

/* -- hidden.c: what the VMM hides ------------------------------------------------------------------- */

/**
 * hidden_add() - pages of the VMM: nobody changes that any more. @instead: the page where the guest's
 * accesses to all of them go; 0: they go where they went. Return: 0, PLINTH_E_INVAL, PLINTH_E_NOMEM.
 */
PLINTH_MUST_USE int hidden_add(struct slat_space *host, uint64_t pa, uint64_t bytes, uint64_t instead,
			       uint32_t access);
/** hidden_any() - is any of the page at @level hidden? Context: the lock is held. */
bool hidden_any(uint64_t pa, unsigned int level);

/* -- touch.c: what the host touches ------------------------------------------------------------------ */

/** touch_register() - for the exits that come of it; a constructor. */
void touch_register(void);
/**
 * touch_settle() - this CPU goes by the shared tables alone, and by nothing that it remembers. @starts: it
 * has no VMCS yet. Return: 0 or PLINTH_E_VIRT.
 */
PLINTH_MUST_USE int touch_settle(bool starts);

/** touch_leave() - this CPU goes by the shared tables alone. Return: 0 or PLINTH_E_VIRT. */
PLINTH_MUST_USE int touch_leave(void);

/* -- watch.c: pages whose accesses are seen, and a view in which they are not -----------------------------
 */

/** watch_fini() - nothing is watched any more, at an unload. */
void watch_fini(void);

/*
 * The following: the lock is held; the last three on the CPU in question, in root mode, with the host's VMCS.
 */

/** watch_follow() - the view is as the shared tables are now. */
void watch_follow(void);
/** watch_passes() - does this CPU go by it? */
bool watch_passes(void);
/** watch_pass() - from now on it does, or does not. Return: 0 or PLINTH_E_VIRT. */
PLINTH_MUST_USE int watch_pass(bool on);

/* -- types.c: memory types that change while a guest runs ----------------------------------------------- */

void types_register(void);
/** types_start() - the types as they are now, before a launch; as touch_settle(). */
PLINTH_MUST_USE int types_start(void);

/* -- window.c: what a CPU maps for itself when there are no shared tables left ------------- */

/**
 * window_init() - the seats of a machine with @n_cpus; @shared says which of them are guests.
 * Return: 0 or PLINTH_E_NOMEM; window_fini() undoes either.
 */
PLINTH_MUST_USE int window_init(uint32_t n_cpus, struct plinth_shared *shared);
void window_fini(void);

/*
 * The following: on the CPU in question, in root mode, the lock held; 0 or PLINTH_E_VIRT, when the CPU
 * refused.
 */

/** window_flush() - INVEPT. */
PLINTH_MUST_USE int window_flush(void);

/** window_close() - from now on the CPU has what all have. */
PLINTH_MUST_USE int window_close(uint32_t cpu);

/** window_forget() - the same before a start, where there is no VMCS. */
void window_forget(uint32_t cpu);

/** window_follow() - @gpa is mapped in the shared tables: let the CPU find it. */
PLINTH_MUST_USE int window_follow(uint32_t cpu, uint64_t gpa);

/**
 * window_open() - map @gpa for this CPU alone. Return: PLINTH_E_NOMEM: no seat is free, or has too few
 * tables.
 */
PLINTH_MUST_USE int window_open(uint32_t cpu, uint64_t gpa);

/**
 * window_borrow() - the seat that is lent is the CPU's until window_return(), for window_open() to use.
 * Return: 0, PLINTH_E_BUSY (another CPU has it), PLINTH_E_NOMEM (there is none, or no use for it).
 */
PLINTH_MUST_USE int window_borrow(uint32_t cpu);
/** window_is_open() - has the CPU a seat? */
bool window_is_open(uint32_t cpu);
/** window_borrows() - is it? */
bool window_borrows(uint32_t cpu);
/** window_return() - it is free; after an error it is not, and this must be called again. */
PLINTH_MUST_USE int window_return(uint32_t cpu);

/**
 * window_stuck() - does this instruction open windows again and again, each closing what another access
 * needs?
 */
bool window_stuck(uint32_t cpu, const uint64_t *where);

#define WINDOW_WHERE 5u /* words that tell one instruction, and its progress, from another */

#endif
