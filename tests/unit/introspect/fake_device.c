/* SPDX-License-Identifier: MIT */
/*
 * Preloaded: /dev/plinth is a file of memory, and its ioctl() are answered here. FAKE_REFUSES: introspection
 * is refused, in these words; FAKE_MISSING: there is no device.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <plinth/control.h>

#define SHOWN __attribute__((visibility("default")))

static int device;

SHOWN void fake_stop(void);

/* As a driver whose VMM was stopped: what is mapped is there no more. */
SHOWN void fake_stop(void)
{
	if (ftruncate(device, 0))
		abort();
}

static int fake(void)
{
	if (getenv("FAKE_MISSING")) {
		errno = ENOENT;
		return -1;
	}
	device = memfd_create("plinth", MFD_CLOEXEC);
	return device < 0 || ftruncate(device, PLINTH_INTROSPECT_BYTES) ? -1 : dup(device);
}

SHOWN int open(const char *path, int flags, ...)
{
	int (*next)(const char *path, int flags, ...) =
		(int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	va_list args;
	int mode;

	if (!strcmp(path, PLINTH_CTL_DEVICE))
		return fake();
	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	return next(path, flags, mode);
}

static int answer_reasons(struct plinth_ctl_list *list)
{
	const char *why = getenv("FAKE_REFUSES");

	list->count = why ? (uint64_t)snprintf((char *)(uintptr_t)list->items, list->room, "%s\n", why) : 0;
	return 0;
}

/* Which flags came is told, where both programs have the same standard error. */
static int answer_introspect(const struct plinth_ctl_introspect *arg)
{
	if (getenv("FAKE_REFUSES")) {
		errno = EPERM;
		return -1;
	}
	fprintf(stderr, "registered, flags %u\n", arg->flags);
	return 0;
}

SHOWN int ioctl(int file, unsigned long number, ...)
{
	va_list args;
	void *arg;

	(void)file;
	va_start(args, number);
	arg = va_arg(args, void *);
	va_end(args);
	if (number == PLINTH_CTL_INTROSPECT)
		return answer_introspect(arg);
	if (number == PLINTH_CTL_ERROR)
		return answer_reasons(arg);
	errno = ENOTTY;
	return -1;
}
