/* SPDX-License-Identifier: MIT */
#include "error_line.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "foreign.h"
#include "output.h"

#define LINE_BYTES 4096 /* the rest is cut */

static bool as_json;

void error_lines_json(void)
{
	as_json = true;
}

static void write_text_line(const char *before, const char *text)
{
	fflush(stdout);
	fputs(before, stderr);
	foreign_print(stderr, text);
	fputc('\n', stderr);
}

void error_line(const char *format, ...)
{
	char text[LINE_BYTES];
	struct json_object *item;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!as_json) {
		write_text_line("plinthctl: ", text);
		return;
	}
	fflush(stdout);
	item = json_object_new_object();
	json_add_text(item, "error", text);
	write_json_line(stderr, item);
}

void note_line(const char *format, ...)
{
	char text[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	write_text_line("", text);
}

void usage_line(const char *name, const char *text)
{
	char before[64];

	snprintf(before, sizeof(before), "%s: ", name);
	write_text_line(before, text);
}
