/* SPDX-License-Identifier: MIT */
/* What the driver core asks of an operating system and is the same in all of ours: os.c, machine/os.c. */
#include "drivers/common/os.h"
#include "mock_os.h"

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

#define HALF 0xdead000000000000ull

/* One entry is the process's own, as the one for the LDT is where page tables are isolated. */
void os_kernel_half(uint64_t *table)
{
	for (unsigned int i = 256; i < 512; i++)
		table[i] = HALF + i;
	table[MOCK_OWN_ENTRY] |= (uint64_t)mock_process() << 32;
}

int mock_process_in(const uint64_t *table)
{
	uint64_t own = table[MOCK_OWN_ENTRY];

	return (own & ~(0xffffull << 32)) == HALF + MOCK_OWN_ENTRY ? (int)(own >> 32 & 0xffff) : -1;
}
