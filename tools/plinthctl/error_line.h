/* SPDX-License-Identifier: MIT */
/* How a command says what went wrong. */
#ifndef PLINTHCTL_ERROR_LINE_H
#define PLINTHCTL_ERROR_LINE_H

/*
 * error_line() - one line on standard error, "plinthctl: " in front. What it quotes may be any bytes: what is
 * not text is shown as foreign.h says.
 */
void error_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* note_line() - the same of what is no error, with nothing in front; plain text always. */
void note_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* usage_line() - the same of wrong usage, the program's or command's name in front; plain text always. */
void usage_line(const char *name, const char *text);

/* error_lines_json() - from now on each error_line() is an object instead: {"error":"what went wrong"}. */
void error_lines_json(void);

#endif
