/* SPDX-License-Identifier: MIT */
/*
 * Ticks per CPUID, seen from user space: exitbench [CPUID INSTRUCTIONS]
 *
 * Times a loop with CPUID and the same loop without it; the smallest of
 * several rounds is free of interrupts. In Bochs a tick is an instruction:
 * 1.00 means no VM exit, more is the length of the exit path.
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <x86intrin.h>

#define ROUNDS	      8
#define DEFAULT_COUNT 500

static uint64_t now(void)
{
	_mm_lfence();
	return __rdtsc();
}

static uint64_t time_empty(long count)
{
	uint64_t start = now();

	for (long i = count; i; i--)
		__asm__ volatile("xorl %%eax, %%eax\n\txorl %%ecx, %%ecx" ::: "rax", "rbx", "rcx", "rdx");
	return now() - start;
}

static uint64_t time_cpuid(long count)
{
	uint64_t start = now();

	for (long i = count; i; i--)
		__asm__ volatile("xorl %%eax, %%eax\n\txorl %%ecx, %%ecx\n\tcpuid" ::
					 : "rax", "rbx", "rcx", "rdx");
	return now() - start;
}

static uint64_t smallest(uint64_t (*measure)(long), long count)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t ticks = measure(count);

		if (ticks < best)
			best = ticks;
	}
	return best;
}

static int bench_cpu(int cpu, long count)
{
	uint64_t empty, with;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		fprintf(stderr, "exitbench: cannot run on CPU %d\n", cpu);
		return 1;
	}
	empty = smallest(time_empty, count);
	with = smallest(time_cpuid, count);
	printf("cpu %d: %.2f ticks per CPUID\n", cpu, (double)(with - empty) / (double)count);
	return 0;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : DEFAULT_COUNT;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (count <= 0) {
		fprintf(stderr, "usage: exitbench [CPUID INSTRUCTIONS]\n");
		return 2;
	}
	for (int cpu = 0; cpu < cpus; cpu++)
		if (bench_cpu(cpu, count))
			return 1;
	return 0;
}
