/* SPDX-License-Identifier: MIT */
/* stat: counters of each CPU, and what is used of heap and pool. */
#include <argp.h> /* OPTION_ARG_OPTIONAL */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "device.h"
#include "lib/exit_kind.h"
#include "options.h"
#include "output.h"
#include "shared.h"
#include "watch.h"

static const char *const cpu_state_names[] = {"off", "ready", "guest", "dead", "halted", "reset"};

static const char *cpu_state_name(uint32_t state)
{
	return state < sizeof(cpu_state_names) / sizeof(cpu_state_names[0]) ? cpu_state_names[state] : "?";
}

static void print_cpu(const struct plinth_shared_cpu *cpu, uint32_t number)
{
	printf("cpu %u state %s\n", number, cpu_state_name(cpu->state));
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

static struct json_object *counters_json(const struct plinth_shared_cpu *cpu, uint32_t number)
{
	struct json_object *item = json_object_new_object(), *exits = json_object_new_object();

	for (unsigned int kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		json_add_number(exits, exit_kind_name(kind), cpu->exits[kind]);
	json_add_number(item, "cpu", number);
	json_add_text(item, "state", cpu_state_name(cpu->state));
	json_object_object_add(item, "exits", exits);
	json_add_number(item, "nmis", cpu->nmis);
	json_add_number(item, "start_ticks", cpu->start_ticks);
	json_add_number(item, "log_lost", cpu->log_lost);
	return item;
}

static struct json_object *use_json(uint64_t size, uint64_t used, uint64_t peak)
{
	struct json_object *item = json_object_new_object();

	json_add_number(item, "size", size);
	json_add_number(item, "used", used);
	json_add_number(item, "peak", peak);
	return item;
}

static void print_stat_json(struct plinth_shared *shared, const struct plinth_ctl_status *status)
{
	struct json_object *document = json_object_new_object(), *cpus = json_object_new_array();

	for (uint32_t i = 0; i < shared->n_cpus; i++)
		json_object_array_add(cpus, counters_json(plinth_shared_cpu(shared, i), i));
	json_object_object_add(document, "cpus", cpus);
	json_object_object_add(document, "heap_bytes",
			       use_json(shared->heap_bytes, shared->heap_used, shared->heap_peak));
	json_object_object_add(document, "pool_pages",
			       use_json(shared->pool_pages, shared->pool_used, shared->pool_peak));
	json_add_number(document, "memory_bytes", status->memory_bytes);
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
	uint64_t count = 0;
	struct plinth_ctl_module *modules = device_list(PLINTH_CTL_MODULES, sizeof(*modules), &count);

	if (modules)
		print_memory(shared, modules, count);
	free(modules);
}

static struct {
	bool json;
	double watch; /* seconds; 0: once */
	uint64_t count;
} options;

static void take_watch(const char *word, void *to)
{
	*(double *)to = word ? option_seconds(word, 0.1, 3600) : 1;
}

static const struct option_row rows[] = {
	{"watch", 'w', "SECONDS", "show what grows, every second or every SECONDS", take_watch,
	 &options.watch, OPTION_ARG_OPTIONAL},
	{"count", 'n', "N", "with --watch: N times, then end", option_count, &options.count, 0},
	{"json", 'j', NULL, "print JSON, with --watch one object a line, errors too", option_json,
	 &options.json, 0},
	{0},
};

/*
 * What the driver took from the system stands in the status; the pool, and the heap in it, are parts of that.
 */
static int show_stat(void)
{
	struct plinth_shared *shared = shared_get("stat");
	struct plinth_ctl_status status;
	int err = shared ? device_status(&status) : -1;

	if (!err && options.json) {
		print_stat_json(shared, &status);
	} else if (!err) {
		print_stat(shared, &status);
		print_owners(shared);
	}
	free(shared);
	return err ? EXIT_FAILED : EXIT_OK;
}

int cmd_stat(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Show counters: cpu NUMBER KIND COUNT, then the use of heap, pool, memory.",
		.rows = rows,
	};

	options_take(argc, argv, &table);
	return options.watch > 0 ? watch(options.watch, options.count, options.json) : show_stat();
}
