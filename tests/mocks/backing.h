/* SPDX-License-Identifier: MIT */
/*
 * The pages that stand for physical memory, in this process, and who touches those that nobody was given.
 *
 * Such a page is either not mapped, so that whoever touches it is caught at once, or it holds a pattern, and
 * who writes to it is caught when it is given out again or at the next power-on. To change what is mapped
 * takes as long as all else that a sweep does: so the first life of the machine is guarded by that, and few
 * after it.
 */
#ifndef TESTS_MOCKS_BACKING_H
#define TESTS_MOCKS_BACKING_H

#include <stdbool.h>
#include <stdint.h>

#define BACKING_PAGES (1u << 18)

/** backing_reset() - power on: no page is given out. */
void backing_reset(void);
/** backing_is_guarded() - is what nobody was given not mapped? */
bool backing_is_guarded(void);

/** backing_open() - pages are given out, zeroed. */
void backing_open(uint32_t first, uint32_t pages);
/** backing_close() - they are nobody's. */
void backing_close(uint32_t first, uint32_t pages);

/** backing_at() - where a page is; backing_page() - which one is there, BACKING_PAGES or more: none. */
uint8_t *backing_at(uint32_t page);
uint64_t backing_page(const void *at);
/** backing_file() - of which the pages are, in their order. */
int backing_file(void);

#endif
