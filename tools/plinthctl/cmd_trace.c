/* SPDX-License-Identifier: MIT */
/* trace: the last exits, as the extension exit_tracer remembers them. */
#define _GNU_SOURCE
#include <argp.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "exit_names.h"
#include "kernel_symbols.h"
#include "options.h"
#include "shared.h"

struct options {
	int kind, cpu; /* -1: all */
	size_t last;   /* 0: all there are */
	bool json;
	uint64_t record; /* kinds to be recorded from now on; 0: show what there is */
};

struct line {
	struct plinth_trace_record record;
	uint32_t cpu;
};

static const struct argp_option option_list[] = {
	{"record", 'r', "KIND,...", 0, "from now on record exits of these kinds only; \"all\" ends that", 0},
	{"exit", 'e', "KIND", 0, "exits of this kind only, e.g. cpuid or msr-write", 0},
	{"cpu", 'c', "N", 0, "exits of this CPU only", 0},
	{"last", 'n', "N", 0, "the last N only", 0},
	{"json", 'j', NULL, 0, "one JSON object a line, errors too", 0},
	{0},
};

/* Bits of a list of kinds, or the end of the program. */
static uint64_t parse_kinds(struct argp_state *state, char *list)
{
	uint64_t kinds = 0;
	char *word;

	if (!strcmp(list, "all"))
		return ~0ull;
	while ((word = strsep(&list, ","))) {
		int kind = exit_kind_parse(word);

		if (kind < 0)
			argp_error(state, "--record %s: no such kind; plinthctl stat --json names them",
				   word);
		else
			kinds |= 1ull << kind;
	}
	return kinds;
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'e':
		options->kind = exit_kind_parse(word);
		if (options->kind < 0)
			argp_error(state, "--exit %s: no such kind; plinthctl stat --json names them", word);
		return 0;
	case 'r': options->record = parse_kinds(state, word); return 0;
	case 'c': options->cpu = options_cpu(state, word); return 0;
	case 'n': options->last = options_count(state, "--last", word); return 0;
	default: return options_usual(key, word, state, &options->json);
	}
}

/* What is whole in a copy of a ring; a record being written has another number. */
static size_t collect_cpu(const struct plinth_shared_cpu *ring, const struct options *options, uint32_t cpu,
			  struct line *lines)
{
	size_t n = 0;

	for (size_t i = 0; i < PLINTH_TRACE_RECORDS; i++) {
		const struct plinth_trace_record *record = &ring->trace[i];

		if (!record->sequence || (options->kind >= 0 && record->kind != (uint32_t)options->kind))
			continue;
		lines[n].record = *record;
		lines[n++].cpu = cpu;
	}
	return n;
}

static size_t collect_trace(struct plinth_shared *shared, const struct options *options, struct line *lines,
			    bool *traced)
{
	size_t n = 0;

	for (uint32_t cpu = 0; cpu < shared->n_cpus; cpu++) {
		const struct plinth_shared_cpu *ring = plinth_shared_cpu(shared, cpu);

		*traced = *traced || ring->trace_head;
		if (options->cpu < 0 || (uint32_t)options->cpu == cpu)
			n += collect_cpu(ring, options, cpu, lines + n);
	}
	return n;
}

static int by_time(const void *left, const void *right)
{
	const struct line *a = left, *b = right;

	return (a->record.tsc > b->record.tsc) - (a->record.tsc < b->record.tsc);
}

static void print_line(const struct line *line)
{
	const struct plinth_trace_record *r = &line->record;
	char symbol[80];

	printf("%16" PRIu64 " cpu %u %-14s %6u ticks  detail %#" PRIx64 " rax %#" PRIx64 " rip %#" PRIx64
	       " %s\n",
	       r->tsc, line->cpu, exit_kind_name(r->kind), r->ticks, r->detail, r->rax, r->rip,
	       kernel_symbol(r->rip, symbol, sizeof(symbol)));
}

static void print_line_json(const struct line *line)
{
	const struct plinth_trace_record *r = &line->record;
	struct json_object *item = json_object_new_object();
	char symbol[80];

	json_object_object_add(item, "tsc", json_object_new_uint64(r->tsc));
	json_object_object_add(item, "cpu", json_object_new_uint64(line->cpu));
	json_object_object_add(item, "exit", json_object_new_string(exit_kind_name(r->kind)));
	json_object_object_add(item, "ticks", json_object_new_uint64(r->ticks));
	json_object_object_add(item, "detail", json_object_new_uint64(r->detail));
	json_object_object_add(item, "rax", json_object_new_uint64(r->rax));
	json_object_object_add(item, "rip", json_object_new_uint64(r->rip));
	json_object_object_add(item, "symbol",
			       json_object_new_string(kernel_symbol(r->rip, symbol, sizeof(symbol))));
	puts(json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(item);
}

static int show(struct plinth_shared *shared, const struct options *options, struct line *lines)
{
	bool traced = false;
	size_t n = collect_trace(shared, options, lines, &traced), first = 0;

	if (!traced) {
		error_line("trace: nobody traces: load with --add exit_tracer, and start");
		return EXIT_FAILED;
	}
	qsort(lines, n, sizeof(*lines), by_time);
	if (options->last && n > options->last)
		first = n - options->last;
	for (size_t i = first; i < n; i++)
		options->json ? print_line_json(&lines[i]) : print_line(&lines[i]);
	return EXIT_OK;
}

static int set_recorded(uint64_t kinds)
{
	struct plinth_ctl_trace arg = {.size = sizeof(arg), .kinds = kinds};
	int device = device_open(), status = EXIT_OK;

	if (device < 0)
		return EXIT_FAILED;
	if (device_call(device, PLINTH_CTL_TRACE, &arg))
		status = device_failed(device, "trace");
	close(device);
	return status;
}

int cmd_trace(int argc, char **argv)
{
	struct options options = {.kind = -1, .cpu = -1};
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.doc = "Show the last exits of each CPU, oldest first: time stamp counter, CPU, kind, ticks "
		       "in the "
		       "handler, detail, RAX, RIP. Needs the extension exit_tracer: load --add "
		       "exit_tracer.",
	};
	struct plinth_shared *shared;
	struct line *lines;
	int status = EXIT_FAILED;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (options.record)
		return set_recorded(options.record);
	shared = shared_get("trace");
	if (!shared)
		return EXIT_FAILED;
	lines = calloc((size_t)shared->n_cpus * PLINTH_TRACE_RECORDS, sizeof(*lines));
	if (lines)
		status = show(shared, &options, lines);
	else
		error_line("trace: out of memory");
	free(lines);
	free(shared);
	return status;
}
