/* SPDX-License-Identifier: MIT */
/* How a command says what went wrong. */
#ifndef PLINTHCTL_ERROR_LINE_H
#define PLINTHCTL_ERROR_LINE_H

/* error_line() - one line on standard error, "plinthctl: " in front. */
void error_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* error_lines_json() - from now on each is an object instead: {"error":"what went wrong"}. */
void error_lines_json(void);

#endif
