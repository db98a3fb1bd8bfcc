/* SPDX-License-Identifier: MIT */
/* A log that keeps the formats of lines, not what they would say, and has no UART. */
#include <plinth/serial.h>
#include <plinth/shared.h>

#include <plinth/intrinsics.h>

#include "variant.h"

PLINTH_MODULE("mock_serial", "0.1.0", "log: formats in the rings, no UART (tests)");

static struct plinth_shared *shared;

int log_init(const struct plinth_boot *boot)
{
	if (!mock_ready)
		return PLINTH_E_STATE;
	if (mock_fails("log_init"))
		return PLINTH_E_INVAL;
	shared = (struct plinth_shared *)boot->shared_va;
	return shared->magic == PLINTH_SHARED_MAGIC ? 0 : PLINTH_E_INVAL;
}

void log_fini(void)
{
	shared = NULL;
}

static void copy(char *to, const char *from, unsigned int bytes)
{
	unsigned int i = 0;

	for (; i < bytes - 1 && from[i]; i++)
		to[i] = from[i];
	to[i] = '\0';
}

void log_emit(enum plinth_log_level level, const char *tag, const char *format, ...)
{
	struct plinth_shared_cpu *cpu;
	struct plinth_log_record *record;

	if (!shared)
		return;
	cpu = plinth_shared_own(shared, cpu_local()->cpu);
	record = &cpu->log[cpu->log_head % PLINTH_LOG_RECORDS];
	record->level = (uint8_t)level;
	copy(record->tag, tag, sizeof(record->tag));
	copy(record->text, format, PLINTH_LOG_TEXT);
	record->sequence = cpu->log_head + 1;
	cpu->log_head++;
}

uint32_t serial_write(const char *bytes, uint32_t count)
{
	(void)bytes;
	(void)count;
	return 0; /* as a UART that does not answer */
}
