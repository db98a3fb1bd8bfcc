/* SPDX-License-Identifier: MIT */
/* Reasons of a failure in words, collected for whoever gave the command. */
#ifndef DRIVERS_COMMON_REPORT_H
#define DRIVERS_COMMON_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_REPORT_BYTES 8192u

struct core_report {
	uint32_t used; /* bytes of text, the NUL not counted */
	bool full;
	char text[CORE_REPORT_BYTES]; /* lines, each with its newline */
};

/** report_clear() - make it empty. */
void report_clear(struct core_report *report);

/**
 * report_line() - append one line; @format as plinth_vsnprintf(), without newline.
 *
 * A line that does not fit is dropped, like all after it, and a last line says so.
 */
void report_line(struct core_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
