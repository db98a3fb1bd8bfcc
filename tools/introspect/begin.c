/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program (LD_PRELOAD) by "plinthctl introspect": before its main() it registers the process
 * with the driver, and maps its window. Whatever the program executes does the same, as it inherits the
 * environment.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <plinth/control.h>

#include "faults.h"
#include "pages.h"
#include "say.h"

/* Why the driver refused, in its own words: the first line. */
static void say_reason(int device)
{
	static char text[1024];
	const char *reason = strerror(errno);
	struct plinth_ctl_list list = {
		.size = sizeof(list),
		.item_bytes = 1,
		.items = (uintptr_t)text,
		.room = sizeof(text) - 1,
	};

	if (ioctl(device, PLINTH_CTL_ERROR, &list) || !text[0])
		say_and_exit(reason);
	text[strcspn(text, "\n")] = '\0';
	say_and_exit(text);
}

static int open_driver(void)
{
	int device = open(PLINTH_CTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (device < 0)
		say_and_exit(errno == ENOENT ? PLINTH_CTL_DEVICE " is not there: load the driver first"
					     : PLINTH_CTL_DEVICE
				     " cannot be opened: introspection is root's");
	return device;
}

static void *map_window(int device)
{
	void *window = mmap(NULL, PLINTH_INTROSPECT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);

	if (window == MAP_FAILED)
		say_and_exit(errno == ENOMEM ? "no 2 MiB of memory in one piece are free"
					     : PLINTH_CTL_DEVICE
				     " cannot be mapped: the driver is an older one");
	return window;
}

/* The mapping keeps the file open. */
static __attribute__((constructor)) void begin_introspection(void)
{
	const char *how = getenv("PLINTH_INTROSPECT");
	const bool may_write = how && !strcmp(how, "write");
	struct plinth_ctl_introspect arg = {
		.size = sizeof(arg),
		.flags = may_write ? PLINTH_INTROSPECT_WRITE : 0,
	};
	int device = open_driver();
	void *window = map_window(device);

	if (ioctl(device, PLINTH_CTL_INTROSPECT, &arg))
		say_reason(device);
	close(device);
	pages_begin(window);
	pthread_atfork(NULL, NULL, pages_lose);
	faults_begin(may_write);
}
