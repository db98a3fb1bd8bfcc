/* SPDX-License-Identifier: MIT */
#include <format.h>

#include "internal.h"

static void grow(struct json_text *text, int bytes)
{
	text->bytes += (size_t)bytes;
}

static char *unwritten(const struct json_text *text)
{
	return text->bytes < text->room ? text->at + text->bytes : NULL;
}

static size_t room_left(const struct json_text *text)
{
	return text->bytes < text->room ? text->room - text->bytes : 0;
}

void json_number(struct json_text *text, const char *name, int64_t value)
{
	grow(text, plinth_snprintf(unwritten(text), room_left(text), "%s\"%s\":%lld", text->bytes ? "," : "{",
				   name, (long long)value));
}

void json_end(struct json_text *text)
{
	grow(text, plinth_snprintf(unwritten(text), room_left(text), text->bytes ? "}" : "{}"));
}
