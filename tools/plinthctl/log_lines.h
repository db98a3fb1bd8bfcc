/* SPDX-License-Identifier: MIT */
/* The rings of all CPUs as one list of lines, oldest first. */
#ifndef PLINTHCTL_LOG_LINES_H
#define PLINTHCTL_LOG_LINES_H

#include <stddef.h>
#include <stdint.h>

#include <plinth/log.h>
#include <plinth/shared.h>

struct log_line {
	struct plinth_log_record record;
	uint32_t cpu;
};

struct log_lines {
	struct log_line *lines; /* to be freed */
	size_t n;
	uint64_t missed; /* overwritten before anybody read them */
};

/*
 * log_lines_read() - what is new since the last call.
 * @seen: by CPU, the newest sequence number read so far; brought up to date
 * Returns 0, or -1 with a message printed.
 */
int log_lines_read(struct plinth_shared *shared, uint64_t *seen, struct log_lines *out);

/* Levels by name: "error", "warn", "info", "debug"; log_level_parse() gives -1 for no such name. */
const char *log_level_name(uint8_t level);
int log_level_parse(const char *name);

#endif
