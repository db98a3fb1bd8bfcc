/* SPDX-License-Identifier: MIT */
/* Page tables of a process, in the model's memory. */
#ifndef TESTS_MOCKS_TABLES_H
#define TESTS_MOCKS_TABLES_H

#include <stdint.h>

/* Of an entry. */
#define TABLES_PRESENT 1ull
#define TABLES_WRITE   2ull
#define TABLES_USER    4ull
#define TABLES_MEMORY  (TABLES_PRESENT | TABLES_WRITE | TABLES_USER)

/** tables_page() - a page of the machine's, zeroed. @at: where it is in this process; may be NULL. */
uint64_t tables_page(uint8_t **at);
/** tables_create() - a top level, empty, and behind it the page that is user mode's where they are isolated.
 */
uint64_t tables_create(void);
/** tables_map() - @flags: TABLES_*; 0: nothing is there. */
void tables_map(uint64_t cr3, uint64_t va, uint64_t pa, uint64_t flags);

#endif
