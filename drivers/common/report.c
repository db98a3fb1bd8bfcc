/* SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include "drivers/common/report.h"
#include "lib/format.h"

#define FULL_LINE "(more errors do not fit here)\n"

/* What lines may use: behind them there is always room for the last one. */
#define USABLE (CORE_REPORT_BYTES - sizeof(FULL_LINE))

void report_clear(struct core_report *report)
{
	report->used = 0;
	report->full = false;
	report->text[0] = '\0';
}

static void finish_full(struct core_report *report)
{
	report->full = true;
	report->used += (uint32_t)plinth_snprintf(report->text + report->used, sizeof(FULL_LINE), FULL_LINE);
}

void report_line(struct core_report *report, const char *format, ...)
{
	char *at = report->text + report->used;
	size_t room = USABLE - report->used;
	va_list args;
	int length;

	if (report->full)
		return;
	va_start(args, format);
	length = plinth_vsnprintf(at, room, format, args);
	va_end(args);
	if (length < 0 || (size_t)length + 2 > room) {
		finish_full(report);
		return;
	}
	at[length] = '\n';
	at[length + 1] = '\0';
	report->used += (uint32_t)length + 1;
}
