/* SPDX-License-Identifier: MIT */
/* The kinds of exits by name. */
#ifndef PLINTH_LIB_EXIT_KIND_H
#define PLINTH_LIB_EXIT_KIND_H

#include <stdint.h>

/**
 * exit_kind_name() - "cr-access", as in plinth/exit_kinds.def; "?" for no kind. @kind: enum plinth_exit_kind
 */
const char *exit_kind_name(uint32_t kind);

#endif
