/* SPDX-License-Identifier: MIT */
/* Findings as sentences. */
#include <criterion/criterion.h>
#include <string.h>

#include "format.h"
#include "sample.h"

Test(rtld_format, every_check_is_a_sentence)
{
	unsigned int check;

	for (check = 1; check < RTLD_CHECKS; check++) {
		const struct rtld_error e = {
			.check = check,
			.table = RTLD_T_SYMTAB,
			.index = 5,
			.value = 0x1234,
			.limit = 0x99,
			.symbol = "some_symbol",
			.file = "dir/some.so",
			.other = RTLD_NONE,
		};
		char line[512];
		size_t n = rtld_format_error(&e, line, sizeof(line));

		cr_expect_eq(n, strlen(line));
		cr_expect_lt(n, sizeof(line) - 1, "%s", line);
		cr_expect_eq(strncmp(line, "dir/some.so: ", 13), 0, "%s", line);
		cr_expect(strstr(line, rtld_check_name(check)), "%s", line);
		cr_expect(strchr(line, ';'), "no advice: %s", line);
		cr_expect_not(strchr(line, '\n'));
	}
}

Test(rtld_format, exact)
{
	struct rtld_error e = {
		.check = RTLD_LOAD_FILESZ,
		.table = RTLD_T_PHDR,
		.index = 2,
		.value = 0x3000,
		.limit = 0x2000,
		.file = "a.so",
		.other = RTLD_NONE,
	};
	char line[256];

	rtld_format_error(&e, line, sizeof(line));
	cr_expect_str_eq(line, "a.so: program header 2 has p_filesz above "
			       "p_memsz (value 0x3000, limit 0x2000); the file is "
			       "damaged, build or copy it again [LOAD_FILESZ]");
	e = (struct rtld_error){
		.check = RTLD_UNDEFINED,
		.table = RTLD_T_SYMTAB,
		.index = 7,
		.symbol = "f\033[31m\xff",
		.file = "b\n.so",
		.other = RTLD_NONE,
	};
	rtld_format_error(&e, line, sizeof(line));
	cr_expect_str_eq(line, "b?.so: symbol 7 (f?[31m?) is not defined by "
			       "any module; add the module that provides it "
			       "[UNDEFINED]");
	e.symbol = NULL;
	e.file = "";
	rtld_format_error(&e, line, sizeof(line));
	cr_expect_str_eq(line, "the set: symbol 7 is not defined by any module; "
			       "add the module that provides it [UNDEFINED]");
}

Test(rtld_format, any_size)
{
	const struct rtld_error e = {
		.check = 9999,
		.table = 9999,
		.file = NULL,
	};
	char line[64];
	size_t size;

	for (size = 0; size < sizeof(line); size++) {
		memset(line, 'x', sizeof(line));
		rtld_format_error(&e, line, size);
		cr_expect_eq(line[size], 'x');
		if (size)
			cr_expect_lt(strlen(line), size);
	}
}

Test(rtld_format, names)
{
	cr_expect_str_eq(rtld_check_name(RTLD_LOAD_WX), "LOAD_WX");
	cr_expect_str_eq(rtld_check_name(100000), "unknown check");
	cr_expect_str_eq(rtld_table_name(RTLD_T_PHDR), "program header");
	cr_expect_str_eq(rtld_table_name(100000), "unknown table");
}

static size_t format_in(const struct rtld_set *set, struct rtld_error *e, char *buf, size_t size)
{
	const struct rtld_errors errors = {e, 1, 1};

	return rtld_format_in(set, rtld_highest_version(set, &errors), e, buf, size);
}

/* Whoever wants a function in another version than there is hears which of the two is older. */
Test(rtld_format, versions_of_a_function)
{
	static const struct {
		const char *symbol, *text;
	} cases[] = {
		{"base_note.v3", "new.so: was built for version 3 of base_note(), but "
				 "base-gnu.so offers version 1; base-gnu.so is the older "
				 "one: rebuild it with the headers of the other, or take a "
				 "newer one [UNDEFINED]"},
		{"later_call", "new.so: was built for version 1 of later_call(), but "
			       "later.so offers version 2; new.so is the older one: "
			       "rebuild it with the headers of the other, or take a newer "
			       "one [UNDEFINED]"},
	};
	struct test_set t;
	size_t i;

	test_set_open(&t, 0);
	test_set_add(&t, "base-gnu");
	test_set_add(&t, "later");
	test_set_place(&t, TEST_BASE);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rtld_error e = {
			.check = RTLD_UNDEFINED,
			.table = RTLD_T_SYMTAB,
			.symbol = cases[i].symbol,
			.file = "new.so",
			.other = RTLD_NONE,
		};
		char line[512], cut[40];

		format_in(t.set, &e, line, sizeof(line));
		cr_expect_str_eq(line, cases[i].text);
		cr_expect_eq(format_in(t.set, &e, cut, sizeof(cut)), sizeof(cut) - 1);
		cr_expect_eq(strncmp(cut, line, sizeof(cut) - 1), 0);
	}
	test_set_close(&t);
}

/* What has no version, or nothing like one, is undefined and no more. */
Test(rtld_format, versions_that_are_none)
{
	static const char *const symbols[] = {
		"nobody",	 "nobody.v2",	       "base_note.v",  "base_note.x2",
		"base_note.v2x", "base_note.v1000000", "base_note.v/", "",
	};
	struct test_set t;
	size_t i;

	test_set_open(&t, 0);
	test_set_add(&t, "base-gnu");
	test_set_place(&t, TEST_BASE);
	for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		struct rtld_error e = {
			.check = RTLD_UNDEFINED,
			.table = RTLD_T_SYMTAB,
			.symbol = symbols[i],
			.file = "new.so",
			.other = RTLD_NONE,
		};
		char line[512], plain[512];

		rtld_format_error(&e, plain, sizeof(plain));
		format_in(t.set, &e, line, sizeof(line));
		cr_expect_str_eq(line, plain, "%s", symbols[i]);
		cr_expect_eq(format_in(t.set, &e, line, 0), 0);
		e.check = RTLD_PLACE_WRAP;
		rtld_format_error(&e, plain, sizeof(plain));
		format_in(t.set, &e, line, sizeof(line));
		cr_expect_str_eq(line, plain, "%s", symbols[i]);
	}
	test_set_close(&t);
}

/* Names act on no terminal there either. These three characters have the same hash as those they replace. */
Test(rtld_format, versions_of_a_function_with_an_odd_name)
{
	struct rtld_error e = {
		.check = RTLD_UNDEFINED,
		.table = RTLD_T_SYMTAB,
		.symbol = "lateq\x7f\x84"
			  "all",
		.file = "new.so",
		.other = RTLD_NONE,
	};
	char line[512], plain[512];
	struct elf64_sym *symbol;
	struct test_set t;
	struct sample s;

	sample_load(&s, "later");
	symbol = sample_symbol(&s, "later_call.v2");
	memcpy(sample_at(&s, sample_dyn(&s, 5)->value) + symbol->name + 4, "q\x7f\x84", 3);
	test_set_open(&t, 0);
	cr_assert_eq(test_set_add_sample(&t, &s), 0);
	format_in(t.set, &e, line, sizeof(line));
	cr_expect(!strncmp(line,
			   "new.so: was built for version 1 of lateq??all(), "
			   "but later.so offers version 2; ",
			   80),
		  "%s", line);
	e.symbol = NULL;
	rtld_format_error(&e, plain, sizeof(plain));
	format_in(t.set, &e, line, sizeof(line));
	cr_expect_str_eq(line, plain, "no name, no version");
	sample_free(&s);
	test_set_close(&t);
}
