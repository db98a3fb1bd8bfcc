/* SPDX-License-Identifier: MIT */
/* Names of files are bytes: as text, and as JSON. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "foreign.h"

static const struct {
	const char *bytes, *shown, *json;
} cases[] = {
	{"", "", ""},
	{"/usr/lib/a b.so", "/usr/lib/a b.so", "/usr/lib/a b.so"},
	{"z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80", "z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80",
	 "z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80"},
	{"caf\xe9.so", "caf\\xe9.so", "caf\\xe9.so"},
	{"caf\\xe9.so", "caf\\\\xe9.so", "caf\\\\xe9.so"},
	{"a\033[2Jb\nc\td\177", "a\\x1b[2Jb\\x0ac\\x09d\\x7f", "a\033[2Jb\nc\td\177"},
	/* C1 controls, and text from right to left. */
	{"\xc2\x9b"
	 "1m",
	 "\\xc2\\x9b1m",
	 "\xc2\x9b"
	 "1m"},
	{"\xe2\x80\xaegpj.so", "\\xe2\\x80\\xaegpj.so", "\xe2\x80\xaegpj.so"},
	{"\xe2\x81\xa6\xd8\x9c", "\\xe2\\x81\\xa6\\xd8\\x9c", "\xe2\x81\xa6\xd8\x9c"},
	/* Longer than need be, a surrogate, beyond the last, cut, and what never begins a character. */
	{"\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf"},
	{"\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\xe0\\x80\\xaf"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80"},
	{"\xe2\x82", "\\xe2\\x82", "\\xe2\\x82"},
	{"\xf0\x9f\x98", "\\xf0\\x9f\\x98", "\\xf0\\x9f\\x98"},
	{"\xff\x80", "\\xff\\x80", "\\xff\\x80"},
};

Test(foreign, json)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *string = foreign_json(cases[i].bytes);

		cr_expect_str_eq(json_object_get_string(string), cases[i].json, "case %zu", i);
		json_object_put(string);
	}
	cr_expect_str_eq(json_object_get_string(foreign_json(NULL)), "");
	cr_expect_str_eq(json_object_get_string(foreign_json_n("\xe2\x82\xac", 2)), "\\xe2\\x82",
			 "cut in the middle");
	cr_expect_str_eq(json_object_get_string(foreign_json_n("abc", 2)), "ab");
}

Test(foreign, text)
{
	char all[1024] = "";

	cr_redirect_stdout();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		foreign_print(stdout, cases[i].bytes);
		putchar('\n');
		strcat(strcat(all, cases[i].shown), "\n");
	}
	fflush(stdout);
	cr_expect_stdout_eq_str(all);
}

/* Every byte of a name can be had back, whatever it is. */
Test(foreign, nothing_is_lost)
{
	char bytes[256], back[256];

	for (unsigned int i = 0; i < 255; i++)
		bytes[i] = (char)(255 - i);
	bytes[255] = '\0';
	struct json_object *string = foreign_json(bytes);
	const char *at = json_object_get_string(string);
	size_t n = 0;

	for (; *at; n++) {
		unsigned int byte = (unsigned char)*at;

		if (*at == '\\' && at[1] == '\\') {
			at++;
		} else if (*at == '\\') {
			cr_assert_eq(sscanf(at, "\\x%2x", &byte), 1);
			at += 3;
		}
		at++;
		back[n] = (char)byte;
	}
	back[n] = '\0';
	cr_expect_str_eq(back, bytes);
	json_object_put(string);
}
