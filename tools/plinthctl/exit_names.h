/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_EXIT_NAMES_H
#define PLINTHCTL_EXIT_NAMES_H

#include <stdint.h>

/* Exit kinds by name, as in plinth/exit_kinds.def; exit_kind_parse() gives -1 for no such name. */
const char *exit_kind_name(uint32_t kind);
int exit_kind_parse(const char *name);

#endif
