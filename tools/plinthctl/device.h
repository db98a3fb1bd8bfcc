/* SPDX-License-Identifier: MIT */
/* The driver's device: opening it, calling it, and its reasons for a failure. */
#ifndef PLINTHCTL_DEVICE_H
#define PLINTHCTL_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include <plinth/control.h>

#include "error_line.h"

/* device_open() - the device, or -1 with a message printed. */
int device_open(void);

/* device_call() - one ioctl; 0, or -1 with errno. */
int device_call(int device, unsigned int number, void *arg);

/* device_failed() - print why the last call failed, one line per reason. Returns EXIT_FAILED. */
int device_failed(int device, const char *command);

/* device_status() - 0, or -1 with a message printed. */
int device_status(int device, struct plinth_ctl_status *status);

/*
 * device_list() - everything a list call gives, in memory to be freed.
 * Returns NULL with a message printed; *count is the number of items.
 */
void *device_list(int device, unsigned int number, size_t item_bytes, uint64_t *count);

#endif
