/* SPDX-License-Identifier: MIT */
/* log: the lines of all CPUs by time, now or as they come; and how much is logged. */
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
#include "output.h"
#include "shared.h"
#include "tsc.h"

#define FOLLOW_MS 200u

static struct {
	bool json, follow, colour, set;
	double since;	/* seconds; 0: all */
	int level, cpu; /* cpu -1: all */
	struct plinth_ctl_level new_level;
} options = {.level = PLINTH_LOG_DEBUG, .cpu = -1, .new_level.size = sizeof(options.new_level)};

static void take_since(const char *word, void *to)
{
	*(double *)to = option_seconds(word, 0.001, 1e9);
}

static void take_set(const char *word, void *to)
{
	struct plinth_ctl_level *level = to;
	const char *equals = strchr(word, '='), *name = equals ? equals + 1 : word;
	size_t length = equals ? (size_t)(equals - word) : 0;
	int value = log_level_parse(name);

	if (equals && !strcmp(name, "default"))
		value = PLINTH_LEVEL_DEFAULT;
	if (value < 0 || (equals && (!length || length >= sizeof(level->tag))))
		usage_error("wants LEVEL or TAG=LEVEL, LEVEL being error, warn, info or debug, TAG a "
			    "component as the log names it");
	/* The log keeps six characters of a tag. */
	memcpy(level->tag, word, length > 6 ? 6 : length);
	level->level = (uint32_t)value;
	options.set = true;
}

static const struct option_row rows[] = {
	{"follow", 'f', NULL, "go on with the lines that come", option_flag, &options.follow, 0},
	{"since", 's', "SECONDS", "lines of the last SECONDS only", take_since, &options.since, 0},
	{"level", 'l', "LEVEL", "show lines up to error, warn, info or debug (the default)", option_level,
	 &options.level, 0},
	{"cpu", 'c', "N", "lines of this CPU only", option_cpu, &options.cpu, 0},
	{"set", 'S', "[TAG=]LEVEL",
	 "from now on log up to LEVEL, all components or the one with this tag; TAG=default ends its own "
	 "level",
	 take_set, &options.new_level, 0},
	{"json", 'j', NULL, "one JSON object a line, errors too", option_json, &options.json, 0},
	{0},
};

static void print_log_line_json(const struct log_line *line)
{
	const struct plinth_log_record *record = &line->record;
	struct json_object *item = json_object_new_object();
	char tag[sizeof(record->tag) + 1];

	snprintf(tag, sizeof(tag), "%.6s", record->tag);
	json_add_number(item, "tsc", record->tsc);
	json_add_number(item, "cpu", line->cpu);
	json_add_number(item, "sequence", record->sequence);
	json_add_text(item, "level", log_level_name(record->level));
	json_add_text(item, "tag", tag);
	json_add_text(item, "text", record->text);
	json_object_object_add(item, "truncated", json_object_new_boolean(record->truncated));
	write_json_line(stdout, item);
}

static void print_log_line(const struct log_line *line)
{
	static const char *const colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};
	const struct plinth_log_record *record = &line->record;
	const char *on = options.colour && record->level <= PLINTH_LOG_DEBUG ? colours[record->level] : "";

	printf("%s%16" PRIu64 " cpu %u %-5s %.6s: %s%s%s\n", on, record->tsc, line->cpu,
	       log_level_name(record->level), record->tag, record->text, record->truncated ? "..." : "",
	       *on ? "\033[0m" : "");
}

static bool is_wanted(const struct log_line *line, uint64_t oldest)
{
	return line->record.level <= options.level && line->record.tsc >= oldest &&
	       (options.cpu < 0 || (uint32_t)options.cpu == line->cpu);
}

static void print_log(const struct log_lines *log, uint64_t oldest)
{
	if (log->missed)
		error_line("log: %" PRIu64 " lines were overwritten before they could be read", log->missed);
	for (size_t i = 0; i < log->n; i++) {
		if (!is_wanted(&log->lines[i], oldest))
			continue;
		if (options.json)
			print_log_line_json(&log->lines[i]);
		else
			print_log_line(&log->lines[i]);
	}
	fflush(stdout);
}

/* The log as it is now; 0, or the exit status when it cannot be read. */
static int show_log_once(uint64_t *seen, uint64_t oldest)
{
	struct plinth_shared *shared = shared_get("log");
	struct log_lines log;

	if (!shared || shared->n_cpus > SHARED_MAX_CPUS || log_lines_read(shared, seen, &log)) {
		free(shared);
		return EXIT_FAILED;
	}
	print_log(&log, oldest);
	free(log.lines);
	free(shared);
	return EXIT_OK;
}

static int show_log(void)
{
	static uint64_t seen[SHARED_MAX_CPUS];
	uint64_t oldest = options.since > 0 ? tsc_before(options.since) : 0;
	int status = show_log_once(seen, oldest);

	while (status == EXIT_OK && options.follow && !output_wait(FOLLOW_MS))
		status = show_log_once(seen, oldest);
	return status;
}

int cmd_log(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Show the VMM's log, oldest line first: time stamp counter, CPU, level, component, "
			 "text.",
		.rows = rows,
	};

	options_take(argc, argv, &table);
	options.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	if (options.set)
		return device_call("log", PLINTH_CTL_LEVEL, &options.new_level) ? EXIT_FAILED : EXIT_OK;
	return show_log();
}
