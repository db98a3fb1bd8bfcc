/* SPDX-License-Identifier: MIT */
/*
 * Has the module debug_slat make all CPUs drop what they remember of second-level translation, while all
 * others do nothing but spin in user mode, where nothing exits.
 *
 *   flush_all ROUNDS TRIES [hasten]
 *
 * Prints how many rounds were done within so many tries each.
 */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <plinth/debug_slat.h>

#define CPUS_MAX 16

static void pin_to(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		exit(2);
}

static pid_t spin_on(long cpu)
{
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin_to(cpu);
	for (;;)
		__asm__ volatile("pause");
}

/* The module asks for the flush once and then looks, each time as an exit of its own. */
static int flush_once(uint64_t tries, uint64_t hasten)
{
	uint64_t a = DEBUG_SLAT_FLUSH, b = 0, c = hasten, d = tries;

	__asm__ volatile("vmcall" : "+a"(a), "+b"(b), "+c"(c), "+d"(d)::"memory");
	return a == 0;
}

int main(int argc, char **argv)
{
	const long n_cpus = sysconf(_SC_NPROCESSORS_ONLN), rounds = argc > 2 ? atol(argv[1]) : 0;
	const int hasten = argc > 3 && !strcmp(argv[3], "hasten");
	pid_t spinner[CPUS_MAX];
	long done = 0;

	if (!rounds || n_cpus > CPUS_MAX)
		return 2;
	pin_to(0);
	for (long cpu = 1; cpu < n_cpus; cpu++)
		spinner[cpu] = spin_on(cpu);
	sleep(1);
	for (long i = 0; i < rounds; i++)
		done += flush_once(strtoull(argv[2], NULL, 10), hasten);
	for (long cpu = 1; cpu < n_cpus; cpu++) {
		kill(spinner[cpu], SIGKILL);
		waitpid(spinner[cpu], NULL, 0);
	}
	printf("%ld of %ld\n", done, rounds);
	return 0;
}
