/* SPDX-License-Identifier: MIT */
/* debug: ask the module debug_fault for a crash. The hypercall is made right here, in user mode. */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plinth/debug_fault.h>

#include "commands.h"
#include "device.h"
#include "options.h"

struct options {
	int kind;
	int cpu;
	unsigned int words;
	bool json;
};

static const char *const kinds[DEBUG_FAULT_COUNT] = {
#define DEBUG_FAULT_NAME(name, text) text,
	DEBUG_FAULT_KINDS(DEBUG_FAULT_NAME)
#undef DEBUG_FAULT_NAME
};

static const struct argp_option option_list[] = {
	{"cpu", 'c', "NUMBER", 0, "the CPU to crash on (default: 0)", 0},
	{"json", 'j', NULL, 0, "print JSON, errors too", 0},
	{0},
};

static int parse_kind(struct argp_state *state, const char *word)
{
	for (int i = 0; i < DEBUG_FAULT_COUNT; i++)
		if (!strcmp(word, kinds[i]))
			return i;
	fprintf(stderr, "%s: no fault \"%s\"; there are:", state->name, word);
	for (int i = 0; i < DEBUG_FAULT_COUNT; i++)
		fprintf(stderr, " %s", kinds[i]);
	fputc('\n', stderr);
	exit(EXIT_USAGE);
}

static int parse_cpu(struct argp_state *state, const char *word)
{
	char *end;
	long cpu = strtol(word, &end, 10);

	if (end == word || *end || cpu < 0 || cpu >= CPU_SETSIZE)
		argp_error(state, "CPU \"%s\": not a number", word);
	return (int)cpu;
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c': options->cpu = parse_cpu(state, word); return 0;
	case 'j': options_take_json(&options->json); return 0;
	case ARGP_KEY_ARG:
		if (options->words == 0 && strcmp(word, "fault"))
			argp_error(state, "\"%s\": only faults can be asked for", word);
		if (options->words == 1)
			options->kind = parse_kind(state, word);
		if (options->words++ == 2)
			argp_error(state, "one fault at a time, but there is \"%s\"", word);
		return 0;
	case ARGP_KEY_END:
		if (options->words != 2)
			argp_error(state, "which fault?");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static sigjmp_buf refused;

static void on_refusal(int signal_number)
{
	siglongjmp(refused, signal_number);
}

static long hypercall(long number, long argument)
{
	long result = number;

	__asm__ volatile("vmcall" : "+a"(result) : "c"(argument) : "memory");
	return result;
}

static int go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		return 0;
	error_line("debug: CPU %d: %s", cpu, strerror(errno));
	return -1;
}

static void print_done(const struct options *options)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "fault", json_object_new_string(kinds[options->kind]));
	json_object_object_add(o, "cpu", json_object_new_int(options->cpu));
	print_json(o);
}

/* After a crash the instruction is tried again, by a CPU that knows no VMM any more. */
static int fault(const struct options *options)
{
	struct sigaction action = {.sa_handler = on_refusal};

	sigaction(SIGILL, &action, NULL);
	if (sigsetjmp(refused, 1)) {
		error_line("debug: nobody answered on CPU %d: the VMM crashed, or is not running with debug_fault",
			   options->cpu);
		return EXIT_FAILED;
	}
	if (!hypercall((long)DEBUG_FAULT_HYPERCALL, options->kind)) {
		if (options->json)
			print_done(options);
		return EXIT_OK;
	}
	error_line("debug: the module does not know this fault");
	return EXIT_FAILED;
}

int cmd_debug(int argc, char **argv)
{
	struct options options = {0};
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.args_doc = "fault KIND",
		.doc = "Make the VMM crash on purpose; wants the module debug_fault (load --add).",
	};

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	return go_to(options.cpu) ? EXIT_FAILED : fault(&options);
}
