/* SPDX-License-Identifier: MIT */
#include "exit_kind.h"

#include <plinth/shared.h>

static const char *const names[PLINTH_EXIT_KINDS] = {
#define PLINTH_EXIT(name, text) text,
#include <plinth/exit_kinds.def>
#undef PLINTH_EXIT
};

const char *exit_kind_name(uint32_t kind)
{
	return kind < PLINTH_EXIT_KINDS ? names[kind] : "?";
}
