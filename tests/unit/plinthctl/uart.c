/* SPDX-License-Identifier: MIT */
/* The words with which a user names a UART. */
#include <criterion/criterion.h>
#include <string.h>

#include "uart.h"

static uint32_t port, baud;
static char problem[256];

static bool parse(const char *word)
{
	port = baud = 0xdead;
	problem[0] = '\0';
	return uart_parse(word, &port, &baud, problem, sizeof(problem));
}

static void expect(const char *word, uint32_t wanted_port, uint32_t wanted_baud)
{
	cr_assert(parse(word), "%s: %s", word, problem);
	cr_expect_eq(port, wanted_port, "%s: port %#x", word, port);
	cr_expect_eq(baud, wanted_baud, "%s: %u baud", word, baud);
}

static void refuse(const char *word, const char *why)
{
	cr_assert(!parse(word), "%s", word);
	cr_expect(strstr(problem, why), "%s: %s", word, problem);
}

Test(uart, names_of_ports)
{
	expect("com1,9600", 0x3f8, 9600);
	expect("COM2,9600", 0x2f8, 9600);
	expect("com3,9600", 0x3e8, 9600);
	expect("com4,9600", 0x2e8, 9600);
	expect("0x3f8,9600", 0x3f8, 9600);
	expect("1016,9600", 0x3f8, 9600);
}

Test(uart, speed)
{
	expect("com1", 0x3f8, 115200);
	expect("com1,1", 0x3f8, 1);
	expect("com1,115200", 0x3f8, 115200);
	expect("com1,keep", 0x3f8, 0);
}

Test(uart, refusals)
{
	refuse("com5", "neither com1 to com4");
	refuse("com", "neither com1 to com4");
	refuse("", "neither com1 to com4");
	refuse("0", "neither com1 to com4");
	refuse("0x10000", "neither com1 to com4");
	refuse("pci:256", "neither com1 to com4");
	refuse("com1,", "1 to 115200");
	refuse("com1,0", "1 to 115200");
	refuse("com1,115201", "1 to 115200");
	refuse("com1,fast", "1 to 115200");
	refuse("com1,-1", "1 to 115200");
}
