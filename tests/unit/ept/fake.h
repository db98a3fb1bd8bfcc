/* SPDX-License-Identifier: MIT */
/* Memory for tables, memory types and INVEPT as a test wants them, and the CPU's way through the tables. */
#ifndef TESTS_UNIT_EPT_FAKE_H
#define TESTS_UNIT_EPT_FAKE_H

#include <criterion/criterion.h>

#include <plinth/boot.h>
#include <plinth/intrinsics.h>
#include <plinth/memory.h>

#include "internal.h"

#define PAGES	     256u
#define MOST_CPUS    100u
#define ALL	     SLAT_ALL
#define HOLE	     (PAGE_1G + 3 * PAGE_2M) /* the page there has a type of its own */
#define ADDRESS_BITS 0x000ffffffffff000ull
#define DECIDED	     ENTRY_DECIDED
#define LARGE	     (1u << 7)
#define WB	     ((uint64_t)TYPE_WB << 3)
#define UC	     ((uint64_t)TYPE_UC << 3)
#define WT	     ((uint64_t)TYPE_WT << 3)
#define REGION	     (1ull << 39)

extern unsigned int left;   /* pages that may be taken */
extern bool untranslatable; /* mem_virt_to_phys() fails */
extern bool no_write;	    /* VMWRITE fails */
extern uint64_t eptp;	    /* of CPU 0; 0: the shared tables */
extern unsigned int flushes;
extern bool flush_waits;	    /* other CPUs have not flushed yet */
extern bool flush_fails;	    /* this CPU could not flush: there is no ticket */
extern bool no_host;		    /* the CPU has no second-level translation */
extern bool no_flush;		    /* INVEPT fails */
extern enum memory_type usual, odd; /* of memory, and of one page at hole */
extern uint64_t hole;
extern struct table_kind kind;

unsigned int in_use(void);

/* Everything is free, the CPU of that kind; and tables for so many CPUs, or an error; and all of it away. */
void clean(bool large_1g, unsigned int bits);
int up(unsigned int spare, unsigned int cpus);
void down(void);
/* Where a CPU stands: all are guests at first. */
void be(uint32_t cpu, enum plinth_cpu_state state);
/* The first two for two CPUs. */
void fresh(bool large_1g, unsigned int bits, unsigned int spare);

/* The last entry on the way, and at which level. */
uint64_t walk_from(uint64_t root, uint64_t gpa, unsigned int *level);
/* ... in the shared tables. */
uint64_t walk(uint64_t gpa, unsigned int *level);
void expect(uint64_t gpa, unsigned int level, uint64_t entry);
/* One to one, through a CPU's own top level. */
bool sees(uint32_t cpu, uint64_t gpa);

#endif
