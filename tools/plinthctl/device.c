/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "lockdown.h"

/* Why there is no device: nobody loaded the driver, perhaps because the kernel would not take it. */
static void say_missing(void)
{
	const char *reason = lockdown_reason();

	if (reason)
		error_line("%s is not there: load the driver first (modprobe plinth); this kernel takes "
			   "signed modules only (%s): \"SECURE BOOT\" in plinth(7) says how to sign it",
			   PLINTH_CTL_DEVICE, reason);
	else
		error_line("%s is not there: load the driver first (modprobe plinth, or insmod plinth.ko)",
			   PLINTH_CTL_DEVICE);
}

int device_open(void)
{
	int device = open(PLINTH_CTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (device >= 0)
		return device;
	if (errno == ENOENT || errno == ENXIO)
		say_missing();
	else if (errno == EPERM || errno == EACCES)
		error_line("%s: permission denied: this needs root (CAP_SYS_ADMIN); check, link and modules "
			   "FILE... do not",
			   PLINTH_CTL_DEVICE);
	else
		error_line("%s: %s", PLINTH_CTL_DEVICE, strerror(errno));
	return -1;
}

/* Why the call that failed last did, a line for each reason. */
static void print_reasons(int device, const char *command)
{
	static char text[16384];
	struct plinth_ctl_list list = {
		.size = sizeof(list),
		.item_bytes = 1,
		.items = (uintptr_t)text,
		.room = sizeof(text) - 1,
	};
	int reason = errno;
	char *rest = text, *line;

	if (ioctl(device, PLINTH_CTL_ERROR, &list) || !list.count) {
		error_line("%s: %s", command, strerror(reason));
		return;
	}
	text[list.count < list.room ? list.count : list.room] = '\0';
	while ((line = strsep(&rest, "\n")) && *line)
		error_line("%s", line);
}

static int call_on(int device, const char *command, unsigned int number, void *arg)
{
	int err = ioctl(device, number, arg);

	if (err)
		print_reasons(device, command);
	return err;
}

int device_call(const char *command, unsigned int number, void *arg)
{
	int device = device_open(), err;

	if (device < 0)
		return -1;
	err = call_on(device, command, number, arg);
	close(device);
	return err;
}

int device_change(const char *command, unsigned int number, void *arg, struct plinth_ctl_status *after)
{
	int device = device_open(), err;

	if (device < 0)
		return -1;
	*after = (struct plinth_ctl_status){.size = sizeof(*after)};
	err = call_on(device, command, number, arg);
	if (!err)
		err = call_on(device, "status", PLINTH_CTL_STATUS, after);
	close(device);
	return err;
}

/* As the program does it (tools/introspect); closing the device ends it. */
static int introspect_on(int device, uint32_t flags)
{
	struct plinth_ctl_introspect arg = {.size = sizeof(arg), .flags = flags};
	void *window = mmap(NULL, PLINTH_INTROSPECT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	int err;

	if (window == MAP_FAILED) {
		error_line("introspect: %s: %s", PLINTH_CTL_DEVICE,
			   errno == ENOMEM ? "no 2 MiB of memory in one piece are free: try again"
					   : strerror(errno));
		return -1;
	}
	err = call_on(device, "introspect", PLINTH_CTL_INTROSPECT, &arg);
	munmap(window, PLINTH_INTROSPECT_BYTES);
	return err;
}

int device_try_introspect(uint32_t flags)
{
	int device = device_open(), err;

	if (device < 0)
		return -1;
	err = introspect_on(device, flags);
	close(device);
	return err;
}

int device_status(struct plinth_ctl_status *status)
{
	*status = (struct plinth_ctl_status){.size = sizeof(*status)};
	return device_call("status", PLINTH_CTL_STATUS, status);
}

void *device_list(unsigned int number, size_t item_bytes, uint64_t *count)
{
	struct plinth_ctl_list list = {.size = sizeof(list), .item_bytes = (uint32_t)item_bytes};
	void *items = NULL;

	/* Ask how much there is, then get it; more may have come in between. */
	do {
		list.room = list.count;
		items = realloc(items, list.room * item_bytes + 1);
		list.items = (uintptr_t)items;
		if (!items)
			error_line("out of memory");
		if (!items || device_call("list", number, &list)) {
			free(items);
			return NULL;
		}
	} while (list.count > list.room);
	*count = list.count;
	return items;
}
