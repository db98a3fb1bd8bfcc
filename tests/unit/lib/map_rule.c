/* SPDX-License-Identifier: MIT */
/* What no mapping of the VMM may be, and the tables' names. */
#include <criterion/criterion.h>

#include <plinth/control.h>

#include "map_rule.h"

Test(map_rule, what_is_forbidden)
{
	cr_expect_null(map_forbidden(0));
	cr_expect_null(map_forbidden(PLINTH_MAP_WRITE));
	cr_expect_null(map_forbidden(PLINTH_MAP_EXEC));
	cr_expect_str_eq(map_forbidden(PLINTH_MAP_WRITE | PLINTH_MAP_EXEC), "writable and executable");
	cr_expect_str_eq(map_forbidden(PLINTH_MAP_USER), "accessible to user mode");
	cr_expect_str_eq(map_forbidden(PLINTH_MAP_WRITE | PLINTH_MAP_GLOBAL), "global");
}

Test(map_rule, names)
{
	cr_expect_str_eq(map_table_name(PLINTH_MAP_ROOT), "root");
	cr_expect_str_eq(map_table_name(PLINTH_MAP_LAUNCH), "launch");
	cr_expect_str_eq(map_table_name(PLINTH_MAP_TABLES), "?");
}
