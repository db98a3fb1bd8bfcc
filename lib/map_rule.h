/* SPDX-License-Identifier: MIT */
/* What the VMM's page tables may hold, in the words that the driver and plinthctl have for it. */
#ifndef PLINTH_LIB_MAP_RULE_H
#define PLINTH_LIB_MAP_RULE_H

#include <stdint.h>

/** map_table_name() - "root" or "launch"; "?" for none. @table: enum plinth_map_table. Context: any. */
const char *map_table_name(uint32_t table);

/**
 * map_forbidden() - which of the things no mapping of the VMM may be it is; NULL: none. @flags: PLINTH_MAP_*.
 * Context: any.
 */
const char *map_forbidden(uint32_t flags);

#endif
