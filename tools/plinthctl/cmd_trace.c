/* SPDX-License-Identifier: MIT */
/* trace: the last exits, as the extension exit_tracer remembers them. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "device.h"
#include "kernel_symbols.h"
#include "lib/exit_kind.h"
#include "options.h"
#include "output.h"
#include "shared.h"

static struct {
	int kind, cpu; /* -1: all */
	uint64_t last; /* 0: all there are */
	bool json;
	struct plinth_ctl_trace record; /* kinds to be recorded from now on; none: show what there is */
} options = {.kind = -1, .cpu = -1, .record.size = sizeof(options.record)};

struct line {
	struct plinth_trace_record record;
	uint32_t cpu;
};

static int parse_kind(const char *name, size_t length)
{
	for (int kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		if (strlen(exit_kind_name((uint32_t)kind)) == length &&
		    !strncmp(name, exit_kind_name((uint32_t)kind), length))
			return kind;
	usage_error("no kind is called \"%.*s\"; plinthctl stat --json names them", (int)length, name);
}

static void take_kind(const char *word, void *to)
{
	*(int *)to = parse_kind(word, strlen(word));
}

static void take_kinds(const char *word, void *to)
{
	uint64_t *kinds = to;

	*kinds = !strcmp(word, "all") ? ~0ull : 0;
	while (*kinds != ~0ull) {
		size_t length = strcspn(word, ",");

		*kinds |= 1ull << parse_kind(word, length);
		if (!word[length])
			break;
		word += length + 1;
	}
}

static const struct option_row rows[] = {
	{"record", 'r', "KIND,...", "from now on record exits of these kinds only; \"all\" ends that",
	 take_kinds, &options.record.kinds, 0},
	{"exit", 'e', "KIND", "exits of this kind only, e.g. cpuid or msr-write", take_kind, &options.kind,
	 0},
	{"cpu", 'c', "N", "exits of this CPU only", option_cpu, &options.cpu, 0},
	{"last", 'n', "N", "the last N only", option_count, &options.last, 0},
	{"json", 'j', NULL, "one JSON object a line, errors too", option_json, &options.json, 0},
	{0},
};

/* What is whole in a copy of a ring; a record being written has another number. */
static size_t collect_cpu(const struct plinth_shared_cpu *ring, uint32_t cpu, struct line *lines)
{
	size_t n = 0;

	for (size_t i = 0; i < PLINTH_TRACE_RECORDS; i++) {
		const struct plinth_trace_record *record = &ring->trace[i];

		if (!record->sequence || (options.kind >= 0 && record->kind != (uint32_t)options.kind))
			continue;
		lines[n].record = *record;
		lines[n++].cpu = cpu;
	}
	return n;
}

static size_t collect_trace(struct plinth_shared *shared, struct line *lines, bool *traced)
{
	size_t n = 0;

	for (uint32_t cpu = 0; cpu < shared->n_cpus; cpu++) {
		const struct plinth_shared_cpu *ring = plinth_shared_cpu(shared, cpu);

		*traced = *traced || ring->trace_head;
		if (options.cpu < 0 || (uint32_t)options.cpu == cpu)
			n += collect_cpu(ring, cpu, lines + n);
	}
	return n;
}

static int compare_exits(const void *left, const void *right)
{
	const struct line *a = left, *b = right;

	return (a->record.tsc > b->record.tsc) - (a->record.tsc < b->record.tsc);
}

static void print_exit(const struct line *line)
{
	const struct plinth_trace_record *r = &line->record;
	char symbol[80];

	printf("%16" PRIu64 " cpu %u %-14s %6u ticks  detail %#" PRIx64 " rax %#" PRIx64 " rip %#" PRIx64
	       " %s\n",
	       r->tsc, line->cpu, exit_kind_name(r->kind), r->ticks, r->detail, r->rax, r->rip,
	       kernel_symbol(r->rip, symbol, sizeof(symbol)));
}

static void print_exit_json(const struct line *line)
{
	const struct plinth_trace_record *r = &line->record;
	struct json_object *item = json_object_new_object();
	char symbol[80];

	json_add_number(item, "tsc", r->tsc);
	json_add_number(item, "cpu", line->cpu);
	json_add_text(item, "exit", exit_kind_name(r->kind));
	json_add_number(item, "ticks", r->ticks);
	json_add_number(item, "detail", r->detail);
	json_add_number(item, "rax", r->rax);
	json_add_number(item, "rip", r->rip);
	json_add_text(item, "symbol", kernel_symbol(r->rip, symbol, sizeof(symbol)));
	write_json_line(stdout, item);
}

static int show_trace(struct plinth_shared *shared, struct line *lines)
{
	bool traced = false;
	size_t n = collect_trace(shared, lines, &traced), first = 0;

	if (!traced) {
		error_line("trace: nobody traces: load with --add exit_tracer, and start");
		return EXIT_FAILED;
	}
	qsort(lines, n, sizeof(*lines), compare_exits);
	if (options.last && n > options.last)
		first = n - options.last;
	for (size_t i = first; i < n; i++)
		options.json ? print_exit_json(&lines[i]) : print_exit(&lines[i]);
	return EXIT_OK;
}

int cmd_trace(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Show the last exits of each CPU, oldest first: time stamp counter, CPU, kind, "
			 "ticks in the handler, detail, RAX, RIP. Needs the extension exit_tracer: load "
			 "--add exit_tracer.",
		.rows = rows,
	};
	struct plinth_shared *shared;
	struct line *lines;
	int status = EXIT_FAILED;

	options_take(argc, argv, &table);
	if (options.record.kinds)
		return device_call("trace", PLINTH_CTL_TRACE, &options.record) ? EXIT_FAILED : EXIT_OK;
	shared = shared_get("trace");
	if (!shared)
		return EXIT_FAILED;
	lines = calloc((size_t)shared->n_cpus * PLINTH_TRACE_RECORDS, sizeof(*lines));
	if (lines)
		status = show_trace(shared, lines);
	else
		error_line("trace: out of memory");
	free(lines);
	free(shared);
	return status;
}
