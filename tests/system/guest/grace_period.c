/* SPDX-License-Identifier: MIT */
/*
 * How long a grace period of RCU takes, in hundredths of a second: what the kernel waits for before it
 * forgets somebody who was called. The system call waits for one (kernel/sched/membarrier.c), where there are
 * two CPUs.
 */
#include <linux/membarrier.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 100 + (double)t.tv_nsec / 1e7;
}

int main(void)
{
	double begin = now();

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0)) {
		perror("membarrier");
		return 1;
	}
	printf("%.0f\n", now() - begin);
	return 0;
}
