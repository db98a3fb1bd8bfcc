/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_EXIT_NAMES_H
#define PLINTHCTL_EXIT_NAMES_H

#include "lib/exit_kind.h"

/* exit_kind_parse() - the kind of that name; -1: there is none. */
int exit_kind_parse(const char *name);

#endif
