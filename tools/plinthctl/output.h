/* SPDX-License-Identifier: MIT */
/* What a command prints: JSON, and whether anybody gets it. */
#ifndef PLINTHCTL_OUTPUT_H
#define PLINTHCTL_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;

/* write_json() - one document, and free it. */
void write_json(FILE *to, struct json_object *document);

/* print_json() - the same on standard output. */
void print_json(struct json_object *document);

/* write_json_line() - an object on a line of its own, and free it. */
void write_json_line(FILE *to, struct json_object *item);

void json_add_number(struct json_object *to, const char *key, uint64_t value);
/* A string of hexadecimal digits, because not every reader of JSON has integers of 64 bits. */
void json_add_address(struct json_object *to, const char *key, uint64_t value);
/* As foreign_json() does it. */
void json_add_text(struct json_object *to, const char *key, const char *text);

/*
 * output_wait() - between two outputs of a command that goes on. True: nobody reads standard output any more
 * (a pipe whose other end is closed), so that there is nothing to go on for.
 */
bool output_wait(unsigned int milliseconds);

/* output_finish() - the exit status: what was printed has to have arrived, or nobody may call it done. */
int output_finish(int status);

#endif
