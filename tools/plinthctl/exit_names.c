/* SPDX-License-Identifier: MIT */
#include "exit_names.h"

#include <string.h>

#include <plinth/shared.h>

int exit_kind_parse(const char *name)
{
	for (int i = 0; i < PLINTH_EXIT_KINDS; i++)
		if (!strcmp(name, exit_kind_name((uint32_t)i)))
			return i;
	return -1;
}
