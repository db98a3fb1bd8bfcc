/* SPDX-License-Identifier: MIT */
#include "exit_names.h"

#include <string.h>

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

int exit_kind_parse(const char *name)
{
	for (int i = 0; i < PLINTH_EXIT_KINDS; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}
