/* SPDX-License-Identifier: MIT */
/* Arguments that several commands have in common. */
#ifndef PLINTHCTL_OPTIONS_H
#define PLINTHCTL_OPTIONS_H

#include <stdbool.h>

/* options_json() - a command with --json only; true if it was given. */
bool options_json(int argc, char **argv, const char *summary);

struct argp_state;

/* options_cpu() - a CPU's number, or the end of the program. */
int options_cpu(struct argp_state *state, const char *word);

/* options_count() - a number from 1, or the end of the program. */
unsigned long options_count(struct argp_state *state, const char *option, const char *word);

struct json_object;

/* print_json() - one document on standard output, and free it. */
void print_json(struct json_object *document);

#endif
