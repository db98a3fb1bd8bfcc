/* SPDX-License-Identifier: MIT */
/* What the driver core asks of an operating system and is the same in all of ours: os.c, machine/os.c. */
#include "drivers/common/os.h"

void os_log(enum os_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

uint64_t os_ticks(void)
{
	static uint64_t ticks;

	return ticks += 100;
}

void os_kernel_half(uint64_t *table)
{
	for (unsigned int i = 256; i < 512; i++)
		table[i] = 0xdead000000000000ull + i;
}
