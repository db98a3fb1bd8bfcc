/* SPDX-License-Identifier: MIT */
/* One thread: who waits would wait for ever. */
#ifndef STUB_LINUX_MUTEX_H
#define STUB_LINUX_MUTEX_H

#include <assert.h>
#include <stdbool.h>

struct mutex {
	bool held;
};

#define DEFINE_MUTEX(name) struct mutex name

static inline void mutex_lock(struct mutex *mutex)
{
	assert(!mutex->held);
	mutex->held = true;
}

static inline void mutex_unlock(struct mutex *mutex)
{
	assert(mutex->held);
	mutex->held = false;
}

#endif
