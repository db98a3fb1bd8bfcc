/* SPDX-License-Identifier: MIT */
/*
 * How a mock module reaches the test it runs in: through a pointer at a fixed address,
 * because a constructor knows nothing else yet.
 */
#ifndef TESTS_MOCKS_HOOK_H
#define TESTS_MOCKS_HOOK_H

#include <stdint.h>

enum mock_event {
	MOCK_CTOR,
	MOCK_DTOR,
	MOCK_INIT,
	MOCK_FINI,
	MOCK_PREPARE,
	MOCK_RELEASE,
	MOCK_CHECK,
	MOCK_CALL,
	MOCK_START,
	MOCK_EVENTS,
};

/* Called on the VMM's stack: does little and calls nothing big. */
typedef int mock_hook_fn(enum mock_event event, uint64_t cpu);

#define MOCK_HOOK_PAGE 0x10000000ul

static inline int mock_hook(enum mock_event event, uint64_t cpu)
{
	mock_hook_fn *const *hook = (mock_hook_fn *const *)MOCK_HOOK_PAGE;

	return (*hook)(event, cpu);
}

#endif
