/* SPDX-License-Identifier: MIT */
/* log: the lines of all CPUs by time, now or as they come; and how much is logged. */
#include <argp.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "foreign.h"
#include "log_lines.h"
#include "options.h"
#include "shared.h"
#include "tsc.h"

#define FOLLOW_MS 200u

struct options {
	bool json, follow, colour;
	double since;	/* seconds; 0: all */
	int level, cpu; /* cpu -1: all */
	const char *set;
};

static const struct argp_option option_list[] = {
	{"follow", 'f', NULL, 0, "go on with the lines that come", 0},
	{"since", 's', "SECONDS", 0, "lines of the last SECONDS only", 0},
	{"level", 'l', "LEVEL", 0, "show lines up to error, warn, info or debug (the default)", 0},
	{"cpu", 'c', "N", 0, "lines of this CPU only", 0},
	{"set", 'S', "[TAG=]LEVEL", 0,
	 "from now on log up to LEVEL, all components or the one with this tag; TAG=default ends its own "
	 "level",
	 0},
	{"json", 'j', NULL, 0, "one JSON object a line, errors too", 0},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'f': options->follow = true; return 0;
	case 's':
		options->since = strtod(word, &word);
		if (*word || options->since <= 0)
			argp_error(state, "--since: wants a number of seconds");
		return 0;
	case 'l':
		options->level = log_level_parse(word);
		if (options->level < 0)
			argp_error(state, "log level \"%s\": error, warn, info or debug", word);
		return 0;
	case 'c': options->cpu = options_cpu(state, word); return 0;
	case 'S': options->set = word; return 0;
	default: return options_usual(key, word, state, &options->json);
	}
}

static void print_json_line(const struct log_line *line)
{
	const struct plinth_log_record *record = &line->record;
	struct json_object *item = json_object_new_object();
	char tag[sizeof(record->tag) + 1];

	snprintf(tag, sizeof(tag), "%.6s", record->tag);
	json_object_object_add(item, "tsc", json_object_new_uint64(record->tsc));
	json_object_object_add(item, "cpu", json_object_new_uint64(line->cpu));
	json_object_object_add(item, "sequence", json_object_new_uint64(record->sequence));
	json_object_object_add(item, "level", json_object_new_string(log_level_name(record->level)));
	json_object_object_add(item, "tag", foreign_json(tag));
	json_object_object_add(item, "text", foreign_json(record->text));
	json_object_object_add(item, "truncated", json_object_new_boolean(record->truncated));
	puts(json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(item);
}

static void print_line(const struct log_line *line, bool colour)
{
	static const char *const colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};
	const struct plinth_log_record *record = &line->record;
	const char *on = colour && record->level <= PLINTH_LOG_DEBUG ? colours[record->level] : "";

	printf("%s%16" PRIu64 " cpu %u %-5s %.6s: %s%s%s\n", on, record->tsc, line->cpu,
	       log_level_name(record->level), record->tag, record->text, record->truncated ? "..." : "",
	       *on ? "\033[0m" : "");
}

static bool is_wanted(const struct options *options, const struct log_line *line, uint64_t oldest)
{
	return line->record.level <= options->level && line->record.tsc >= oldest &&
	       (options->cpu < 0 || (uint32_t)options->cpu == line->cpu);
}

static void print_lines(const struct options *options, const struct log_lines *log, uint64_t oldest)
{
	if (log->missed)
		error_line("log: %" PRIu64 " lines were overwritten before they could be read", log->missed);
	for (size_t i = 0; i < log->n; i++) {
		if (!is_wanted(options, &log->lines[i], oldest))
			continue;
		if (options->json)
			print_json_line(&log->lines[i]);
		else
			print_line(&log->lines[i], options->colour);
	}
	fflush(stdout);
}

/* The log as it is now; 0, or the exit status when it cannot be read. */
static int show_once(const struct options *options, uint64_t *seen, uint64_t oldest)
{
	struct plinth_shared *shared = shared_get("log");
	struct log_lines log;

	if (!shared || shared->n_cpus > SHARED_MAX_CPUS || log_lines_read(shared, seen, &log)) {
		free(shared);
		return EXIT_FAILED;
	}
	print_lines(options, &log, oldest);
	free(log.lines);
	free(shared);
	return EXIT_OK;
}

static int show(const struct options *options)
{
	static uint64_t seen[SHARED_MAX_CPUS];
	uint64_t oldest = options->since > 0 ? tsc_before(options->since) : 0;
	int status = show_once(options, seen, oldest);

	while (status == EXIT_OK && options->follow) {
		if (options_wait(FOLLOW_MS))
			break;
		status = show_once(options, seen, oldest);
	}
	return status;
}

/* [TAG=]LEVEL to what the driver takes; 0, or the exit status of a wrong word. */
static int parse_set(const char *word, struct plinth_ctl_level *level)
{
	const char *equals = strchr(word, '='), *name = equals ? equals + 1 : word;
	size_t length = equals ? (size_t)(equals - word) : 0;
	int value = log_level_parse(name);

	if (equals && !strcmp(name, "default"))
		value = PLINTH_LEVEL_DEFAULT;
	if (value < 0 || (equals && (!length || length >= sizeof(level->tag)))) {
		error_line("--set %s: wants LEVEL or TAG=LEVEL, LEVEL being error, warn, info or debug, TAG "
			   "a component as the log names it",
			   word);
		return EXIT_USAGE;
	}
	/* The log keeps six characters of a tag. */
	memcpy(level->tag, word, length > 6 ? 6 : length);
	level->level = (uint32_t)value;
	return EXIT_OK;
}

static int set_level(const char *word)
{
	struct plinth_ctl_level level = {.size = sizeof(level)};
	int status = parse_set(word, &level), device;

	if (status)
		return status;
	device = device_open();
	if (device < 0)
		return EXIT_FAILED;
	if (device_call(device, PLINTH_CTL_LEVEL, &level))
		status = device_failed(device, "log");
	close(device);
	return status;
}

int cmd_log(int argc, char **argv)
{
	struct options options = {.level = PLINTH_LOG_DEBUG, .cpu = -1};
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.doc = "Show the VMM's log, oldest line first: time stamp counter, CPU, level, component, "
		       "text.",
	};

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	options.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	return options.set ? set_level(options.set) : show(&options);
}
