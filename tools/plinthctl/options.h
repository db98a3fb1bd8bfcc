/* SPDX-License-Identifier: MIT */
/* Arguments that several commands have in common. */
#ifndef PLINTHCTL_OPTIONS_H
#define PLINTHCTL_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

/* options_json() - a command with --json only; true if it was given. */
bool options_json(int argc, char **argv, const char *summary);

/* options_take_json() - --json was given: for the output, and for errors from now on. */
void options_take_json(bool *json);

/*
 * options_usual() - what a parser leaves over: --json sets @json, an argument is one too many and the end of
 * the program. The parser's answer for the key.
 */
error_t options_usual(int key, const char *word, struct argp_state *state, bool *json);

/* options_cpu() - a CPU's number, or the end of the program. */
int options_cpu(struct argp_state *state, const char *word);

/* options_count() - a number from 1, or the end of the program. */
unsigned long options_count(struct argp_state *state, const char *option, const char *word);

/*
 * options_wait() - between two outputs of a command that goes on. True: nobody reads standard output any more
 * (a pipe whose other end is closed), so that there is nothing to go on for.
 */
bool options_wait(unsigned int milliseconds);

struct json_object;

/* print_json() - one document on standard output, and free it. */
void print_json(struct json_object *document);

#endif
