/* SPDX-License-Identifier: MIT */
/* What is written is read by json-c, and what is read is judged as json-c does, but for what is left out. */
#include "internal.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plinth/error.h>

static const int64_t values[] = {0, 1, -1, 42, INT64_MAX, INT64_MIN, -2130706432};

#define VALUES (sizeof(values) / sizeof(values[0]))

static void write_all(struct json_text *text)
{
	char name[] = "A";

	for (size_t i = 0; i < VALUES; i++, name[0]++)
		json_number(text, name, values[i]);
	json_end(text);
}

Test(introspection_json, is_read_by_others)
{
	char out[512];
	struct json_text text = {.at = out, .room = sizeof(out)};
	struct json_object *object, *member;
	char name[] = "A";

	write_all(&text);
	cr_assert_eq(strlen(out), text.bytes);
	object = json_tokener_parse(out);
	cr_assert_not_null(object, "%s", out);
	cr_expect_eq((size_t)json_object_object_length(object), VALUES);
	for (size_t i = 0; i < VALUES; i++, name[0]++) {
		cr_assert(json_object_object_get_ex(object, name, &member));
		cr_expect_eq(json_object_get_int64(member), values[i]);
	}
	json_object_put(object);
}

/* Too little room: it is counted, and nothing lies behind it. */
Test(introspection_json, is_cut_where_the_room_ends)
{
	char whole[512];
	struct json_text wanted = {.at = whole, .room = sizeof(whole)};

	write_all(&wanted);
	for (size_t room = 0; room <= wanted.bytes + 1; room++) {
		char *out = malloc(room + 1);
		struct json_text text = {.at = out, .room = room};

		memset(out, 'x', room + 1);
		write_all(&text);
		cr_expect_eq(text.bytes, wanted.bytes);
		cr_expect_eq(out[room], 'x', "room for %zu", room);
		free(out);
	}
}

Test(introspection_json, of_nothing)
{
	char out[8];
	struct json_text text = {.at = out, .room = sizeof(out)};

	json_end(&text);
	cr_expect_str_eq(out, "{}");
	cr_expect_eq(text.bytes, 2);
}

/* -- reading ----------------------------------------------------------------------------------- */

static char seen[256];

static int note(const char *name, size_t bytes, int64_t value, void *context)
{
	const size_t used = strlen(seen);

	snprintf(seen + used, sizeof(seen) - used, "%.*s=%" PRId64 ";", (int)bytes, name, value);
	return context && !strncmp(name, context, bytes) ? PLINTH_E_PERM : 0;
}

/* In memory of its own: what reads beyond it is found by who looks at memory. */
static int read_text(const char *text, size_t bytes, const char *refuse)
{
	char *copy = malloc(bytes ? bytes : 1);
	int err;

	memcpy(copy, text, bytes);
	seen[0] = '\0';
	err = json_read(copy, bytes, note, (void *)refuse);
	free(copy);
	return err;
}

Test(introspection_json, objects)
{
	static const struct {
		const char *text, *seen;
	} good[] = {{"{}", ""},
		    {" { } ", ""},
		    {"{\"a\":1}", "a=1;"},
		    {"\t{\n\"R08\" : -5 ,\r\"MSR_EFER\":0}", "R08=-5;MSR_EFER=0;"},
		    {"{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
		     "a=9223372036854775807;b=-9223372036854775808;"},
		    {"{\"\":-0}", "=0;"}};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_expect_eq(read_text(good[i].text, strlen(good[i].text) + 1, NULL), 0, "%s", good[i].text);
		cr_expect_str_eq(seen, good[i].seen);
		cr_expect_eq(read_text(good[i].text, strlen(good[i].text), NULL), PLINTH_E_INVAL,
			     "no NUL: %s", good[i].text);
	}
}

Test(introspection_json, what_is_none)
{
	static const char *const bad[] = {"",
					  " ",
					  "1",
					  "[]",
					  "{",
					  "}",
					  "{,}",
					  "{\"a\"}",
					  "{\"a\":}",
					  "{\"a\":1",
					  "{\"a\":1,}",
					  "{a:1}",
					  "{\"a:1}",
					  "{\"a\":01}",
					  "{\"a\":-}",
					  "{\"a\":+1}",
					  "{\"a\":1.0}",
					  "{\"a\":1e3}",
					  "{\"a\":0x1}",
					  "{\"a\":true}",
					  "{\"a\":\"1\"}",
					  "{\"a\":{}}",
					  "{\"a\":1}}",
					  "{\"a\":1} x",
					  "{\"a\":9223372036854775808}",
					  "{\"a\":-9223372036854775809}",
					  "{\"a\":99999999999999999999999}",
					  "{\"\\u0061\":1}",
					  "{\"a b\":1}",
					  "{\"a\":1 \"b\":2}"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(read_text(bad[i], strlen(bad[i]) + 1, NULL), PLINTH_E_INVAL, "%s", bad[i]);
}

Test(introspection_json, a_refusal_ends_it)
{
	cr_expect_eq(read_text("{\"a\":1,\"b\":2,\"c\":3}", 20, "b"), PLINTH_E_PERM);
	cr_expect_str_eq(seen, "a=1;b=2;");
}

/* Whatever this one takes, json-c takes, too. */
Test(introspection_json, chance)
{
	static const char alphabet[] = "{}\":,-0123456789ab \n[]\\.e\0";
	uint64_t chance = 0x9e3779b97f4a7c15ull;
	unsigned int taken = 0;

	for (unsigned int i = 0; i < 300000; i++) {
		char text[16] = "{\"a\":1,\"b\":-2}";

		for (unsigned int changes = i % 3; changes--;) {
			chance ^= chance << 13;
			chance ^= chance >> 7;
			chance ^= chance << 17;
			text[chance % 15] = alphabet[chance / 16 % sizeof(alphabet)];
		}
		if (!read_text(text, 15, NULL)) {
			struct json_object *object = json_tokener_parse(text);

			cr_expect_not_null(object, "%s", text);
			json_object_put(object);
			taken++;
		}
	}
	cr_expect_gt(taken, 100000u);
}
