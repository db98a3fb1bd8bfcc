/* SPDX-License-Identifier: MIT */
/* Memory of the mock operating system, out of physical.h, and an address space. */
#ifndef TESTS_MOCKS_MEMORY_H
#define TESTS_MOCKS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything is free again. */
void memory_reset(void);

/*
 * As os_alloc_pages(): what is virtually contiguous is cut into physical runs. Counted
 * in mock_world.pages. Freeing a wrong address or number of pages aborts.
 */
void *memory_alloc(size_t pages, size_t align);
void memory_free(void *memory, size_t pages);
uint64_t memory_pa(const void *memory);
void *memory_physical(uint64_t pa);

/* Map the lower half of these page tables into this process, as they say. */
void memory_enter(uint64_t root_pa, uint32_t levels);

/*
 * An access to an address failed: map what the tables have there now, which may be more
 * than memory_enter() saw. False: they do not allow that access.
 */
bool memory_touch(uint64_t va, bool write, bool execute);
/* Where an address of the VMM's lies; 0: nowhere. */
uint64_t memory_translate(uint64_t va);
/* The tables changed for this address. */
void memory_forget(uint64_t va);

/* Call a function mapped there, on a stack mapped there. */
int memory_call(uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

#endif
