/* SPDX-License-Identifier: MIT */
/*
 * plinth_vsnprintf() against the C library's vsnprintf() on generated formats, and the cases that C leaves
 * undefined but format.h defines. PLINTH_TEST_SEED=N repeats a failing run: every failure prints its seed.
 */
#include <criterion/criterion.h>

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

#define CASES	   20000
#define MAX_ARGS   15
#define TEXT_BYTES 512
#define GUARD	   0x5a

static uint64_t seed = 20240229;

/* splitmix64: any seed is a good one */
static uint64_t next_random(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned int below(unsigned int n)
{
	return next_random() % n;
}

/* A format and its arguments. Each is 64 bits wide: so x86-64 passes every integer and pointer. */
struct generated {
	char format[256];
	size_t len;
	uint64_t args[MAX_ARGS];
	size_t n_args;
};

static void append(struct generated *g, const char *text)
{
	size_t n = strlen(text);

	cr_assert_lt(g->len + n, sizeof(g->format));
	memcpy(g->format + g->len, text, n + 1);
	g->len += n;
}

static void append_char(struct generated *g, char c)
{
	append(g, (char[]){c, '\0'});
}

static void append_number(struct generated *g, int low, int high)
{
	int value = low + (int)below(high - low + 1);
	char text[12];

	if (below(3) == 0) {
		append(g, "*");
		g->args[g->n_args++] = (uint64_t)(int64_t)value;
		return;
	}
	sprintf(text, "%d", abs(value));
	append(g, text);
}

static uint64_t random_integer(void)
{
	static const uint64_t edges[] = {
		0,	    1,	      7,	   8,	      9,
		10,	    15,	      16,	   0x7f,      0x80,
		0xff,	    0x7fff,   0x8000,	   0xffff,    INT_MAX,
		0x80000000, UINT_MAX, 0x100000000, INT64_MAX, 0x8000000000000000,
		UINT64_MAX,
	};

	if (below(2))
		return edges[below(sizeof(edges) / sizeof(edges[0]))];
	return next_random() >> below(64);
}

static void append_flags(struct generated *g, const char *allowed)
{
	for (unsigned int n = below(4); n && *allowed; n--)
		append_char(g, allowed[below(strlen(allowed))]);
}

static void append_precision(struct generated *g)
{
	append(g, ".");
	if (below(5))
		append_number(g, -2, 25);
}

static void append_integer(struct generated *g, char conversion)
{
	static const char *const lengths[] = {"", "hh", "h", "l", "ll", "j", "z", "t"};

	append(g, lengths[below(8)]);
	append_char(g, conversion);
	g->args[g->n_args++] = random_integer();
}

static void append_string(struct generated *g)
{
	static const char *const texts[] = {"", "x", "vcpu", "a longer text with % and \n in it"};

	append(g, "s");
	g->args[g->n_args++] = (uintptr_t)texts[below(4)];
}

/* Only combinations of flags, precision and conversion that C defines. */
static void append_conversion(struct generated *g)
{
	static const struct {
		char conversion;
		const char *flags;
		bool precision;
	} rows[] = {
		{'d', "-+ 0", true}, {'i', "-+ 0", true}, {'u', "-0", true},
		{'o', "-#0", true},  {'x', "-#0", true},  {'X', "-#0", true},
		{'c', "-", false},   {'s', "-", true},	  {'p', "-", false},
	};
	unsigned int row = below(sizeof(rows) / sizeof(rows[0]));

	append(g, "%");
	append_flags(g, rows[row].flags);
	if (below(2))
		append_number(g, below(4) ? 1 : -30, 30);
	if (rows[row].precision && below(2))
		append_precision(g);
	switch (rows[row].conversion) {
	case 's': append_string(g); break;
	case 'c':
		append(g, "c");
		g->args[g->n_args++] = ' ' + below(95);
		break;
	case 'p':
		append(g, "p");
		g->args[g->n_args++] = 1 + (random_integer() >> 1); /* never NULL: it prints otherwise */
		break;
	default: append_integer(g, rows[row].conversion);
	}
}

static struct generated generate(void)
{
	static const char *const texts[] = {"", " ", "%%", "rip=", "abc%%def"};
	struct generated g = {.len = 0};

	for (unsigned int n = below(5); n; n--) {
		append(&g, texts[below(5)]);
		append_conversion(&g);
	}
	append(&g, texts[below(5)]);
	return g;
}

typedef int format_fn(char *buf, size_t size, const char *format, ...);

static int call(format_fn *fn, char *buf, size_t size, const struct generated *g)
{
	const uint64_t *a = g->args;

	memset(buf, GUARD, TEXT_BYTES);
	return fn(buf, size, g->format, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10],
		  a[11], a[12], a[13], a[14]);
}

static size_t random_size(void)
{
	return below(3) ? TEXT_BYTES : below(40);
}

Test(lib_format, agrees_with_the_c_library)
{
	const char *given = getenv("PLINTH_TEST_SEED");

	if (given)
		seed = strtoull(given, NULL, 0);
	for (int i = 0; i < CASES; i++) {
		uint64_t start = seed;
		struct generated g = generate();
		size_t size = random_size();
		char ours[TEXT_BYTES], theirs[TEXT_BYTES];
		int len = call(plinth_snprintf, ours, size, &g);
		int expected = call(snprintf, theirs, size, &g);

		cr_assert_eq(len, expected, "PLINTH_TEST_SEED=%#llx: \"%s\" size %zu: length %d, C says %d",
			     (unsigned long long)start, g.format, size, len, expected);
		cr_assert_arr_eq(ours, theirs, TEXT_BYTES,
				 "PLINTH_TEST_SEED=%#llx: \"%s\" size %zu: \"%.*s\", C says \"%.*s\"",
				 (unsigned long long)start, g.format, size, (int)size, ours, (int)size,
				 theirs);
	}
}

struct named_case {
	const char *format;
	uint64_t arg;
	const char *text;
	int len;
};

/* The format is data here, which the compiler's format check cannot follow. */
static void expect_cases(const struct named_case *cases, size_t n)
{
	format_fn *ours = plinth_snprintf;

	for (size_t i = 0; i < n; i++) {
		char buf[32];
		int len = ours(buf, sizeof(buf), cases[i].format, cases[i].arg, cases[i].arg);

		cr_expect_eq(len, cases[i].len, "\"%s\": length %d", cases[i].format, len);
		cr_expect_str_eq(buf, cases[i].text, "\"%s\": \"%s\"", cases[i].format, buf);
	}
}

Test(lib_format, defines_null)
{
	static const struct named_case cases[] = {
		{"%s", 0, "(null)", 6}, {"%8s", 0, "  (null)", 8}, {"%.3s", 0, "(nu", 3},
		{"%p", 0, "0x0", 3},	{"%6p", 0, "   0x0", 6},
	};

	expect_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

Test(lib_format, stops_at_an_unknown_conversion)
{
	static const struct named_case cases[] = {
		{"a %f b", 1, "a %f b", 6},    {"%n", 1, "%n", 2},
		{"%ls", 1, "%ls", 3},	       {"%lc", 1, "%lc", 3},
		{"%Lx", 1, "%Lx", 3},	       {"%q then %s", 1, "%q then %s", 10},
		{"%x %w %s", 1, "1 %w %s", 7}, {"100%", 1, "100%", 4},
		{"%-5.3", 1, "%-5.3", 5},      {"%l", 1, "%l", 2},
	};

	expect_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

Test(lib_format, reports_a_length_beyond_int)
{
	static const struct named_case cases[] = {
		{"%2147483647u", 5, "                               ", INT_MAX},
		{"%2147483647ux", 5, "                               ", -1},
		{"%99999999999999999999u!", 5, "                               ", -1},
		{"%.2147483647u-", 5, "0000000000000000000000000000000", -1},
	};

	expect_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

Test(lib_format, takes_no_buffer)
{
	cr_expect_eq(plinth_snprintf(NULL, 0, "%d%s", -12, "abc"), 6);
}

Test(lib_format, writes_one_terminator_and_nothing_behind)
{
	char buf[4] = {1, 2, 3, 4};

	cr_expect_eq(plinth_snprintf(buf, 1, "text"), 4);
	cr_expect_arr_eq(buf, ((char[]){0, 2, 3, 4}), 4);
}

/* A negative width means left; the most negative one has no counterpart, and is as wide as can be. */
Test(lib_format, widths_that_are_arguments)
{
	format_fn *ours = plinth_snprintf;
	volatile int least = INT_MIN; /* compilers that see it say that it is too wide for printf */
	char buf[16];

	cr_expect_eq(ours(buf, sizeof(buf), "%*d|", -4, 7), 5);
	cr_expect_str_eq(buf, "7   |");
	cr_expect_eq(ours(buf, sizeof(buf), "%*d", least, 7), INT_MAX);
	cr_expect_str_eq(buf, "7              ");
}
