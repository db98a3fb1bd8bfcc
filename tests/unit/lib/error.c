/* SPDX-License-Identifier: MIT */
/* Every error has a text of its own, and every other number one that says so. */
#include <criterion/criterion.h>
#include <string.h>

#include <plinth/error.h>

static const struct {
	int value;
	const char *text;
} errors[] = {
#define PLINTH_ERR(name, value, text) {value, text},
#include <plinth/error.def>
#undef PLINTH_ERR
};

#define N_ERRORS (sizeof(errors) / sizeof(errors[0]))

Test(error, texts)
{
	cr_expect_str_eq(plinth_strerror(0), "success");
	for (size_t i = 0; i < N_ERRORS; i++) {
		cr_expect_lt(errors[i].value, 0, "%zu", i);
		cr_expect_str_eq(plinth_strerror(errors[i].value), errors[i].text);
		for (size_t k = 0; k < i; k++)
			cr_expect(strcmp(errors[i].text, errors[k].text), "%zu and %zu are told apart", i, k);
	}
}

Test(error, numbers_that_are_none)
{
	cr_expect_str_eq(plinth_strerror(1), "unknown error");
	cr_expect_str_eq(plinth_strerror(-1000), "unknown error");
}
