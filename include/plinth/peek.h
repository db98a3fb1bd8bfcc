/* SPDX-License-Identifier: MIT */
/*
 * For programs: memory of processes, of the kernel and of the machine, and the registers of CPUs, by a VMM
 * that runs with the extension `introspection`. Provided by libplinth-peek.a (-lplinth-peek), on the ioctl
 * PLINTH_CTL_PEEK (plinth/control.h), which says what is seen, what is not, and what errno means. Wants
 * CAP_SYS_ADMIN, CAP_SYS_RAWIO and a kernel that is not locked down.
 *
 * All return 0, or -1 with errno, and the reason in words by plinth_peek_reason(). Nothing is kept between
 * two calls but the open file: threads may have one each.
 */
#ifndef PLINTH_PEEK_H
#define PLINTH_PEEK_H

#include <stddef.h>
#include <stdint.h>

#include <plinth/control.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whose addresses are meant. */
struct plinth_target {
	enum plinth_space space;
	uint32_t pid; /* of PLINTH_SPACE_PROCESS, else 0 */
};

/** plinth_peek_open() - the device. Return: a descriptor, or -1 with errno. Undo: close(). */
int plinth_peek_open(void);

/**
 * plinth_peek() - read memory as it is now.
 * @device: of plinth_peek_open()
 * @to:     @bytes of room
 *
 * In pieces, none of which goes over the end of a page: if it fails, what lies before the address that the
 * reason names has been read. Others may write meanwhile.
 */
int plinth_peek(int device, const struct plinth_target *target, uint64_t address, void *to, size_t bytes);

/**
 * plinth_poke() - write memory, all of it or nothing.
 * @bytes: 1 to PLINTH_PEEK_BYTES
 *
 * What lies there is changed for everybody who has this page. errno also: EMSGSIZE: too many bytes.
 */
int plinth_poke(int device, const struct plinth_target *target, uint64_t address, const void *from,
		size_t bytes);

/** plinth_locate() - the physical address, of the kernel's or a process's; untouched on failure. */
int plinth_locate(int device, const struct plinth_target *target, uint64_t address, uint64_t *physical);

/** plinth_registers() - of a CPU, by the operating system's number of it. */
int plinth_registers(int device, uint32_t cpu, struct plinth_ctl_registers *to);

/**
 * plinth_peek_reason() - why the last of these calls on this device failed: a line, without its end.
 * @text: @room bytes, at least one; gets a NUL
 */
void plinth_peek_reason(int device, char *text, size_t room);

#ifdef __cplusplus
}
#endif

#endif
