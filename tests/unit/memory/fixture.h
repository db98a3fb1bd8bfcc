/* SPDX-License-Identifier: MIT */
/* A pool of three physical runs, and a log, for tests of the module as a whole. */
#ifndef TESTS_UNIT_MEMORY_FIXTURE_H
#define TESTS_UNIT_MEMORY_FIXTURE_H

#include <criterion/criterion.h>

#include "facts.h"
#include "internal.h"

#define PAGES	     1024u
#define WINDOW_PAGES 8192u /* that are given out; one more for each CPU */
#define HEAP_BYTES   (16ull * MEM_PAGE)

extern uint8_t pages[PAGES][MEM_PAGE];
extern struct plinth_descriptor runs[3];
extern struct plinth_boot_module modules[2];
extern struct plinth_boot boot;
extern struct pool_region {
	struct plinth_shared head;
	struct plinth_shared_cpu cpu;
} region;

/** describe() - a pool that the module would take; log_up() - the log; up() - both, and the module. */
void describe(void);
void log_up(void);
void up(void);

/* How many errors in the log hold these facts (facts.h)? */
#define LOGGED(...) facts_logged(&region.cpu, PLINTH_LOG_ERR, FACTS(__VA_ARGS__))

#endif
