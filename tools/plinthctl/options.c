/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <argp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "error_line.h"
#include "log_lines.h"
#include "number.h"
#include "shared.h"

#define ROWS_MAX  16
#define NO_LETTER 0x100 /* from here on argp takes a key for no letter */
#define PAGE	  4096u

/* What is being parsed, for usage_error(). */
static struct argp_state *parser;
static const struct option_row *taken; /* NULL: no option */
static const char *taken_word;

void usage_error(const char *format, ...)
{
	char text[1024];
	int n = 0;
	va_list args;

	if (taken)
		n = snprintf(text, sizeof(text), "--%s %.256s: ", taken->name, taken_word ? taken_word : "");
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	va_end(args);
	usage_line(parser->name, text);
	argp_state_help(parser, stderr, ARGP_HELP_STD_ERR);
	exit(EXIT_USAGE);
}

/* -- values ------------------------------------------------------------------------------ */

void option_flag(const char *word, void *to)
{
	(void)word;
	*(bool *)to = true;
}

void option_json(const char *word, void *to)
{
	option_flag(word, to);
	error_lines_json();
}

void option_text(const char *word, void *to)
{
	*(const char **)to = word;
}

void option_file(const char *word, void *to)
{
	if (!*word)
		usage_error("the name is empty");
	option_text(word, to);
}

void option_cpu(const char *word, void *to)
{
	uint64_t cpu;

	if (!number_parse(word, "", SHARED_MAX_CPUS - 1, &cpu))
		usage_error("wants the number of a CPU");
	*(int *)to = (int)cpu;
}

void option_count(const char *word, void *to)
{
	uint64_t *count = to;

	if (!number_parse(word, "", UINT64_MAX, count) || !*count)
		usage_error("wants a number from 1");
}

void option_size(const char *word, void *to)
{
	if (!number_parse(word, "KMG", UINT64_MAX, to))
		usage_error("wants a number of bytes, or one with K, M or G");
}

void option_page(const char *word, void *to)
{
	uint64_t *address = to;

	if (!number_parse(word, "", UINT64_MAX, address) || *address % PAGE)
		usage_error("wants a multiple of %u below 2^64, such as 0x10000000", PAGE);
}

void option_level(const char *word, void *to)
{
	*(int *)to = log_level_parse(word);
	if (*(int *)to < 0)
		usage_error("wants error, warn, info or debug");
}

double option_seconds(const char *word, double least, double most)
{
	char *end;
	double seconds = strtod(word, &end);

	if (end == word || *end || !(seconds >= least && seconds <= most))
		usage_error("wants %.10g to %.10g seconds", least, most);
	return seconds;
}

/* -- the table ----------------------------------------------------------------------------- */

static int key_of(const struct option_table *table, size_t row)
{
	return table->rows[row].letter ? table->rows[row].letter : NO_LETTER + (int)row;
}

static void take_words(const struct option_table *table, struct argp_state *state)
{
	char **list = state->argv + state->next;
	int n = state->argc - state->next;

	if (!table->words)
		usage_error("no argument is wanted, but there is \"%s\"", *list);
	*table->words = (struct option_words){list, n};
}

static error_t take_key(int key, char *word, struct argp_state *state)
{
	const struct option_table *table = state->input;

	parser = state;
	if (key == ARGP_KEY_ARGS)
		take_words(table, state);
	if (key == ARGP_KEY_END && table->no_words && !table->words->n)
		usage_error("%s", table->no_words);
	if (key == ARGP_KEY_END && table->judge)
		table->judge();
	for (size_t i = 0; table->rows[i].name; i++) {
		if (key != key_of(table, i))
			continue;
		taken = &table->rows[i];
		taken_word = word;
		taken->take(word, taken->to);
		taken = NULL;
		return 0;
	}
	return key == ARGP_KEY_ARGS || key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

void options_take(int argc, char **argv, const struct option_table *table)
{
	struct argp_option options[ROWS_MAX + 1] = {0};
	const struct argp argp = {
		.options = options,
		.parser = take_key,
		.args_doc = table->words_about,
		.doc = table->about,
	};

	for (size_t i = 0; table->rows[i].name && i < ROWS_MAX; i++) {
		const struct option_row *row = &table->rows[i];

		options[i] = (struct argp_option){row->name,  key_of(table, i), row->value,
						  row->flags, row->about,	0};
	}
	argp_parse(&argp, argc, argv, 0, NULL, (void *)table);
}

bool options_json(int argc, char **argv, const char *about)
{
	bool json = false;
	const struct option_row rows[] = {
		{"json", 'j', NULL, "print JSON, errors too", option_json, &json, 0},
		{0},
	};
	const struct option_table table = {.about = about, .rows = rows};

	options_take(argc, argv, &table);
	return json;
}
