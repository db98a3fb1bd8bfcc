/* SPDX-License-Identifier: MIT */
/*
 * Mocks of the module interfaces, written from the headers alone. Each is one source, built once per
 * row of interfaces/meson.build, which sets MOCK_VARIANT:
 *
 *   works  does what the header promises
 *   fails  the same, but each function that may fail asks the test first
 *   lacks  one function is not there under its name
 *   abi    its note says another version of the module ABI
 *   ctor   its constructor does not get through, so it is never ready: a constructor has no result,
 *          the module's init function has
 */
#ifndef TESTS_MOCKS_INTERFACES_VARIANT_H
#define TESTS_MOCKS_INTERFACES_VARIANT_H

#include <stdbool.h>

#include <plinth/abi.h>

#include "../intrinsics/calls.h"

enum mock_variant { MOCK_WORKS, MOCK_FAILS, MOCK_LACKS, MOCK_ABI, MOCK_CTOR };

/* What PLINTH_MODULE() puts into the note. */
enum { MOCK_RIGHT_ABI = PLINTH_MODULE_ABI, MOCK_WRONG_ABI = PLINTH_MODULE_ABI + 1 };
#undef PLINTH_MODULE_ABI
#define PLINTH_MODULE_ABI (MOCK_VARIANT == MOCK_ABI ? MOCK_WRONG_ABI : MOCK_RIGHT_ABI)

/* Does this call fail? */
static inline bool mock_fails(const char *function)
{
	return MOCK_VARIANT == MOCK_FAILS && MODEL->fault(function);
}

static bool mock_ready;

__attribute__((constructor)) static void mock_get_ready(void)
{
	mock_ready = MOCK_VARIANT != MOCK_CTOR;
}

#endif
