/* SPDX-License-Identifier: MIT */
/*
 * The VMM's address space as it is mapped into this process. What two address spaces, or two states of one,
 * have in common stays mapped: to change what is mapped takes longer than most of what a sweep does.
 */
#ifndef TESTS_MOCKS_MAPPING_H
#define TESTS_MOCKS_MAPPING_H

#include <stdint.h>

/** mapping_want() - a page of the address space that is to be entered, in ascending order; @prot: PROT_*. */
void mapping_want(uint64_t va, int file, uint64_t offset, int prot);
/** mapping_enter() - what was wanted is mapped, and nothing else of what mapping.h maps. */
void mapping_enter(void);
/** mapping_leave() - nothing is mapped. */
void mapping_leave(void);

/** mapping_page() - one more page, or another one in its place. */
void mapping_page(uint64_t va, int file, uint64_t offset, int prot);
/** mapping_forget() - a page is not mapped any more. */
void mapping_forget(uint64_t va);

#endif
