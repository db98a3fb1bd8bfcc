/* SPDX-License-Identifier: MIT */
#include "error_line.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "foreign.h"

#define MOST 4096 /* bytes of a line; the rest is cut */

static bool as_json;

void error_lines_json(void)
{
	as_json = true;
}

static void print_object(const char *text)
{
	struct json_object *item = json_object_new_object();

	json_object_object_add(item, "error", foreign_json(text));
	fprintf(stderr, "%s\n",
		json_object_to_json_string_ext(item,
					       JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(item);
}

/* For people; @before is ours. */
static void print_text(const char *before, const char *text)
{
	fputs(before, stderr);
	foreign_print(stderr, text);
	fputc('\n', stderr);
}

static void print_error(const char *text)
{
	fflush(stdout);
	if (as_json)
		print_object(text);
	else
		print_text("plinthctl: ", text);
}

static void print_note(const char *text)
{
	print_text("", text);
}

static void print_formatted(void (*print)(const char *text), const char *format, va_list args)
{
	char text[MOST];

	vsnprintf(text, sizeof(text), format, args);
	print(text);
}

void error_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_formatted(print_error, format, args);
	va_end(args);
}

void note_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_formatted(print_note, format, args);
	va_end(args);
}
