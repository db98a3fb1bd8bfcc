/* SPDX-License-Identifier: MIT */
/* What went wrong: a line for people, an object for programs. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

#include "error_line.h"

static void capture(void)
{
	cr_redirect_stderr();
}

TestSuite(error_line, .init = capture);

Test(error_line, a_line)
{
	error_line("load: %s: %u modules", "a \"list\"", 3u);
	fflush(stderr);
	cr_assert_stderr_eq_str("plinthctl: load: a \"list\": 3 modules\n");
}

Test(error_line, an_object_each)
{
	error_lines_json();
	error_line("load: %s", "a \"list\"\nin /tmp");
	error_line("second");
	fflush(stderr);
	cr_assert_stderr_eq_str("{\"error\":\"load: a \\\"list\\\"\\nin /tmp\"}\n{\"error\":\"second\"}\n");
}

/* Nothing that a file is called acts on the terminal, or makes a line of its own. */
Test(error_line, names_do_nothing)
{
	error_line("load: %s: no file", "a\033[2J\nplinthctl: all is well");
	note_line("note: %s", "caf\xe9");
	fflush(stderr);
	cr_assert_stderr_eq_str(
		"plinthctl: load: a\\x1b[2J\\x0aplinthctl: all is well: no file\nnote: caf\\xe9\n");
}

Test(error_line, names_are_json)
{
	error_lines_json();
	error_line("%s", "caf\xe9 z\xc3\xbcrich");
	fflush(stderr);
	cr_assert_stderr_eq_str("{\"error\":\"caf\\\\xe9 z\xc3\xbcrich\"}\n");
}

Test(error_line, what_is_too_long_is_cut)
{
	char text[8192];
	static char wanted[4200] = "plinthctl: ";

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memset(wanted + strlen(wanted), 'x', 4095);
	strcat(wanted, "\n");
	error_line("%s", text);
	fflush(stderr);
	cr_assert_stderr_eq_str(wanted);
}
