/* SPDX-License-Identifier: MIT */
/* What second-level translation gives a guest, by a walker of our own (SDM, "EPT Translation Mechanism"). */
#ifndef TESTS_MOCKS_TRANSLATION_H
#define TESTS_MOCKS_TRANSLATION_H

#include <stdint.h>

#define READ  1u
#define WRITE 2u
#define FETCH 4u

/* Where a CPU finds a guest's page, and what it may do there; access 0: nothing is there. */
struct translation {
	uint64_t pa;
	uint32_t access, type;
	uint64_t bytes; /* of the page */
};

/** translation_of() - through the tables that this CPU's VMCS names. */
struct translation translation_of(uint32_t cpu, uint64_t gpa);

#endif
