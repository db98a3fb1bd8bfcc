/* SPDX-License-Identifier: MIT */
/* report: one text with everything that a report of a bug needs. */
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "error_line.h"
#include "options.h"

#define DEFAULT_FILE	  "plinth-report.txt"
#define DEFAULT_FILE_JSON "plinth-report.json"

/* What is put in, each by a command of the shell; $P is this program. */
static const struct {
	const char *title, *command;
} sections[] = {
	{"kernel", "cat /proc/version /proc/cmdline; cat /proc/sys/kernel/tainted"},
	{"processor", "sed '/^$/q' /proc/cpuinfo; grep -c ^processor /proc/cpuinfo"},
	{"other hypervisors", "grep -E '^(kvm|vbox|vmmon)' /proc/modules || echo none"},
	{"Secure Boot and lockdown",
	 "cat /sys/kernel/security/lockdown 2>/dev/null || echo unknown; "
	 "echo only signed modules: $(cat /sys/module/module/parameters/sig_enforce)"},
	{"driver",
	 "grep '^plinth ' /proc/modules || echo 'not loaded'; cat /sys/module/plinth/srcversion 2>/dev/null"},
	{"status", "\"$P\" status"},
	{"modules", "\"$P\" modules"},
	{"counters", "\"$P\" stat"},
	{"VMM's log", "\"$P\" log"},
	{"last exits", "\"$P\" trace"},
	{"kernel's log", "dmesg 2>&1 | grep -iE 'plinth|vmx|kvm|BUG|WARNING|Oops|Call Trace' | tail -n 200"},
};

#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

struct options {
	const char *file; /* NULL: the default one */
	bool json;
};

static const struct argp_option option_list[] = {
	{"output", 'o', "FILE", 0, "where to (default: " DEFAULT_FILE ", or .json); - for standard output",
	 0},
	{"json", 'j', NULL, 0, "write JSON, errors too", 0},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'o': options->file = word; return 0;
	default: return options_usual(key, word, state, &options->json);
	}
}

/* What the shell prints for the command, errors too, in memory to be freed; NULL: no memory for it. */
static char *output_of(const char *command)
{
	char line[4096], *text = NULL;
	size_t size = 0;
	FILE *from, *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	snprintf(line, sizeof(line), "{ %s; } 2>&1", command);
	from = popen(line, "re");
	while (from && fgets(line, sizeof(line), from))
		fputs(line, to);
	if (from)
		pclose(from);
	fclose(to);
	return text;
}

static void write_text(FILE *to)
{
	fprintf(to, "Plinth %s\n\n", PLINTH_VERSION_TEXT);
	for (size_t i = 0; i < N_SECTIONS; i++) {
		char *text = output_of(sections[i].command);

		fprintf(to, "== %s\n%s\n", sections[i].title, text ? text : "out of memory\n");
		free(text);
	}
}

static void write_json(FILE *to)
{
	struct json_object *document = json_object_new_object();

	json_object_object_add(document, "plinth", json_object_new_string(PLINTH_VERSION_TEXT));
	for (size_t i = 0; i < N_SECTIONS; i++) {
		char *text = output_of(sections[i].command);

		json_object_object_add(document, sections[i].title,
				       text ? json_object_new_string(text) : NULL);
		free(text);
	}
	fprintf(to, "%s\n",
		json_object_to_json_string_ext(document,
					       JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(document);
}

/* The line that says where it is. */
static void say_where(const char *name, bool json)
{
	struct json_object *document;

	if (!json) {
		printf("report: written to %s\n", name);
		return;
	}
	document = json_object_new_object();
	json_object_object_add(document, "file", json_object_new_string(name));
	print_json(document);
}

static int write_report(const char *name, bool json)
{
	FILE *to = strcmp(name, "-") ? fopen(name, "we") : stdout;
	bool failed;

	if (!to) {
		error_line("report: %s: %s", name, strerror(errno));
		return EXIT_FAILED;
	}
	if (json)
		write_json(to);
	else
		write_text(to);
	failed = fflush(to) || ferror(to);
	if (failed)
		error_line("report: %s: %s", name, strerror(errno));
	if (to != stdout) {
		fclose(to);
		if (!failed)
			say_where(name, json);
	}
	return failed ? EXIT_FAILED : EXIT_OK;
}

int cmd_report(int argc, char **argv)
{
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.doc = "Write one file with all that a report of a bug needs. It holds kernel addresses: "
		       "read it "
		       "before you publish it. Without root it says what it could not get.",
	};
	struct options options = {0};
	char self[PATH_MAX] = "plinthctl";

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (!options.file)
		options.file = options.json ? DEFAULT_FILE_JSON : DEFAULT_FILE;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		setenv("P", self, 1);
	return write_report(options.file, options.json);
}
