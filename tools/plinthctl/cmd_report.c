/* SPDX-License-Identifier: MIT */
/* report: one text with everything that a report of a bug needs. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"

#define DEFAULT_FILE "plinth-report.txt"

/* What is put in, each by a command of the shell; $P is this program. */
static const struct {
	const char *title, *command;
} sections[] = {
	{"kernel", "cat /proc/version /proc/cmdline; cat /proc/sys/kernel/tainted"},
	{"processor", "sed '/^$/q' /proc/cpuinfo; grep -c ^processor /proc/cpuinfo"},
	{"other users of VT-x", "grep -E '^(kvm|vbox|vmmon)' /proc/modules || echo none"},
	{"Secure Boot and lockdown", "cat /sys/kernel/security/lockdown 2>/dev/null || echo unknown"},
	{"driver", "grep '^plinth ' /proc/modules || echo 'not loaded'; cat /sys/module/plinth/srcversion 2>/dev/null"},
	{"status", "\"$P\" status"},
	{"modules", "\"$P\" modules"},
	{"counters", "\"$P\" stat"},
	{"VMM's log", "\"$P\" log"},
	{"last exits", "\"$P\" trace"},
	{"kernel's log", "dmesg 2>&1 | grep -iE 'plinth|vmx|kvm|BUG|WARNING|Oops|Call Trace' | tail -n 200"},
};

static const struct argp_option option_list[] = {
	{"output", 'o', "FILE", 0, "where to (default: " DEFAULT_FILE "); - for standard output", 0},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	const char **file = state->input;

	switch (key) {
	case 'o': *file = word; return 0;
	case ARGP_KEY_ARG: argp_error(state, "no argument is wanted, but there is \"%s\"", word); return EINVAL;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static void add_section(FILE *to, const char *title, const char *command)
{
	char line[4096];
	FILE *from;

	fprintf(to, "== %s\n", title);
	snprintf(line, sizeof(line), "{ %s; } 2>&1", command);
	fflush(to);
	from = popen(line, "re");
	while (from && fgets(line, sizeof(line), from))
		fputs(line, to);
	if (from)
		pclose(from);
	fputc('\n', to);
}

int cmd_report(int argc, char **argv)
{
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.doc = "Write one file with all that a report of a bug needs. It holds kernel addresses: read it "
		       "before you publish it. Without root it says what it could not get.",
	};
	const char *name = DEFAULT_FILE;
	char self[PATH_MAX] = "plinthctl";
	FILE *to;

	argp_parse(&argp, argc, argv, 0, NULL, &name);
	to = strcmp(name, "-") ? fopen(name, "we") : stdout;
	if (!to) {
		error_line("report: %s: %s", name, strerror(errno));
		return EXIT_FAILED;
	}
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		setenv("P", self, 1);
	fprintf(to, "Plinth %s\n\n", PLINTH_VERSION_TEXT);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		add_section(to, sections[i].title, sections[i].command);
	if (to != stdout) {
		fclose(to);
		printf("report: written to %s\n", name);
	}
	return EXIT_OK;
}
