/* SPDX-License-Identifier: MIT */
/* What the files of the memory module share. Functions named *_locked want mem_lock() held. */
#ifndef PLINTH_MEMORY_INTERNAL_H
#define PLINTH_MEMORY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/boot.h>
#include <plinth/memory.h>
#include <plinth/shared.h>

#define LOG_TAG "memory"

/* One lock for the whole module; interrupts are off wherever it is called. */
void mem_lock(void);
void mem_unlock(void);

/* -- owner.c: which module memory belongs to ---------------------------------- */

void owner_init(const struct plinth_boot *boot);
/** owner_of() - the module that code at @address is of, as an index into plinth_shared.memory. */
uint32_t owner_of(const void *address);
/** owner_heap(), owner_pages() - it has so much more, or less. */
void owner_heap(uint32_t owner, int64_t bytes);
void owner_pages(uint32_t owner, int64_t pages);
/**
 * owner_refused() - there is not so much left as it wanted: for the driver, who says what helps
 * (plinth/shared.h).
 */
void owner_refused(uint32_t owner, enum plinth_shortage_kind kind, uint64_t wanted);

/* -- descriptor.c: the pool's runs, virtual <-> physical ------------------- */

/** descriptors_init() - @runs ascending by va; @by_pa gets a copy sorted by pa. */
void descriptors_init(const struct plinth_descriptor *runs, uint64_t n, struct plinth_descriptor *by_pa);
/** descriptors_check() - are the runs ascending, page-aligned, exactly the pool? */
bool descriptors_check(const struct plinth_boot *boot);
uint64_t descriptors_pa(uint64_t va);
void *descriptors_va(uint64_t pa);

/* -- pool.c: single pages ---------------------------------------------------- */

/* What a page is for: who takes it for one thing cannot give it back as another. */
enum pool_use { POOL_PAGE, POOL_STACK, POOL_TABLE, POOL_USES };

void pool_init(uint64_t va, uint64_t pages, uint8_t *map, struct plinth_shared *shared);
void pool_reserve(uint64_t first, uint64_t pages);
void *pool_alloc_locked(enum pool_use use, uint32_t owner);
/* false: not a page of the pool, free already, or taken for something else */
bool pool_free_locked(void *page, enum pool_use use);
/* Pages that were allocated and not freed. */
uint64_t pool_taken(void);

/* -- heap.c -------------------------------------------------------------------- */

void heap_init(void *base, size_t bytes, struct plinth_shared *shared);
void *heap_alloc_locked(size_t bytes, size_t align, uint32_t owner);
void heap_free_locked(void *p);
size_t heap_used(void);

/* -- glance.c: one address per CPU, in front of the window's others --------------- */

/** glance_init() - from @va on, a page for each CPU, whose tables are there. */
void glance_init(uint64_t va, uint32_t n_cpus);

/* -- space.c: addresses and mappings in the slot ------------------------------- */

/* What a run of addresses is for; a stack has an unmapped page on either side. */
enum space_use { SPACE_MAP, SPACE_STACK };

/*
 * space_init() - @map: a byte for each page of the window; @seen: a number for each CPU. The window's first
 * addresses, one for each CPU, are glance.c's. Return: 0 or PLINTH_E_NOMEM.
 */
PLINTH_MUST_USE int space_init(const struct plinth_boot *boot, uint8_t *map, uint32_t *seen);
/** space_fini() - no table of the pool's is in use any more. */
void space_fini(void);
/** space_entry() - where the mapping of an address is written down; NULL: its table is not there. */
uint64_t *space_entry(uint64_t va);
void *space_map_locked(const uint64_t *pa, size_t pages, enum mem_prot prot, enum space_use use);
/* space_is() - was @va given out for @use and with so many pages? */
bool space_is(const void *va, size_t pages, enum space_use use);
/* space_unmap_locked() - only what space_is() so. */
void space_unmap_locked(void *va, size_t pages, enum space_use use);
int space_translate(uint64_t va, uint64_t *pa);
int space_next(uint32_t table, uint64_t from, struct plinth_ctl_map *out);
size_t space_used(void);
/* Pages of the pool that became page tables, for as long as the VMM is loaded. */
uint64_t space_tables(void);

#endif
