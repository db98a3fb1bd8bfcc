/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tsc.h"

#include <time.h>
#include <x86intrin.h>

#define MEASURE_NS 30000000

double clock_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double tsc_hz(void)
{
	static double hz;
	const struct timespec wait = {.tv_nsec = MEASURE_NS};
	uint64_t ticks;
	double start;

	if (hz > 0)
		return hz;
	start = clock_seconds();
	ticks = __rdtsc();
	nanosleep(&wait, NULL);
	hz = (double)(__rdtsc() - ticks) / (clock_seconds() - start);
	return hz;
}

uint64_t tsc_before(double seconds)
{
	double ticks = seconds * tsc_hz();
	uint64_t tsc = __rdtsc();

	return ticks < (double)tsc ? tsc - (uint64_t)ticks : 0;
}
