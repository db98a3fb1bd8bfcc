/* SPDX-License-Identifier: MIT */
/*
 * Starts and stops the VMM again and again, through one open file, and looks each time
 * whether every CPU is a guest and then none.
 *
 *   cycles COUNT            one after the other
 *   cycles --for SECONDS    one a second, of which the VMM runs half
 *
 * The last line tells how many there were. Exit status 1 if one failed: it is the last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <plinth/control.h>

#define HALF_NS 500000000L
#define TELL	100 /* rounds */

static int device;

static struct timespec now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t;
}

/* Why the last command failed, in the driver's words. */
static int complain(const char *what, long round)
{
	char text[1024] = "";
	struct plinth_ctl_list list = {.size = sizeof(list), .item_bytes = 1, .room = sizeof(text) - 1};
	int error = errno;

	list.items = (uint64_t)(uintptr_t)text;
	ioctl(device, PLINTH_CTL_ERROR, &list);
	fprintf(stderr, "cycles: %s failed in round %ld: %s: %s\n", what, round, strerror(error), text);
	return 1;
}

/* A command, and then there are as many guests as there should be. */
static int command(const char *name, unsigned long number, int everybody, long round)
{
	struct plinth_ctl_plain plain = {.size = sizeof(plain)};
	struct plinth_ctl_status status = {.size = sizeof(status)};

	if (ioctl(device, number, &plain) || ioctl(device, PLINTH_CTL_STATUS, &status))
		return complain(name, round);
	if (status.n_guests == (everybody ? status.n_online : 0))
		return 0;
	fprintf(stderr, "cycles: %u of %u CPUs are guests after %s, round %ld\n", status.n_guests,
		status.n_online, name, round);
	return 1;
}

static void sleep_until(struct timespec *time)
{
	time->tv_nsec += HALF_NS;
	time->tv_sec += time->tv_nsec / (2 * HALF_NS);
	time->tv_nsec %= 2 * HALF_NS;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, time, NULL);
}

/* @next: when to go on; NULL: at once. */
static int cycle(long round, struct timespec *next)
{
	if (command("start", PLINTH_CTL_START, 1, round))
		return 1;
	if (next)
		sleep_until(next);
	if (command("stop", PLINTH_CTL_STOP, 0, round))
		return 1;
	if (next)
		sleep_until(next);
	return 0;
}

int main(int argc, char **argv)
{
	int every_second = argc == 3 && !strcmp(argv[1], "--for");
	long limit = argc > 1 ? atol(argv[argc - 1]) : 0;
	struct timespec begin = now(), next = begin;
	long round = 0;

	if (limit <= 0 || argc != 2 + every_second) {
		fprintf(stderr, "usage: cycles COUNT | cycles --for SECONDS\n");
		return 2;
	}
	device = open(PLINTH_CTL_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0) {
		perror("cycles: " PLINTH_CTL_DEVICE);
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (every_second ? now().tv_sec - begin.tv_sec < limit : round < limit) {
		if (cycle(++round, every_second ? &next : NULL))
			return 1;
		if (round % TELL == 0)
			printf("   %ld starts and stops in %ld s\n", round,
			       (long)(now().tv_sec - begin.tv_sec));
	}
	printf("   %ld starts and stops in %ld s\n", round, (long)(now().tv_sec - begin.tv_sec));
	return 0;
}
