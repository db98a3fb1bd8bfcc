/* SPDX-License-Identifier: MIT */
/* Calls of the driver, each by a device opened for it; what fails is told, with the driver's reasons. */
#ifndef PLINTHCTL_DEVICE_H
#define PLINTHCTL_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include <plinth/control.h>

#include "error_line.h"

/* device_open() - the device, to be closed; or -1 with a message printed. */
int device_open(void);

/*
 * device_call() - one call; @command: what it is for. Returns 0, or -1 with a line for each reason printed.
 */
int device_call(const char *command, unsigned int number, void *arg);

/*
 * device_change() - the same for a call that changes the state, and the state it has led to. The device is
 * opened once, because opening takes memory: when there is none, it fails before anything has changed.
 */
int device_change(const char *command, unsigned int number, void *arg, struct plinth_ctl_status *after);

/*
 * device_try_introspect() - would the driver let a process of this user's introspect? By trying: this one
 * does, for a moment. 0, or -1 with a message printed.
 */
int device_try_introspect(uint32_t flags);

/* device_status() - 0, or -1 with a message printed. */
int device_status(struct plinth_ctl_status *status);

/*
 * device_list() - everything a list call gives, in memory to be freed.
 * Returns NULL with a message printed; *count is the number of items.
 */
void *device_list(unsigned int number, size_t item_bytes, uint64_t *count);

#endif
