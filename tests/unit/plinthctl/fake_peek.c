/* SPDX-License-Identifier: MIT */
/*
 * Preloaded: /dev/plinth whose PLINTH_CTL_PEEK is played. From address 0x1000 on there is memory whose bytes
 * are their addresses' lowest, up to FAKE_END (0x200000); what is behind it is refused as the driver does.
 * Whatever else is asked for goes to standard error. FAKE_REFUSES: all is refused, in these words.
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

#include <plinth/control.h>

#define SHOWN	 __attribute__((visibility("default")))
#define FAKE_END 0x200000u

static char why[256];

SHOWN int open(const char *path, int flags, ...)
{
	int (*next)(const char *path, int flags, ...) =
		(int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	va_list args;
	int mode;

	if (!strcmp(path, PLINTH_CTL_DEVICE))
		return memfd_create("plinth", MFD_CLOEXEC);
	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	return next(path, flags, mode);
}

static int refuse(int error, const char *format, unsigned long long value)
{
	snprintf(why, sizeof(why), format, value);
	errno = error;
	return -1;
}

static int read_fake(const struct plinth_ctl_peek *arg)
{
	uint8_t *to = (uint8_t *)(uintptr_t)arg->buffer;

	if (!arg->bytes || arg->bytes > PLINTH_PEEK_BYTES || arg->address % 4096 + arg->bytes > 4096)
		return refuse(EINVAL, "a piece of %llu bytes", arg->bytes);
	if (arg->address + arg->bytes > FAKE_END)
		return refuse(EFAULT, "peek: 0x%llx: is not mapped\nand more", arg->address);
	for (uint64_t i = 0; i < arg->bytes; i++)
		to[i] = (uint8_t)(arg->address + i);
	return 0;
}

static int write_fake(const struct plinth_ctl_peek *arg)
{
	const uint8_t *from = (const uint8_t *)(uintptr_t)arg->buffer;

	for (uint64_t i = 0; i < arg->bytes; i++)
		fprintf(stderr, "%02x", from[i]);
	fprintf(stderr, " to 0x%llx\n", (unsigned long long)arg->address);
	return 0;
}

static int registers_fake(const struct plinth_ctl_peek *arg)
{
	uint64_t *to = (uint64_t *)(uintptr_t)arg->buffer;

	if (arg->cpu != 1)
		return refuse(EBADFD, "CPU %llu is not online", arg->cpu);
	for (uint64_t i = 0; i < sizeof(struct plinth_ctl_registers) / sizeof(*to); i++)
		to[i] = i + 1;
	return 0;
}

static int answer_peek(struct plinth_ctl_peek *arg)
{
	if (getenv("FAKE_REFUSES"))
		return refuse(EPERM, getenv("FAKE_REFUSES"), 0);
	if (arg->size != sizeof(*arg) || arg->reserved0 || arg->physical)
		return refuse(EINVAL, "a structure of %llu bytes", arg->size);
	if (arg->space || arg->pid)
		fprintf(stderr, "space %u, process %u\n", arg->space, arg->pid);
	switch (arg->op) {
	case PLINTH_PEEK_READ: return read_fake(arg);
	case PLINTH_PEEK_WRITE: return write_fake(arg);
	case PLINTH_PEEK_LOCATE: arg->physical = arg->address + 0x1000000; return 0;
	default: return registers_fake(arg);
	}
}

static int answer_reasons(struct plinth_ctl_list *list)
{
	list->count = strlen(why);
	snprintf((char *)(uintptr_t)list->items, list->room + 1, "%s", why);
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
	if (number == PLINTH_CTL_PEEK)
		return answer_peek(arg);
	if (number == PLINTH_CTL_ERROR)
		return answer_reasons(arg);
	errno = ENOTTY;
	return -1;
}
