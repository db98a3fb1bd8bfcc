/* SPDX-License-Identifier: MIT */
#include "foreign.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Bytes of the UTF-8 character there, and which it is; 0: none. Neither longer than need be, nor a surrogate.
 */
static size_t character(const uint8_t *at, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length, i;

	if (*at < 0x80) {
		*code = *at;
		return *at != 0;
	}
	length = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
	if (*at < 0xc2 || *at > 0xf4)
		return 0;
	*code = *at & (0x7f >> length);
	for (i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (at[i] & 0x3f);
	}
	return *code >= least[length] && *code <= 0x10ffff && *code >> 11 != 0x1b ? length : 0;
}

/* Unicode "Cc", and what changes the direction of text or ends a line: "Zl", "Zp", Bidi_Control. */
static bool acts(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* At most four times as long as the text, and a NUL. */
static char *escape(const char *text, size_t most, bool terminal)
{
	const uint8_t *at = (const uint8_t *)text, *end = at + strnlen(text, most);
	char *copy = malloc(4 * (size_t)(end - at) + 1), *to = copy;
	uint8_t piece[5] = {0};

	while (copy && at < end) {
		uint32_t code;
		size_t length, room = (size_t)(end - at);

		/* The end may cut a character. */
		memset(piece, 0, sizeof(piece));
		memcpy(piece, at, room < 4 ? room : 4);
		length = character(piece, &code);
		if (length && code == '\\') {
			memcpy(to, "\\\\", 2);
			to += 2;
		} else if (length && !(terminal && acts(code))) {
			memcpy(to, at, length);
			to += length;
		} else {
			if (!length)
				length = 1;
			for (size_t i = 0; i < length; i++)
				to += sprintf(to, "\\x%02x", at[i]);
		}
		at += length;
	}
	if (copy)
		*to = '\0';
	return copy;
}

void foreign_print(FILE *to, const char *text)
{
	char *shown = escape(text, SIZE_MAX, true);

	fputs(shown ? shown : "?", to);
	free(shown);
}

struct json_object *foreign_json_n(const char *text, size_t most)
{
	char *shown = escape(text, most, false);
	struct json_object *string = json_object_new_string(shown ? shown : "");

	free(shown);
	return string;
}

struct json_object *foreign_json(const char *text)
{
	return foreign_json_n(text ? text : "", SIZE_MAX);
}
