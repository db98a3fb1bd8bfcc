/* SPDX-License-Identifier: MIT */
/*
 * Every call that can fail fails, alone and together with every later one (which then is
 * a call that undoes). After each case the world is as before, or the state is CORRUPT.
 */
#include "sweep.h"

static const uint32_t cpu_counts[] = {1, 2, 4};

#define N_COUNTS (sizeof(cpu_counts) / sizeof(cpu_counts[0]))

static int unload_all(void)
{
	return machine_unload();
}

static int start_then_stop(void)
{
	int err = machine_start();

	return err ? err : machine_stop();
}

static const struct scenario scenarios[] = {
	{"load", NULL, machine_load, unload_all, false},
	{"start", sweep_loaded, machine_start, sweep_stop_unload, false},
	{"stop", sweep_started, machine_stop, unload_all, false},
	{"unload", sweep_loaded, machine_unload, NULL, false},
	{"another start", sweep_warm, machine_start, sweep_stop_unload, false},
	{"another start and stop", sweep_warm, start_then_stop, unload_all, true},
};

#define N_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

Test(faults, single)
{
	for (size_t i = 0; i < N_SCENARIOS; i++)
		for (size_t k = 0; k < N_COUNTS; k++)
			for (uint32_t n = 1; sweep_one(&scenarios[i], &model_kinds[0], cpu_counts[k],
						       (struct sweep_faults){n, 0});
			     n++)
				;
	sweep_report("single faults");
}

/* All second faults after one first fault; false when there is no such first fault. */
static bool pairs_of_faults(const struct scenario *s, uint32_t n_cpus, uint32_t first)
{
	uint32_t hits;

	for (uint32_t second = first + 1;; second++) {
		hits = sweep_one(s, &model_kinds[0], n_cpus, (struct sweep_faults){first, second});
		if (hits < 2)
			return hits;
	}
}

static bool starts(const struct scenario *s)
{
	return s->run == machine_start || s->run == start_then_stop;
}

Test(faults, pairs_load_unload)
{
	for (size_t i = 0; i < N_SCENARIOS; i++)
		for (size_t k = 0; k < N_COUNTS; k++)
			for (uint32_t first = 1;
			     !starts(&scenarios[i]) && pairs_of_faults(&scenarios[i], cpu_counts[k], first);
			     first++)
				;
	sweep_report("pairs of faults: load, stop, unload");
}

Test(faults, pairs_start)
{
	for (size_t k = 0; k < N_COUNTS; k++)
		for (uint32_t first = 1; pairs_of_faults(&scenarios[1], cpu_counts[k], first); first++)
			;
	sweep_report("pairs of faults: start");
}
