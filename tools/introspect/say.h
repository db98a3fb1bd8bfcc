/* SPDX-License-Identifier: MIT */
#ifndef INTROSPECT_SAY_H
#define INTROSPECT_SAY_H

/*
 * say_and_exit() - one line on standard error, "plinth: PROGRAM: " in front, and the end of the process
 * with status 1. In signal handlers, too.
 */
void say_and_exit(const char *text) __attribute__((noreturn));

#endif
