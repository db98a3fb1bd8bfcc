/* SPDX-License-Identifier: MIT */
/* Kinds of exits have the names of the list, and what is no kind has none. */
#include <criterion/criterion.h>

#include <plinth/shared.h>

#include "exit_kind.h"

Test(lib_exit_kind, each_has_its_name)
{
#define PLINTH_EXIT(name, text) cr_expect_str_eq(exit_kind_name(PLINTH_EXIT_##name), text);
#include <plinth/exit_kinds.def>
#undef PLINTH_EXIT
}

Test(lib_exit_kind, no_kind_has_none)
{
	cr_expect_str_eq(exit_kind_name(PLINTH_EXIT_KINDS), "?");
	cr_expect_str_eq(exit_kind_name(UINT32_MAX), "?");
}
