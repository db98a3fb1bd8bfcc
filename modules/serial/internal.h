/* SPDX-License-Identifier: MIT */
/* What the files of serial share. */
#ifndef PLINTH_SERIAL_INTERNAL_H
#define PLINTH_SERIAL_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/boot.h>
#include <plinth/serial.h>

/**
 * uart_init() - program 8N1 with FIFOs, or leave the line alone if @uart->baud is 0.
 * Return: 0, or PLINTH_E_NOTSUP if nothing answers at the port.
 */
PLINTH_MUST_USE int uart_init(const struct plinth_boot_uart *uart);

/** uart_fini() - stop using the port. */
void uart_fini(void);

/**
 * rate_limit_admits() - may this CPU write one more line? An error always; what may not is counted.
 * @ring: the CPU's own
 */
bool rate_limit_admits(struct plinth_shared_cpu *ring, enum plinth_log_level level);

/** rate_limit_missing() - the lines that were only counted since this was asked last. */
uint64_t rate_limit_missing(struct plinth_shared_cpu *ring);

#endif
