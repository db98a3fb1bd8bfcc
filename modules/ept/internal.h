/* SPDX-License-Identifier: MIT */
#ifndef PLINTH_EPT_INTERNAL_H
#define PLINTH_EPT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/ept.h>
#include <plinth/log.h>
#include <plinth/x86.h>

#define LOG_TAG "ept"

#define PAGE_4K (1ull << 12)
#define PAGE_2M (1ull << 21)
#define PAGE_1G (1ull << 30)

/* -- mtrr.c: memory types by physical address --------------------------------------- */

enum memory_type { TYPE_UC = 0, TYPE_WC = 1, TYPE_WT = 4, TYPE_WP = 5, TYPE_WB = 6, TYPE_MIXED = 255 };

/** mtrr_read() - take the MTRRs of this CPU down; they are the same on all (SDM, "MTRRs"). */
void mtrr_read(unsigned int address_bits);

/** mtrr_type() - of an aligned region of @bytes; TYPE_MIXED if it has more than one. */
enum memory_type mtrr_type(uint64_t pa, uint64_t bytes);

/* -- table.c: the paging structures ---------------------------------------------------- */

/** table_init() - an empty top level. @large_1g: the CPU maps 1 GiB pages. */
PLINTH_MUST_USE int table_init(bool large_1g);
void table_fini(void);
uint64_t table_root(void);

/** table_fill() - one to one from @start to @end (both multiples of 1 GiB) in the largest pages the types allow. */
PLINTH_MUST_USE int table_fill(uint64_t start, uint64_t end);

#endif
