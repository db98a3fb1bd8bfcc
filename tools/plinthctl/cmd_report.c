/* SPDX-License-Identifier: MIT */
/* report: one text with everything that a report of a bug needs. */
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
#include "output.h"

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

static struct {
	const char *file; /* NULL: the default one */
	bool json;
} options;

static const struct option_row rows[] = {
	{"output", 'o', "FILE", "where to (default: " DEFAULT_FILE ", or .json); - for standard output",
	 option_file, &options.file, 0},
	{"json", 'j', NULL, "write JSON, errors too", option_json, &options.json, 0},
	{0},
};

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

static void write_report_text(FILE *to)
{
	fprintf(to, "Plinth %s\n\n", PLINTH_VERSION_TEXT);
	for (size_t i = 0; i < N_SECTIONS; i++) {
		char *text = output_of(sections[i].command);

		fprintf(to, "== %s\n%s\n", sections[i].title, text ? text : "out of memory\n");
		free(text);
	}
}

static void write_report_json(FILE *to)
{
	struct json_object *document = json_object_new_object();

	json_add_text(document, "plinth", PLINTH_VERSION_TEXT);
	for (size_t i = 0; i < N_SECTIONS; i++) {
		char *text = output_of(sections[i].command);

		json_object_object_add(document, sections[i].title,
				       text ? json_object_new_string(text) : NULL);
		free(text);
	}
	write_json(to, document);
}

static void say_where(void)
{
	struct json_object *document;

	if (!options.json) {
		printf("report: written to %s\n", options.file);
		return;
	}
	document = json_object_new_object();
	json_add_text(document, "file", options.file);
	print_json(document);
}

static int write_report(void)
{
	FILE *to = strcmp(options.file, "-") ? fopen(options.file, "we") : stdout;
	bool good = to;

	if (to && options.json)
		write_report_json(to);
	else if (to)
		write_report_text(to);
	good = good && !fflush(to) && !ferror(to);
	if (!good)
		error_line("report: %s: cannot be written: %s", options.file, strerror(errno));
	if (to && to != stdout) {
		fclose(to);
		if (good)
			say_where();
	}
	return good ? EXIT_OK : EXIT_FAILED;
}

int cmd_report(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Write one file with all that a report of a bug needs. It holds kernel addresses: "
			 "read it before you publish it. Without root it says what it could not get.",
		.rows = rows,
	};
	char self[PATH_MAX] = "plinthctl";

	options_take(argc, argv, &table);
	if (!options.file)
		options.file = options.json ? DEFAULT_FILE_JSON : DEFAULT_FILE;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		setenv("P", self, 1);
	return write_report();
}
