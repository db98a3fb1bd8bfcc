// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * os.h: two locks in this order, and the callbacks of hot-plug, which run with the second one held for
 * writing, never take the first: who has it may be at something that takes long, and the whole system would
 * wait with them.
 */
#include <linux/cpu.h>
#include <linux/mutex.h>

#include "drivers/common/os.h"
#include "drivers/linux/linux.h"

static DEFINE_MUTEX(command_mutex);

void os_lock(void)
{
	mutex_lock(&command_mutex);
}

void os_unlock(void)
{
	mutex_unlock(&command_mutex);
}

bool linux_wait_for_turn(void)
{
	if (mutex_lock_killable(&command_mutex))
		return false;
	mutex_unlock(&command_mutex);
	return true;
}

void os_cpus_lock(void)
{
	cpus_read_lock();
}

void os_cpus_unlock(void)
{
	cpus_read_unlock();
}
