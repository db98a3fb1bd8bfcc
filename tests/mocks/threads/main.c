/* SPDX-License-Identifier: MIT */
/*
 * test_mocks_threads [--scenario NAME] [--seed N | --seeds COUNT] [--go-on]: every scenario with so many
 * schedules. What fails names its seed, and --seed repeats that schedule alone. A scenario ends with its
 * first failure, but for --go-on.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"

static unsigned int races;
static bool go_on;
static unsigned long cases;

/* The sanitizer has written a report. */
void __tsan_on_report(void *report);

void __tsan_on_report(void *report)
{
	(void)report;
	races++;
}

/* True: no schedule was wrong. */
static bool run_scenarios(unsigned int number, const struct scenario *s, uint64_t first, uint64_t end)
{
	uint64_t points = 0;
	unsigned int failed = 0;

	races = 0;
	cpus_forget();
	for (uint64_t seed = first; seed < end; seed++) {
		points += cpus_case(s, seed);
		cases++;
		if (!races && !cpus_complaints())
			continue;
		printf("not ok %u - %s: %u races, %u complaints: repeat with --scenario '%s' --seed %llu\n",
		       number, s->name, races, cpus_complaints(), s->name, (unsigned long long)seed);
		if (!go_on)
			return false;
		failed += races + cpus_complaints();
		races = 0;
		cpus_forget();
	}
	if (failed)
		return false;
	printf("ok %u - %s: %llu schedules, %llu points\n", number, s->name,
	       (unsigned long long)(end - first), (unsigned long long)points);
	return true;
}

/* Where the sweeps tell how many combinations they tried. */
static void report_cases(void)
{
	const char *path = getenv("PLINTH_SWEEPS");
	FILE *file = path ? fopen(path, "a") : stdout;

	if (!file)
		return;
	fprintf(file, "%ssweep schedules of CPUs that are in the VMM at once: %lu combinations\n",
		path ? "" : "# ", cases);
	if (path)
		fclose(file);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"scenario", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'c'},
		{"go-on", no_argument, NULL, 'g'},
		{0},
	};
	const char *only = NULL;
	uint64_t first = 1, end = 0; /* 0: as many as the scenario has */
	bool ok = true;
	int option;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'n': only = optarg; break;
		case 's':
			first = strtoull(optarg, NULL, 0);
			end = first + 1;
			break;
		case 'c': end = first + strtoull(optarg, NULL, 0); break;
		case 'g': go_on = true; break;
		default: return 2;
		}
	}
	printf("1..%u\n", n_scenarios);
	for (unsigned int i = 0; i < n_scenarios; i++)
		if (!only || !strcmp(only, scenarios[i].name))
			ok = run_scenarios(i + 1, &scenarios[i], first,
					   end ? end : first + scenarios[i].seeds) &&
			     ok;
	report_cases();
	return !ok;
}
