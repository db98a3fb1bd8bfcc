/* SPDX-License-Identifier: MIT */
/* plinth/peek.h: ioctls, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <plinth/peek.h>

#define PAGE 4096u

int plinth_peek_open(void)
{
	return open(PLINTH_CTL_DEVICE, O_RDWR | O_CLOEXEC);
}

static struct plinth_ctl_peek about(enum plinth_peek_op op, const struct plinth_target *target,
				    uint64_t address)
{
	return (struct plinth_ctl_peek){.size = sizeof(struct plinth_ctl_peek),
					.op = op,
					.space = target->space,
					.pid = target->pid,
					.address = address};
}

/* Up to the end of the page at the most, so that a reason is about one page. */
static size_t piece_at(uint64_t address, size_t left)
{
	const size_t room = PAGE - address % PAGE, most = room < PLINTH_PEEK_BYTES ? room : PLINTH_PEEK_BYTES;

	return left < most ? left : most;
}

int plinth_peek(int device, const struct plinth_target *target, uint64_t address, void *to, size_t bytes)
{
	uint8_t *at = to;

	while (bytes) {
		struct plinth_ctl_peek arg = about(PLINTH_PEEK_READ, target, address);

		arg.buffer = (uintptr_t)at;
		arg.bytes = piece_at(address, bytes);
		if (ioctl(device, PLINTH_CTL_PEEK, &arg))
			return -1;
		at += arg.bytes;
		address += arg.bytes;
		bytes -= arg.bytes;
	}
	return 0;
}

int plinth_poke(int device, const struct plinth_target *target, uint64_t address, const void *from,
		size_t bytes)
{
	struct plinth_ctl_peek arg = about(PLINTH_PEEK_WRITE, target, address);

	if (bytes > PLINTH_PEEK_BYTES) {
		errno = EMSGSIZE;
		return -1;
	}
	arg.buffer = (uintptr_t)from;
	arg.bytes = bytes;
	return ioctl(device, PLINTH_CTL_PEEK, &arg) ? -1 : 0;
}

int plinth_locate(int device, const struct plinth_target *target, uint64_t address, uint64_t *physical)
{
	struct plinth_ctl_peek arg = about(PLINTH_PEEK_LOCATE, target, address);

	if (ioctl(device, PLINTH_CTL_PEEK, &arg))
		return -1;
	*physical = arg.physical;
	return 0;
}

int plinth_registers(int device, uint32_t cpu, struct plinth_ctl_registers *to)
{
	struct plinth_ctl_peek arg = {
		.size = sizeof(arg), .op = PLINTH_PEEK_REGISTERS, .buffer = (uintptr_t)to, .cpu = cpu};

	return ioctl(device, PLINTH_CTL_PEEK, &arg) ? -1 : 0;
}

/* The driver's first line; or what errno says, where it has none. */
void plinth_peek_reason(int device, char *text, size_t room)
{
	struct plinth_ctl_list list = {
		.size = sizeof(list), .item_bytes = 1, .items = (uintptr_t)text, .room = room - 1};
	const int error = errno;

	if (ioctl(device, PLINTH_CTL_ERROR, &list) || !list.count) {
		strncpy(text, strerror(error), room - 1);
		text[room - 1] = '\0';
	} else {
		text[list.count < list.room ? list.count : list.room] = '\0';
		text[strcspn(text, "\n")] = '\0';
	}
	errno = error;
}
