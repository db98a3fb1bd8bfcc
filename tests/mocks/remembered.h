/* SPDX-License-Identifier: MIT */
/*
 * What a CPU remembers of second-level translation (SDM, "Caching Translation Information"): tables that it
 * walked through, for as long as nothing is invalidated, and where it has the same top level.
 */
#ifndef TESTS_MOCKS_REMEMBERED_H
#define TESTS_MOCKS_REMEMBERED_H

#include <stdint.h>

/** remembered_note() - the CPU walks to this address. */
void remembered_note(uint32_t cpu, uint64_t gpa);
/** remembered_check() - none of those tables serves another region by now. */
void remembered_check(uint32_t cpu);
/** remembered_forget() - as after power on, on all CPUs. */
void remembered_forget(void);

#endif
