/* SPDX-License-Identifier: MIT */
/*
 * The time stamp counter never runs backwards, not even from one CPU to another: two CPUs
 * take turns reading it, each reading must be above the other's last one. And the kernel's
 * clocks only go forward. tsc_order [ROUNDS]; exit status 1 if time ran backwards.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_ROUNDS 2000

struct shared {
	_Atomic uint64_t last; /* the newest reading */
	_Atomic int turn;
	_Atomic long backwards;
};

static uint64_t now(void)
{
	uint32_t low, high;

	/* The fence keeps the reading behind the load of the other's. */
	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		exit(2);
}

static void take_turns(struct shared *shared, int me, long rounds)
{
	for (long i = 0; i < rounds; i++) {
		uint64_t before, reading;

		while (atomic_load(&shared->turn) != me)
			sched_yield();
		before = atomic_load(&shared->last);
		reading = now();
		if (reading <= before)
			atomic_fetch_add(&shared->backwards, 1);
		atomic_store(&shared->last, reading);
		atomic_store(&shared->turn, !me);
	}
}

static long clock_backwards(long rounds)
{
	struct timespec last = {0}, t;
	long bad = 0;

	for (long i = 0; i < rounds; i++) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		bad += t.tv_sec < last.tv_sec || (t.tv_sec == last.tv_sec && t.tv_nsec < last.tv_nsec);
		last = t;
	}
	return bad;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : DEFAULT_ROUNDS;
	int last_cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_ANONYMOUS;
	struct shared *shared = mmap(NULL, sizeof(*shared), prot, flags, -1, 0);
	long clock_bad;
	pid_t pid;

	if (shared == MAP_FAILED || (pid = fork()) < 0)
		return 2;
	pin(pid ? 0 : last_cpu);
	take_turns(shared, !pid, rounds);
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	clock_bad = clock_backwards(rounds);
	printf("time stamp counter: %ld readings, %ld backwards; clock: %ld backwards\n", 2 * rounds,
	       atomic_load(&shared->backwards), clock_bad);
	return shared->backwards || clock_bad;
}
