/* SPDX-License-Identifier: MIT */
/*
 * The UART against a 16550 of the test's own: how it is programmed, and how long a stuck one is waited for.
 */
#include <criterion/criterion.h>
#include <string.h>

#include <plinth/error.h>
#include <plinth/intrinsics.h>
#include <plinth/serial.h>

#include "modules/serial/internal.h"

#define PORT	   0x3f8
#define DLAB	   0x80u
#define THR_EMPTY  0x20u
#define SPINS	   100000u /* as in modules/serial/uart.c */
#define LOST_LIMIT 4u

static struct {
	uint16_t base; /* 0: nothing there */
	uint8_t regs[8], divisor[2];
	uint8_t fifo_control;
	bool scratch_stuck;
	uint64_t busy_for; /* looks at the line status until it is ready; ~0: never */
	uint64_t looks, pauses;
	uint64_t given_up_at; /* look at which another CPU gives the port up; 0: none */
	uint32_t strays;      /* accesses to ports that are not the chip's */
	char sent[64];
	uint32_t n_sent;
} chip;

uint8_t cpu_in8(uint16_t port)
{
	uint32_t reg = port - chip.base;

	chip.strays += reg > 7;
	if (!chip.base || reg > 7)
		return 0xff;
	if (reg == 5 && chip.looks + 1 == chip.given_up_at)
		uart_fini();
	if (reg == 5)
		return chip.looks++ >= chip.busy_for && chip.busy_for != ~0ull ? THR_EMPTY : 0;
	return chip.regs[reg];
}

void cpu_out8(uint16_t port, uint8_t value)
{
	uint32_t reg = port - chip.base;

	chip.strays += reg > 7;
	if (!chip.base || reg > 7 || (reg == 7 && chip.scratch_stuck))
		return;
	if (reg < 2 && chip.regs[3] & DLAB)
		chip.divisor[reg] = value;
	else if (reg == 0)
		chip.sent[chip.n_sent++ % sizeof(chip.sent)] = (char)value;
	else if (reg == 2)
		chip.fifo_control = value;
	else
		chip.regs[reg] = value;
}

void cpu_pause(void)
{
	chip.pauses++;
}

static void fresh(void)
{
	memset(&chip, 0, sizeof(chip));
	chip.base = PORT;
	chip.regs[1] = 0x0f;
	chip.regs[3] = 0x1b;
}

static int up(uint32_t baud)
{
	const struct plinth_boot_uart uart = {.io_base = PORT, .baud = baud};

	return uart_init(&uart);
}

Test(serial_uart, programmed_as_asked, .init = fresh)
{
	static const struct {
		uint32_t baud;
		uint16_t divisor;
	} cases[] = {{115200, 1}, {57600, 2}, {9600, 12}, {50, 2304}, {300, 384}, {4000000, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fresh();
		cr_assert_eq(up(cases[i].baud), 0);
		cr_expect_eq(chip.divisor[0] | chip.divisor[1] << 8, cases[i].divisor, "%u baud",
			     cases[i].baud);
		cr_expect_eq(chip.regs[3], 0x03, "8N1, and the divisor is not addressed any more");
		cr_expect_eq(chip.regs[1], 0, "nobody handles its interrupts");
		cr_expect_eq(chip.fifo_control & 1, 1);
		cr_expect_eq(chip.regs[4] & 3, 3, "DTR and RTS");
	}
}

Test(serial_uart, left_alone_as_asked, .init = fresh)
{
	cr_assert_eq(up(0), 0);
	cr_expect_eq(chip.regs[3], 0x1b);
	cr_expect_eq(chip.regs[1], 0x0f);
	cr_expect_eq(serial_write("ok", 2), 2);
	cr_expect_arr_eq(chip.sent, "ok", 2);
}

Test(serial_uart, nothing_there, .init = fresh)
{
	const struct plinth_boot_uart none = {0};

	cr_expect_eq(uart_init(&none), 0, "nobody asked for one");
	cr_expect_eq(serial_write("lost", 4), 0);
	chip.base = 0;
	cr_expect_eq(up(115200), PLINTH_E_NOTSUP);
	cr_expect_eq(serial_write("lost", 4), 0);
}

/* A port that reads as what was last on the bus: right once, but not twice. */
Test(serial_uart, a_register_that_does_not_keep_its_value, .init = fresh)
{
	chip.scratch_stuck = true;
	chip.regs[7] = 0x5a;
	cr_expect_eq(up(115200), PLINTH_E_NOTSUP);
	cr_expect_eq(serial_write("lost", 4), 0);
}

Test(serial_uart, bytes_in_order, .init = fresh)
{
	chip.busy_for = 3;
	cr_assert_eq(up(115200), 0);
	cr_expect_eq(serial_write("plinth", 6), 6);
	cr_expect_eq(chip.n_sent, 6);
	cr_expect_arr_eq(chip.sent, "plinth", 6);
	cr_expect_eq(chip.pauses, 3);
	uart_fini();
	cr_expect_eq(serial_write("after", 5), 0);
	cr_expect_eq(chip.n_sent, 6);
}

/* Whatever another CPU does meanwhile, no port but the UART's own is touched. */
Test(serial_uart, the_port_is_given_up_meanwhile)
{
	for (uint64_t look = 1; look <= 8; look++) {
		fresh();
		chip.busy_for = 2;
		cr_assert_eq(up(115200), 0);
		chip.given_up_at = look;
		(void)!serial_write("plinth", 6);
		cr_expect_eq(chip.strays, 0, "given up at look %lu", look);
		cr_expect_eq(serial_write("x", 1), 0, "look %lu", look);
	}
}

/* A wait has an end, and after a few of them the port is given up. */
Test(serial_uart, a_transmitter_that_is_never_ready, .init = fresh)
{
	chip.busy_for = ~0ull;
	cr_assert_eq(up(115200), 0);
	for (unsigned int i = 1; i <= LOST_LIMIT; i++) {
		cr_expect_eq(serial_write("x", 1), 0);
		cr_expect_eq(chip.looks, (uint64_t)i * SPINS);
	}
	cr_expect_eq(serial_write("x", 1), 0);
	cr_expect_eq(chip.looks, (uint64_t)LOST_LIMIT * SPINS, "it costs no time any more");
	chip.busy_for = 0;
	cr_assert_eq(up(115200), 0);
	cr_expect_eq(serial_write("x", 1), 1, "another load tries again");
}
