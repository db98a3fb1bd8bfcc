// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * drivers/common/os.h for Linux, with exported symbols only: what takes a line or two. The rest is in os_*.c,
 * and in virt.c who else wants the CPUs.
 */
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "drivers/common/os.h"

bool os_relax(void)
{
	cond_resched();
	return !fatal_signal_pending(current);
}

void os_log(enum os_log_level level, const char *line)
{
	static const char *const prefix[] = {KERN_ERR, KERN_WARNING, KERN_INFO};

	printk("%splinth: %s\n", prefix[level], line);
}

uint64_t os_random(void)
{
	return get_random_u64();
}

uint64_t os_ticks(void)
{
	return rdtsc_ordered();
}
