/* SPDX-License-Identifier: MIT */
/*
 * Memory of the VMM: descriptors (virtual <-> physical), a page pool, a heap, mappings
 * in the VMM's slot. Everything comes from the pool the driver gave at load.
 *
 * Context of every function: launch tables or root mode, any CPU; a lock inside makes
 * them safe against each other. Not for exception handlers.
 */
#ifndef PLINTH_MEMORY_H
#define PLINTH_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/control.h>
#include <plinth/error.h>

#define MEM_PAGE 4096u

/* What mem_map() makes of a mapping, beside readable; nothing can be written and executed. */
enum mem_prot { MEM_R = 0, MEM_RW = PLINTH_MAP_WRITE, MEM_RX = PLINTH_MAP_EXEC };

/**
 * mem_init() - take over pool, descriptors and page tables.
 * @boot: the launch ABI
 *
 * Return:  0, PLINTH_E_INVAL (regions do not fit each other), PLINTH_E_NOMEM (heap_bytes
 *          larger than the pool).
 */
PLINTH_EXPORT PLINTH_MUST_USE int mem_init(const struct plinth_boot *boot);

/** mem_fini() - forget everything; logs an error for each kind of memory still owned. */
PLINTH_EXPORT void mem_fini(void);

/**
 * mem_alloc() - memory from the heap, zeroed.
 * @bytes: at least 1
 * @align: power of two, at most MEM_PAGE; 0 for the usual 16
 * Return: NULL when the heap is exhausted or an argument is bad.
 * Undo:   mem_free()
 */
PLINTH_EXPORT void *mem_alloc(size_t bytes, size_t align);

/** mem_free() - give back what mem_alloc() returned; NULL is fine; a bad pointer is logged and kept. */
PLINTH_EXPORT void mem_free(void *p);

/** mem_page_alloc() - one zeroed page, page-aligned; NULL when the pool is exhausted. */
PLINTH_EXPORT void *mem_page_alloc(void);
PLINTH_EXPORT void mem_page_free(void *page);

/**
 * mem_stack_alloc() - a stack with an unmapped guard page on either side.
 * @pages:  usable size
 * Return:  the address just above the stack, or NULL.
 * Undo:    mem_stack_free(top, pages); what was not allocated like that is logged and stays
 */
PLINTH_EXPORT void *mem_stack_alloc(size_t pages);
PLINTH_EXPORT void mem_stack_free(void *top, size_t pages);

/**
 * mem_map() - make foreign physical memory visible in the VMM's slot.
 * @pa:    page-aligned
 * @pages: length
 * Return: its address, NULL if page tables or addresses run out.
 * Undo:   mem_unmap(va, pages); what was not mapped like that is logged and stays
 */
PLINTH_EXPORT void *mem_map(uint64_t pa, size_t pages, enum mem_prot prot);
PLINTH_EXPORT void mem_unmap(void *va, size_t pages);

/**
 * mem_glance() - look at any of the machine's memory in passing.
 * @cpu: the one that runs this
 * @pa:  physical; to be read and written up to the end of its page
 *
 * Each CPU has one address for this, whose page tables are there since mem_init(): it takes no memory and no
 * lock. What lies there, and whether touching it does something, the caller knows.
 *
 * Context: root mode, interrupts off; not in handlers of NMIs, machine checks and faults, which may have come
 *          into the middle of another look.
 * Return:  its address until this CPU's next mem_glance(); NULL: no such CPU, or the machine has no such
 *          address.
 */
PLINTH_EXPORT void *mem_glance(uint32_t cpu, uint64_t pa);

/**
 * mem_cpu_enter() - from now on a CPU keeps translations of the VMM's own addresses.
 * mem_cpu_flush() - forget those of what was unmapped since, if there is any.
 * @cpu: the one that runs this
 *
 * What is unmapped (mem_unmap(), mem_stack_free()) gets its address back only when every CPU between
 * mem_cpu_enter() and mem_cpu_leave() has called mem_cpu_flush(). Whoever runs guests calls it at exits, not
 * at the most frequent ones.
 *
 * Context: launch tables or root mode, on the CPU in question; no lock is taken.
 * Undo:    mem_cpu_leave(), when the CPU loads CR3 next in any case.
 */
PLINTH_EXPORT void mem_cpu_enter(uint32_t cpu);
PLINTH_EXPORT void mem_cpu_leave(uint32_t cpu);
PLINTH_EXPORT void mem_cpu_flush(uint32_t cpu);

/**
 * mem_virt_to_phys() - where a mapped VMM address lies.
 * @pa:    result; untouched on failure
 * Return: 0 or PLINTH_E_FAULT if nothing is mapped there.
 */
PLINTH_EXPORT PLINTH_MUST_USE int mem_virt_to_phys(const void *va, uint64_t *pa);

/** mem_phys_to_virt() - the pool's address of a physical one; NULL if it is not the pool's. */
PLINTH_EXPORT void *mem_phys_to_virt(uint64_t pa);

/**
 * mem_next_mapping() - what is mapped, and how.
 * @table: whose view
 * @from:  an address
 * @out:   the first run of mappings with the same access at or above it: va, bytes and
 *         flags (PLINTH_MAP_*); untouched on failure
 *
 * Return: 0, PLINTH_E_FAULT: there is none; PLINTH_E_INVAL: no such table.
 */
PLINTH_EXPORT PLINTH_MUST_USE int mem_next_mapping(uint32_t table, uint64_t from, struct plinth_ctl_map *out);

/** mem_root_tables() - physical address of the VMM's own top-level table. */
PLINTH_EXPORT uint64_t mem_root_tables(void);
/** mem_launch_tables() - of the one that holds the kernel's half as well. */
PLINTH_EXPORT uint64_t mem_launch_tables(void);

#endif
