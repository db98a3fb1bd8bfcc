/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
/* introspect: run a program with a library preloaded that registers it with the driver (tools/introspect). */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "options.h"
#include "paging.h"
#include "program.h"

#define PRELOAD "LD_PRELOAD"

static struct {
	bool may_write;
	const char *preloaded;
	struct option_words program;
} options = {.preloaded = PLINTH_INTROSPECT_LIBRARY};

static const struct option_row rows[] = {
	{"allow-write", 'w', NULL, "let it change memory and registers, too", option_flag, &options.may_write,
	 0},
	{"library", 'L', "FILE", "preload this library (default: the installed one)", option_file,
	 &options.preloaded, 0},
	{0},
};

/* What an unmodified LibVMI stumbles over, without saying so. */
static void say_limits(void)
{
	cpu_set_t cpus;

	if (paging_has_five_levels())
		note_line("note: this kernel's page tables have five levels, and LibVMI knows four: boot it "
			  "with no5lvl");
	if (!sched_getaffinity(0, sizeof(cpus), &cpus) && !CPU_ISSET(0, &cpus))
		note_line("note: LibVMI reads the registers on CPU 0, where this process may not run "
			  "(taskset, cpuset)");
}

/* The dynamic linker takes what it does not find for a warning, and a space or a colon for the end. */
static int check_library(void)
{
	if (access(options.preloaded, R_OK)) {
		error_line("introspect: %s: %s", options.preloaded, strerror(errno));
		return -1;
	}
	if (strpbrk(options.preloaded, " \t:")) {
		error_line("introspect: %s: no library with spaces or colons in its name can be preloaded",
			   options.preloaded);
		return -1;
	}
	return 0;
}

static int set_environment(const char *library)
{
	const char *others = getenv(PRELOAD);
	char *all = NULL;
	int err = asprintf(&all, "%s%s%s", library, others && *others ? ":" : "", others ? others : "") < 0;

	err = err || setenv(PRELOAD, all, 1) ||
	      setenv("PLINTH_INTROSPECT", options.may_write ? "write" : "read", 1);
	free(all);
	return err ? -1 : 0;
}

/* Returns only if it fails. */
static void execute(const char *path)
{
	char *library = realpath(options.preloaded, NULL);

	if (!library || set_environment(library))
		error_line("introspect: %s: %s", options.preloaded, strerror(errno));
	else if (execv(path, options.program.list))
		error_line("introspect: %s: %s", path, strerror(errno));
	free(library);
}

int cmd_introspect(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Run PROGRAM, which may look at all of the machine's memory then, by the hypercalls "
			 "of LibVMI's driver for Bareflank, and so may what it executes. It ends with the "
			 "program, however that ends. Root's, with CAP_SYS_RAWIO, and of a kernel that is "
			 "not locked "
			 "down.",
		.rows = rows,
		.words_about = "-- PROGRAM [ARG...]",
		.words = &options.program,
		.no_words = "which program?",
	};
	const char *path;

	options_take(argc, argv, &table);
	path = program_find(options.program.list[0]);
	if (!path || check_library() ||
	    device_try_introspect(options.may_write ? PLINTH_INTROSPECT_WRITE : 0))
		return EXIT_FAILED;
	say_limits();
	execute(path);
	return EXIT_FAILED;
}
