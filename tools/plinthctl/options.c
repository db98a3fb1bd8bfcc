/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "error_line.h"
#include "options.h"
#include "shared.h"

void options_take_json(bool *json)
{
	*json = true;
	error_lines_json();
}

error_t options_usual(int key, const char *word, struct argp_state *state, bool *json)
{
	switch (key) {
	case 'j': options_take_json(json); return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "no argument is wanted, but there is \"%s\"", word);
		return EINVAL;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	return options_usual(key, word, state, state->input);
}

static const struct argp_option json_only[] = {
	{"json", 'j', NULL, 0, "print JSON, errors too", 0},
	{0},
};

bool options_json(int argc, char **argv, const char *summary)
{
	const struct argp argp = {.options = json_only, .parser = parse, .doc = summary};
	bool json = false;

	argp_parse(&argp, argc, argv, 0, NULL, &json);
	return json;
}

int options_cpu(struct argp_state *state, const char *word)
{
	char *end;
	unsigned long cpu = strtoul(word, &end, 10);

	if (end == word || *end || *word == '-' || cpu >= SHARED_MAX_CPUS)
		argp_error(state, "CPU \"%s\": wants a number", word);
	return (int)cpu;
}

unsigned long options_count(struct argp_state *state, const char *option, const char *word)
{
	char *end;
	unsigned long count = strtoul(word, &end, 10);

	if (*end || *word == '-' || !count)
		argp_error(state, "%s %s: wants a number from 1", option, word);
	return count;
}

bool options_wait(unsigned int milliseconds)
{
	struct pollfd output = {.fd = STDOUT_FILENO};

	return poll(&output, 1, (int)milliseconds) > 0 && output.revents & POLLERR;
}

void print_json(struct json_object *document)
{
	puts(json_object_to_json_string_ext(document,
					    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(document);
}
