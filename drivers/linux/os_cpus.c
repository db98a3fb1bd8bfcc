// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* os.h: which CPUs there are, and what is run on one of them. */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "drivers/common/os.h"

uint32_t os_cpu_count(void)
{
	return nr_cpu_ids;
}

bool os_cpu_is_online(uint32_t cpu)
{
	return cpu < nr_cpu_ids && cpu_online(cpu);
}

struct run {
	int (*fn)(void *arg);
	void *arg;
	int result;
};

static void run_here(void *arg)
{
	struct run *run = arg;

	run->result = run->fn(run->arg);
}

int os_run_on(uint32_t cpu, int (*fn)(void *arg), void *arg)
{
	struct run run = {.fn = fn, .arg = arg};

	/* A set of modules can have many functions to call, one after the other. */
	cond_resched();
	if (!os_cpu_is_online(cpu) || smp_call_function_single(cpu, run_here, &run, 1))
		return PLINTH_E_STATE;
	return run.result;
}
