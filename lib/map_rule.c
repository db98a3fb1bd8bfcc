/* SPDX-License-Identifier: MIT */
#include "map_rule.h"

#include <stddef.h>

#include <plinth/control.h>

const char *map_table_name(uint32_t table)
{
	return table == PLINTH_MAP_ROOT ? "root" : table == PLINTH_MAP_LAUNCH ? "launch" : "?";
}

const char *map_forbidden(uint32_t flags)
{
	if ((flags & PLINTH_MAP_WRITE) && (flags & PLINTH_MAP_EXEC))
		return "writable and executable";
	if (flags & PLINTH_MAP_USER)
		return "accessible to user mode";
	return flags & PLINTH_MAP_GLOBAL ? "global" : NULL;
}
