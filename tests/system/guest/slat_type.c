/* SPDX-License-Identifier: MIT */
/*
 * Asks the module debug_slat on each CPU for the memory types of some addresses, and prints them: a line a
 * CPU, a word an address; "-" is not mapped.
 *
 *   slat_type ADDRESS... (hexadecimal)
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <plinth/debug_slat.h>

static void print_type(const char *address)
{
	uint64_t a = DEBUG_SLAT_HYPERCALL, c = strtoull(address, NULL, 16), d = 0;

	__asm__ volatile("vmcall" : "+a"(a), "+c"(c), "+d"(d)::"memory");
	if (a)
		printf(" -");
	else
		printf(" %u", (unsigned int)c);
}

int main(int argc, char **argv)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (int cpu = 0; cpu < n_cpus; cpu++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			return 1;
		printf("cpu %d:", cpu);
		for (int i = 1; i < argc; i++)
			print_type(argv[i]);
		putchar('\n');
	}
	return 0;
}
