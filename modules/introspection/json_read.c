/* SPDX-License-Identifier: MIT */
/* A process wrote the text: every step looks whether there is a byte left, and none is taken twice. */
#include <plinth/error.h>

#include "internal.h"

struct reader {
	const char *at, *end;
};

static char peek(const struct reader *r)
{
	return r->at < r->end ? *r->at : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static void skip_space(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\n' || peek(r) == '\r')
		r->at++;
}

/* That character, and the white space on both sides of it. */
static bool take_sign(struct reader *r, char c)
{
	skip_space(r);
	if (peek(r) != c)
		return false;
	r->at++;
	skip_space(r);
	return true;
}

static bool take_name(struct reader *r, const char **name, size_t *bytes)
{
	if (peek(r) != '"')
		return false;
	*name = ++r->at;
	while (is_name(peek(r)))
		r->at++;
	*bytes = (size_t)(r->at - *name);
	if (peek(r) != '"')
		return false;
	r->at++;
	return true;
}

/* Counted downwards, where there is one number more. */
static bool take_number(struct reader *r, int64_t *value)
{
	const bool negative = peek(r) == '-';
	const char *first = r->at += negative;
	int64_t sum = 0;

	for (; is_digit(peek(r)); r->at++)
		if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, *r->at - '0', &sum))
			return false;
	if (r->at == first || (*first == '0' && r->at - first > 1))
		return false;
	if (!negative && __builtin_sub_overflow(0, sum, &sum))
		return false;
	*value = sum;
	return true;
}

static int read_member(struct reader *r, json_member_fn *member, void *context)
{
	const char *name;
	size_t bytes;
	int64_t value;

	if (!take_name(r, &name, &bytes) || !take_sign(r, ':') || !take_number(r, &value))
		return PLINTH_E_INVAL;
	return member(name, bytes, value, context);
}

static int read_members(struct reader *r, json_member_fn *member, void *context)
{
	int err;

	do
		err = read_member(r, member, context);
	while (!err && take_sign(r, ','));
	return err;
}

int json_read(const char *text, size_t bytes, json_member_fn *member, void *context)
{
	struct reader r = {.at = text, .end = text + bytes};
	int err;

	if (!take_sign(&r, '{'))
		return PLINTH_E_INVAL;
	err = peek(&r) == '}' ? 0 : read_members(&r, member, context);
	if (err)
		return err;
	return take_sign(&r, '}') && r.at < r.end && !*r.at ? 0 : PLINTH_E_INVAL;
}
