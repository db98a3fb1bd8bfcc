/* SPDX-License-Identifier: MIT */
/*
 * A 16550 behind I/O ports, transmit only. The wait for the transmitter is bounded:
 * after LOST_LIMIT bytes that could not be sent the port is given up, so that a
 * missing or stuck UART costs time once and not with every line.
 */
#include <plinth/error.h>
#include <plinth/intrinsics.h>

#include "internal.h"

/* Register offsets and bits of the 16550 (National Semiconductor data sheet). */
#define UART_DATA	 0 /* divisor low while DLAB is set */
#define UART_INTERRUPTS	 1 /* divisor high while DLAB is set */
#define UART_FIFO	 2
#define UART_LINE	 3
#define UART_MODEM	 4
#define UART_LINE_STATUS 5
#define UART_SCRATCH	 7

#define FIFO_ENABLE_AND_CLEAR 0x07
#define LINE_8N1	      0x03
#define LINE_DLAB	      0x80
#define MODEM_DTR_RTS	      0x03
#define STATUS_THR_EMPTY      0x20

#define UART_CLOCK 115200u /* baud rate at divisor 1 */
#define WAIT_SPINS 100000u /* some 50 ms of port reads on real hardware */
#define LOST_LIMIT 4u

/* Any CPU may give the port up while another one writes: it is read once for each byte. */
static uint16_t uart_base; /* 0: no UART */
static uint32_t uart_lost;

static bool uart_answers(uint16_t base)
{
	static const uint8_t patterns[] = {0x5a, 0xa5};

	for (unsigned int i = 0; i < sizeof(patterns); i++) {
		cpu_out8(base + UART_SCRATCH, patterns[i]);
		if (cpu_in8(base + UART_SCRATCH) != patterns[i])
			return false;
	}
	return true;
}

static void uart_program(uint16_t base, uint32_t baud)
{
	uint32_t divisor = baud > UART_CLOCK ? 1 : UART_CLOCK / baud;

	cpu_out8(base + UART_INTERRUPTS, 0);
	cpu_out8(base + UART_LINE, LINE_DLAB);
	cpu_out8(base + UART_DATA, (uint8_t)divisor);
	cpu_out8(base + UART_INTERRUPTS, (uint8_t)(divisor >> 8));
	cpu_out8(base + UART_LINE, LINE_8N1);
	cpu_out8(base + UART_FIFO, FIFO_ENABLE_AND_CLEAR);
	cpu_out8(base + UART_MODEM, MODEM_DTR_RTS);
}

int uart_init(const struct plinth_boot_uart *uart)
{
	uart_base = 0;
	uart_lost = 0;
	if (!uart->io_base)
		return 0;
	if (!uart_answers(uart->io_base))
		return PLINTH_E_NOTSUP;
	if (uart->baud)
		uart_program(uart->io_base, uart->baud);
	uart_base = uart->io_base;
	return 0;
}

void uart_fini(void)
{
	__atomic_store_n(&uart_base, 0, __ATOMIC_RELAXED);
}

static bool uart_send(uint16_t base, uint8_t byte)
{
	for (uint32_t spins = 0; spins < WAIT_SPINS; spins++) {
		if (cpu_in8(base + UART_LINE_STATUS) & STATUS_THR_EMPTY) {
			cpu_out8(base + UART_DATA, byte);
			return true;
		}
		cpu_pause();
	}
	return false;
}

uint32_t serial_write(const char *bytes, uint32_t count)
{
	for (uint32_t sent = 0; sent < count; sent++) {
		uint16_t base = __atomic_load_n(&uart_base, __ATOMIC_RELAXED);

		if (!base)
			return sent;
		if (uart_send(base, (uint8_t)bytes[sent]))
			continue;
		if (__atomic_add_fetch(&uart_lost, 1, __ATOMIC_RELAXED) >= LOST_LIMIT)
			__atomic_store_n(&uart_base, 0, __ATOMIC_RELAXED);
		return sent;
	}
	return count;
}
