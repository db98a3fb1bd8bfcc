/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "error_line.h"
#include "foreign.h"

static void write_json_as(FILE *to, struct json_object *document, int form)
{
	fprintf(to, "%s\n", json_object_to_json_string_ext(document, form | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(document);
}

void write_json(FILE *to, struct json_object *document)
{
	write_json_as(to, document, JSON_C_TO_STRING_PRETTY);
}

void print_json(struct json_object *document)
{
	write_json(stdout, document);
}

void write_json_line(FILE *to, struct json_object *item)
{
	write_json_as(to, item, JSON_C_TO_STRING_PLAIN);
}

void json_add_number(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

void json_add_address(struct json_object *to, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_object_object_add(to, key, json_object_new_string(text));
}

void json_add_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, foreign_json(text));
}

bool output_wait(unsigned int milliseconds)
{
	struct pollfd output = {.fd = STDOUT_FILENO};

	return poll(&output, 1, (int)milliseconds) > 0 && output.revents & POLLERR;
}

int output_finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	error_line("standard output: cannot be written: %s", strerror(errno));
	return status == EXIT_OK ? EXIT_FAILED : status;
}
