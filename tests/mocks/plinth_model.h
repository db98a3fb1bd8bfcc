/* SPDX-License-Identifier: MIT */
/* What plinth-model was asked for. */
#ifndef TESTS_MOCKS_PLINTH_MODEL_H
#define TESTS_MOCKS_PLINTH_MODEL_H

#include "machine/machine.h"

#define MAX_CHANGES 3u /* modules that are replaced, or added; the machine has room for so many */
#define MAX_LEAVES  8u

struct options {
	struct machine_hardware hardware;
	uint32_t n_replaced, n_added, n_leaves;
	char *replaced[MAX_CHANGES], *with[MAX_CHANGES], *added[MAX_CHANGES];
	uint32_t leaves[MAX_LEAVES];
	bool faults, log;
};

extern struct options options;

/** options_parse() - the command line; does not return if there is something wrong with it. */
void options_parse(int argc, char **argv);
/** options_refuse() - one line, and the exit status that says so. */
void __attribute__((noreturn)) options_refuse(const char *value, const char *what);

#endif
