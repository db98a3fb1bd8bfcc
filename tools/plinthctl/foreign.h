/* SPDX-License-Identifier: MIT */
/*
 * Text that others wrote: names of files, which are any bytes but NUL and "/", names in
 * them, and lines that quote such. What is UTF-8 stays as it is. Every other byte becomes
 * \xNN, and so that nobody takes one for the other, a backslash becomes \\. On a
 * terminal, characters that act on it or on the order of text become \xNN too.
 */
#ifndef PLINTHCTL_FOREIGN_H
#define PLINTHCTL_FOREIGN_H

#include <stdio.h>

struct json_object;

/* foreign_print() - for people: nothing that acts on a terminal, no line feed. */
void foreign_print(FILE *to, const char *text);

/* foreign_json() - a JSON string, valid UTF-8, from which the bytes can be had back. NULL: an empty one. */
struct json_object *foreign_json(const char *text);
/* The same of at most so many bytes. */
struct json_object *foreign_json_n(const char *text, size_t most);

#endif
