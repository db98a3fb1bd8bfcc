/* SPDX-License-Identifier: MIT */
/* plinthctl: controls Plinth through /dev/plinth. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "error_line.h"
#include "output.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"load", cmd_load, "link modules and initialise the VMM"},
	{"start", cmd_start, "put every CPU under the VMM"},
	{"stop", cmd_stop, "give every CPU back"},
	{"unload", cmd_unload, "free all of it"},
	{"status", cmd_status, "show the state, addresses, sizes and times"},
	{"modules", cmd_modules, "list the loaded modules"},
	{"maps", cmd_maps, "show what the VMM's page tables hold"},
	{"stat", cmd_stat, "show the exit counts by CPU and kind"},
	{"log", cmd_log, "show or follow the VMM's log, set its levels"},
	{"trace", cmd_trace, "show the last exits (with the extension exit_tracer)"},
	{"call", cmd_call, "send a message to an extension, print its answer"},
	{"events", cmd_events, "show accesses of pages and writes of MSRs (with the extension events)"},
	{"introspect", cmd_introspect, "run a program that looks at the machine's memory, such as LibVMI's"},
	{"peek", cmd_peek, "show memory of a process, the kernel, or the machine"},
	{"poke", cmd_poke, "change such memory"},
	{"v2p", cmd_v2p, "find the physical address of one of a process or the kernel"},
	{"regs", cmd_regs, "show the registers of a CPU"},
	{"report", cmd_report, "write one file with all that a report of a bug needs"},
	{"symbols", cmd_symbols, "put the modules' symbols where they run, for a debugger"},
	{"debug", cmd_debug, "make the VMM crash, with the module debug_fault"},
	{"check", cmd_check, "say whether modules would load together, and why not"},
	{"link", cmd_link, "link modules here, without running them, and show the result"},
	{"plan", cmd_plan, "record what modules are bound to, for a faster load"},
	{"vmi-profile", cmd_vmi_profile, "write what LibVMI has to know of the running kernel"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_commands(FILE *to)
{
	fprintf(to, "usage: plinthctl COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-11s %s\n", commands[i].name, commands[i].summary);
	fprintf(to, "\nplinthctl COMMAND --help says more, plinthctl --version which this is. Exit status: 0 "
		    "done, 1 failed, 2 wrong usage.\n");
}

static int run_named(size_t command, int argc, char **argv)
{
	char name[32], help[] = "--help";

	snprintf(name, sizeof(name), "plinthctl %s", commands[command].name);
	argv[0] = name;
	/* A single -h is no option of any command; whoever gives it wants to know them. */
	if (argc == 2 && !strcmp(argv[1], "-h"))
		argv[1] = help;
	argp_err_exit_status = EXIT_USAGE;
	return output_finish(commands[command].run(argc, argv));
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_commands(stdout);
		return output_finish(EXIT_OK);
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("plinthctl " PLINTH_VERSION_TEXT);
		return output_finish(EXIT_OK);
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return run_named(i, argc - 1, argv + 1);
	error_line("no command \"%s\"; plinthctl --help lists them", argv[1]);
	return EXIT_USAGE;
}
