/* SPDX-License-Identifier: MIT */
/* stat: counters of each CPU, and what is used of heap and pool. */
#include <argp.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "exit_names.h"
#include "options.h"
#include "shared.h"
#include "watch.h"

static const char *const state_names[] = {"off", "ready", "guest", "dead", "halted", "reset"};

static const char *state_name(uint32_t state)
{
	return state < sizeof(state_names) / sizeof(state_names[0]) ? state_names[state] : "?";
}

static void print_cpu(const struct plinth_shared_cpu *cpu, uint32_t number)
{
	printf("cpu %u state %s\n", number, state_name(cpu->state));
	for (unsigned int kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		if (cpu->exits[kind])
			printf("cpu %u %s %" PRIu64 "\n", number, exit_kind_name(kind), cpu->exits[kind]);
	printf("cpu %u nmis-passed-on %" PRIu64 "\n", number, cpu->nmis);
	printf("cpu %u start-ticks %" PRIu64 "\n", number, cpu->start_ticks);
	printf("cpu %u log-lost %" PRIu64 "\n", number, cpu->log_lost);
}

static void print_stat(struct plinth_shared *shared, const struct plinth_ctl_status *status)
{
	for (uint32_t i = 0; i < shared->n_cpus; i++)
		print_cpu(plinth_shared_cpu(shared, i), i);
	printf("heap bytes %" PRIu64 " used %" PRIu64 " peak %" PRIu64 "\n", shared->heap_bytes,
	       shared->heap_used, shared->heap_peak);
	printf("pool pages %" PRIu64 " used %" PRIu64 " peak %" PRIu64 "\n", shared->pool_pages,
	       shared->pool_used, shared->pool_peak);
	printf("memory bytes %" PRIu64 " modules %" PRIu64 " pool %" PRIu64 " shared %" PRIu64 "\n",
	       status->memory_bytes, status->image_bytes, status->pool_bytes, status->shared_bytes);
}

static struct json_object *cpu_json(const struct plinth_shared_cpu *cpu, uint32_t number)
{
	struct json_object *item = json_object_new_object(), *exits = json_object_new_object();

	for (unsigned int kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		json_object_object_add(exits, exit_kind_name(kind), json_object_new_uint64(cpu->exits[kind]));
	json_object_object_add(item, "cpu", json_object_new_uint64(number));
	json_object_object_add(item, "state", json_object_new_string(state_name(cpu->state)));
	json_object_object_add(item, "exits", exits);
	json_object_object_add(item, "nmis", json_object_new_uint64(cpu->nmis));
	json_object_object_add(item, "start_ticks", json_object_new_uint64(cpu->start_ticks));
	json_object_object_add(item, "log_lost", json_object_new_uint64(cpu->log_lost));
	return item;
}

static struct json_object *use_json(uint64_t size, uint64_t used, uint64_t peak)
{
	struct json_object *item = json_object_new_object();

	json_object_object_add(item, "size", json_object_new_uint64(size));
	json_object_object_add(item, "used", json_object_new_uint64(used));
	json_object_object_add(item, "peak", json_object_new_uint64(peak));
	return item;
}

static void print_stat_json(struct plinth_shared *shared, const struct plinth_ctl_status *status)
{
	struct json_object *document = json_object_new_object(), *cpus = json_object_new_array();

	for (uint32_t i = 0; i < shared->n_cpus; i++)
		json_object_array_add(cpus, cpu_json(plinth_shared_cpu(shared, i), i));
	json_object_object_add(document, "cpus", cpus);
	json_object_object_add(document, "heap_bytes",
			       use_json(shared->heap_bytes, shared->heap_used, shared->heap_peak));
	json_object_object_add(document, "pool_pages",
			       use_json(shared->pool_pages, shared->pool_used, shared->pool_peak));
	json_object_object_add(document, "memory_bytes", json_object_new_uint64(status->memory_bytes));
	print_json(document);
}

/* In load order, like the modules; those that have nothing are not shown. */
static void print_memory(const struct plinth_shared *shared, const struct plinth_ctl_module *modules,
			 uint64_t count)
{
	for (uint64_t i = 0; i < count && i < PLINTH_MEMORY_MODULES; i++) {
		const struct plinth_memory_use *use = &shared->memory[i];

		if (use->heap_peak || use->pages_peak)
			printf("module %s heap %" PRIu64 " peak %" PRIu64 " pages %" PRIu64 " peak %" PRIu64
			       "\n",
			       modules[i].name, use->heap_used, use->heap_peak, use->pages_used,
			       use->pages_peak);
	}
}

static void print_owners(const struct plinth_shared *shared)
{
	struct plinth_ctl_module *modules = NULL;
	uint64_t count = 0;
	int device = device_open();

	if (device >= 0) {
		modules = device_list(device, PLINTH_CTL_MODULES, sizeof(*modules), &count);
		close(device);
	}
	if (modules)
		print_memory(shared, modules, count);
	free(modules);
}

/* What the driver took from the system; the pool, the heap in it, are parts of that. */
static int status_get(struct plinth_ctl_status *status)
{
	int device = device_open();
	int err = device < 0 ? -1 : device_status(device, status);

	if (device >= 0)
		close(device);
	return err;
}

static const struct argp_option option_list[] = {
	{"watch", 'w', "SECONDS", OPTION_ARG_OPTIONAL, "show what grows, every second or every SECONDS", 0},
	{"count", 'n', "N", 0, "with --watch: N times, then end", 0},
	{"json", 'j', NULL, 0, "print JSON, with --watch one object a line, errors too", 0},
	{0},
};

struct options {
	bool json;
	double watch; /* seconds; 0: once */
	unsigned long count;
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'w':
		options->watch = word ? strtod(word, NULL) : 1;
		if (options->watch < 0.1 || options->watch > 3600)
			argp_error(state, "--watch=%s: 0.1 to 3600 seconds are possible", word);
		return 0;
	case 'n': options->count = options_count(state, "--count", word); return 0;
	default: return options_usual(key, word, state, &options->json);
	}
}

static int show_once(bool json)
{
	struct plinth_shared *shared = shared_get("stat");
	struct plinth_ctl_status status;
	int err = shared ? status_get(&status) : -1;

	if (!err && json)
		print_stat_json(shared, &status);
	else if (!err)
		print_stat(shared, &status);
	if (!err && !json)
		print_owners(shared);
	free(shared);
	return err ? EXIT_FAILED : EXIT_OK;
}

int cmd_stat(int argc, char **argv)
{
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.doc = "Show counters: cpu NUMBER KIND COUNT, then the use of heap, pool, memory.",
	};
	struct options options = {0};

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	return options.watch > 0 ? watch(options.watch, options.count, options.json)
				 : show_once(options.json);
}
