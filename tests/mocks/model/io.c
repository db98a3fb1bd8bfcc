/* SPDX-License-Identifier: MIT */
/* I/O ports: a UART and what resets a machine. */
#include "internal.h"

#define UART_SCRATCH 7
#define UART_STATUS  5
#define UART_DATA    0
#define UART_LINE    3
#define THR_EMPTY    0x20

#define RESET_PORT 0xcf9
#define RESET_NOW  0x06

#define RAISED_MAX 16 /* more than that is an endless loop */

static uint8_t line_control;

static void touch_uart(void)
{
	if (!model.uart_faults)
		return;
	if (++model.uart_raised > RAISED_MAX) {
		model_violation("an endless loop of faults");
		model_switch_back(MODEL_CRASHED);
	}
	model_raise(VECTOR_GP, 0, RAISE_PLAIN, "UART");
}

uint8_t model_in8(uint16_t port)
{
	uint32_t reg = port - model.uart;

	if (!model.uart || reg > 7)
		return 0xff;
	touch_uart();
	if (reg == UART_SCRATCH)
		return model.uart_scratch;
	if (reg == UART_STATUS)
		return model.uart_stuck ? 0 : THR_EMPTY;
	return 0;
}

static void uart_out(uint32_t reg, uint8_t value)
{
	if (reg == UART_SCRATCH)
		model.uart_scratch = value;
	else if (reg == UART_LINE)
		line_control = value;
	else if (reg == UART_DATA && !(line_control & 0x80) && model.n_serial + 1 < sizeof(model.serial))
		model.serial[model.n_serial++] = (char)value;
}

void model_out8(uint16_t port, uint8_t value)
{
	uint32_t reg = port - model.uart;

	model_tick();
	if (model.uart && reg < 8)
		uart_out(reg, value);
	if (port == RESET_PORT && value == RESET_NOW) {
		model_here()->reset = true;
		model_switch_back(MODEL_RESET);
	}
}
