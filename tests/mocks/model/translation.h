/* SPDX-License-Identifier: MIT */
/* What second-level translation gives a guest, by a walker of the model's own. */
#ifndef TESTS_MOCKS_MODEL_TRANSLATION_H
#define TESTS_MOCKS_MODEL_TRANSLATION_H

#include <stdint.h>

#define READ  1u
#define WRITE 2u
#define FETCH 4u

/* Where a CPU finds a guest's page, and what it may do there; access 0: nothing is there. */
struct translation {
	uint64_t pa;
	uint32_t access;
	uint64_t bytes; /* of the page */
};

/**
 * translation_of() - through the tables that this CPU uses; of one that has none, all is allowed, and nothing
 * known.
 */
struct translation translation_of(uint32_t cpu, uint64_t gpa);

/** translation_tables() - the top level of those tables, and how many levels there are; 0: none. */
uint64_t translation_tables(uint32_t cpu, uint32_t *levels);

#endif
