/* SPDX-License-Identifier: MIT */
/*
 * The serial module: a 16550 UART with a bounded wait, and the log (log.h).
 */
#ifndef PLINTH_SERIAL_H
#define PLINTH_SERIAL_H

#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/error.h>
#include <plinth/log.h>
#include <plinth/shared.h>

/**
 * log_init() - attach the log to its rings and to the UART, if boot names one.
 * @boot: the launch ABI
 *
 * Context: boot stack, before anything logs.
 * Return:  0 or PLINTH_E_INVAL (the shared region is not one). A UART that does not
 *          answer is not an error: the rings go on and a warning says so.
 */
PLINTH_EXPORT PLINTH_MUST_USE int log_init(const struct plinth_boot *boot);

/** log_fini() - detach; later lines are dropped. */
PLINTH_EXPORT void log_fini(void);

/**
 * log_tuning() - what may be changed while the VMM runs, for other modules that heed it.
 *
 * Context: any; the page may change between two reads, to anything: read each member once.
 * Return:  valid from log_init() to log_fini(), NULL outside.
 */
PLINTH_EXPORT const struct plinth_tuning *log_tuning(void);

/**
 * serial_write() - send bytes, each after a bounded wait for the transmitter.
 *
 * Context: any. Return: the number of bytes sent; fewer when the UART stopped answering.
 */
PLINTH_EXPORT uint32_t serial_write(const char *bytes, uint32_t count);

#endif
