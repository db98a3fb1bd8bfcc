/* SPDX-License-Identifier: MIT */
/*
 * Work that means something to an operating system, with results that do not
 * depend on speed or chance: run it natively and under the VMM, compare.
 *
 *   workload            everything, one line of result each
 *   workload --child N  (internal) exit with a status made from N
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN     40
#define CHECKSUM_MIB 2
#define TIMER_TICKS  20
#define TIMER_USEC   5000
#define SIGNALS	     200
#define PING_PONGS   500

/* Ends the program: a result that cannot be had is a failure. */
static void need(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pin(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	need(!sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

static long cpu_count(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* Waits for that child, -1 for any; returns its exit status, or 1000 if it was killed. */
static int reap(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) > 0, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static int child_status(int n)
{
	return (n * 7 + 3) % 251;
}

static void fork_exec(void)
{
	int sum = 0;

	for (int n = 0; n < CHILDREN; n++) {
		pid_t pid = fork();

		need(pid >= 0, "fork");
		if (pid == 0) {
			char number[16];

			snprintf(number, sizeof(number), "%d", n);
			execl("/proc/self/exe", "workload", "--child", number, (char *)NULL);
			_exit(255);
		}
	}
	for (int n = 0; n < CHILDREN; n++)
		sum += reap(-1);
	printf("fork-exec: %d children, sum of statuses %d\n", CHILDREN, sum);
}

/* FNV-1a over pseudo-random bytes (xorshift), both well-known and tiny. */
static uint64_t checksum(uint64_t seed)
{
	size_t words = (size_t)CHECKSUM_MIB << 17;
	uint64_t *data = malloc(words * sizeof(*data));
	uint64_t hash = 0xcbf29ce484222325ull;

	need(data != NULL, "malloc");
	for (size_t i = 0; i < words; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		data[i] = seed;
	}
	for (size_t i = 0; i < words; i++)
		hash = (hash ^ data[i]) * 0x100000001b3ull;
	free(data);
	return hash;
}

static void checksums(void)
{
	long cpus = cpu_count();
	uint64_t *sums = mmap(NULL, (size_t)cpus * sizeof(*sums), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need(sums != MAP_FAILED, "mmap");
	for (long cpu = 0; cpu < cpus; cpu++) {
		pid_t pid = fork();

		need(pid >= 0, "fork");
		if (pid == 0) {
			pin(cpu);
			sums[cpu] = checksum((uint64_t)cpu + 1);
			_exit(0);
		}
	}
	for (long cpu = 0; cpu < cpus; cpu++)
		need(reap(-1) == 0, "checksum child");
	for (long cpu = 0; cpu < cpus; cpu++)
		printf("checksum: cpu %ld, %d MiB, %016llx\n", cpu, CHECKSUM_MIB,
		       (unsigned long long)sums[cpu]);
	munmap(sums, (size_t)cpus * sizeof(*sums));
}

static volatile sig_atomic_t ticks;

static void on_tick(int number)
{
	(void)number;
	ticks = ticks + 1;
}

/* An interval timer must go off again and again while the CPU computes. */
static void timers(void)
{
	struct itimerval every = {{0, TIMER_USEC}, {0, TIMER_USEC}};
	struct itimerval off = {{0, 0}, {0, 0}};
	struct timespec before, after;
	long long usec;

	ticks = 0;
	signal(SIGALRM, on_tick);
	clock_gettime(CLOCK_MONOTONIC, &before);
	need(!setitimer(ITIMER_REAL, &every, NULL), "setitimer");
	while (ticks < TIMER_TICKS)
		;
	need(!setitimer(ITIMER_REAL, &off, NULL), "setitimer");
	clock_gettime(CLOCK_MONOTONIC, &after);
	usec = (after.tv_sec - before.tv_sec) * 1000000LL + (after.tv_nsec - before.tv_nsec) / 1000;
	printf("timers: %d ticks, %s\n", TIMER_TICKS,
	       usec < (long long)(TIMER_TICKS - 1) * TIMER_USEC ? "too early" : "in time");
}

/* Parent and child send each other a signal in turn. */
static void signals(void)
{
	sigset_t set;
	pid_t pid;
	int received = 0;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	need(!sigprocmask(SIG_BLOCK, &set, NULL), "sigprocmask");
	pid = fork();
	need(pid >= 0, "fork");
	if (pid == 0) {
		for (int i = 0; i < SIGNALS; i++)
			if (sigwait(&set, &number) || kill(getppid(), SIGUSR1))
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < SIGNALS; i++) {
		need(!kill(pid, SIGUSR1), "kill");
		need(!sigwait(&set, &number), "sigwait");
		received++;
	}
	need(reap(pid) == 0, "signal child");
	printf("signals: %d there, %d back\n", SIGNALS, received);
}

/* The first CPU sends a number, the last one answers: wake-ups across CPUs. */
static void ping_pong(void)
{
	int there[2], back[2];
	uint32_t value = 1;
	pid_t pid;

	need(!pipe(there) && !pipe(back), "pipe");
	pid = fork();
	need(pid >= 0, "fork");
	if (pid == 0) {
		pin(cpu_count() - 1);
		for (int i = 0; i < PING_PONGS; i++) {
			if (read(there[0], &value, sizeof(value)) != sizeof(value))
				_exit(1);
			value = value * 1664525u + 1013904223u;
			if (write(back[1], &value, sizeof(value)) != sizeof(value))
				_exit(1);
		}
		_exit(0);
	}
	pin(0);
	for (int i = 0; i < PING_PONGS; i++) {
		need(write(there[1], &value, sizeof(value)) == sizeof(value), "write");
		need(read(back[0], &value, sizeof(value)) == sizeof(value), "read");
	}
	need(reap(pid) == 0, "ping-pong child");
	printf("ping-pong: %d rounds, %08x\n", PING_PONGS, value);
}

int main(int argc, char **argv)
{
	static void (*const parts[])(void) = {fork_exec, checksums, timers, signals, ping_pong};

	if (argc == 3 && !strcmp(argv[1], "--child"))
		return child_status(atoi(argv[2]));
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		parts[i]();
	return 0;
}
