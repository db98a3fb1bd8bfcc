/* SPDX-License-Identifier: MIT */
#ifndef PLINTH_SERIAL_UART_H
#define PLINTH_SERIAL_UART_H

#include <plinth/boot.h>

/**
 * uart_init() - program 8N1 with FIFOs, or leave the line alone if @uart->baud is 0.
 * Return: 0, or PLINTH_E_NOTSUP if nothing answers at the port.
 */
PLINTH_MUST_USE int uart_init(const struct plinth_boot_uart *uart);

/** uart_fini() - stop using the port. */
void uart_fini(void);

#endif
