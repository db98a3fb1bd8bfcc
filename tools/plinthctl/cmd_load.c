/* SPDX-License-Identifier: MIT */
/* load: from options to one LOAD. */
#include <argp.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <plinth/log.h>

#include "check.h"
#include "commands.h"
#include "device.h"
#include "log_lines.h"
#include "module_set.h"
#include "options.h"
#include "status_json.h"
#include "uart.h"

#define MAX_NAME 255u /* of a file, as the driver takes it */

struct options {
	const char *modules;
	const char *replace[PLINTH_CTL_MAX_FILES], *add[PLINTH_CTL_MAX_FILES], *without[PLINTH_CTL_MAX_FILES];
	size_t n_replace, n_add, n_without;
	bool json;
	struct plinth_ctl_load load;
};

static const struct argp_option option_list[] = {
	{"modules", 'm', "DIR|LIST", 0,
	 "a folder's *.so, or a list's files (default: $PLINTH_MODULES, else the installed ones)", 0},
	{"replace", 'r', "NAME=FILE", 0, "FILE instead of the module NAME; may be repeated", 0},
	{"without", 'w', "NAME", 0, "not the module NAME, if it is optional", 0},
	{"add", 'a', "FILE", 0, "one more: a file or an installed extension", 0},
	{"heap", 'H', "SIZE", 0, "of the VMM, with K, M, G (32K and 1.5K a CPU)", 0},
	{"lazy", 'z', NULL, 0, "jump slots at the first call; adds extension lazy", 0},
	{"no-aslr", 'A', NULL, 0, "fixed addresses instead of random ones", 0},
	{"uart", 'u', "PORT[,BAUD|,keep]", 0,
	 "also write the log to a UART: com1 to com4, an I/O port, pci[:N]; 8N1 at 115200 or BAUD, or the "
	 "line as it is",
	 0},
	{"log-level", 'l', "LEVEL", 0, "error, warn, info (the default) or debug", 0},
	{"json", 'j', NULL, 0, "print the status as JSON, errors too", 0},
	{0},
};

/* A number with one of the suffixes, or a usage error. */
static uint64_t parse_number(struct argp_state *state, const char *what, const char *word,
			     const char *suffixes)
{
	char *end;
	uint64_t value = strtoull(word, &end, 0);
	const char *suffix = end != word && *end ? strchr(suffixes, toupper((unsigned char)*end)) : NULL;
	unsigned int shift = 0;

	if (suffix) {
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		end++;
	}
	if (end == word || *end || *word == '-' || value > UINT64_MAX >> shift)
		argp_error(state, "%s \"%s\": not a number", what, word);
	return value << shift;
}

static void parse_uart(struct argp_state *state, struct options *options, const char *word)
{
	char problem[256];

	if (!uart_parse(word, &options->load.uart_port, &options->load.uart_baud, problem, sizeof(problem)))
		argp_error(state, "--uart %s: %s", word, problem);
}

static uint32_t parse_level(struct argp_state *state, const char *word)
{
	int level = log_level_parse(word);

	if (level < 0)
		argp_error(state, "log level \"%s\": error, warn, info or debug", word);
	return (uint32_t)level;
}

static void keep(struct argp_state *state, const char **list, size_t *n, const char *word)
{
	if (*n == PLINTH_CTL_MAX_FILES)
		argp_error(state, "too many files at \"%s\"", word);
	list[(*n)++] = word;
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'm': options->modules = word; return 0;
	case 'A': options->load.flags |= PLINTH_LOAD_NO_ASLR; return 0;
	case 'z': options->load.flags |= PLINTH_LOAD_LAZY; return 0;
	case 'a': keep(state, options->add, &options->n_add, word); return 0;
	case 'H': options->load.heap_bytes = parse_number(state, "heap size", word, "KMG"); return 0;
	case 'u': parse_uart(state, options, word); return 0;
	case 'l': options->load.log_level = parse_level(state, word); return 0;
	case 'w': keep(state, options->without, &options->n_without, word); return 0;
	case 'r':
		if (!strchr(word, '=') || *word == '=')
			argp_error(state, "--replace %s: wants NAME=FILE", word);
		keep(state, options->replace, &options->n_replace, word);
		return 0;
	default: return options_usual(key, word, state, &options->json);
	}
}

static bool collect_modules(struct module_set *set, const struct options *options)
{
	bool good = module_set_find(set, options->modules);

	for (size_t i = 0; i < options->n_without && good; i++)
		good = module_set_without(set, options->without[i]);
	for (size_t i = 0; i < options->n_replace && good; i++)
		good = module_set_replace(set, options->replace[i]);
	for (size_t i = 0; i < options->n_add && good; i++)
		good = module_set_add_extension(set, options->add[i]);
	if (good && options->load.flags & PLINTH_LOAD_LAZY)
		good = module_set_add_once(set, "lazy");
	return good;
}

/* What check says of the same files, in its words; the driver judges for itself all the same. */
static bool judge_files(struct link_set *judged, struct module_set *set, const struct options *options)
{
	const struct link_set_options o = {
		.base = LINK_SET_BASE,
		.flags = options->load.flags & PLINTH_LOAD_LAZY ? RTLD_LAZY_PLT : 0,
		.paths = set->paths,
		.files = (int)set->n,
	};
	int status = check_set(judged, &o);

	check_print(judged);
	return !status;
}

/* What --lazy has come to; nothing, if no module was built for it. */
static void tell_lazy(int device)
{
	uint64_t count = 0, slots = 0, bound = 0;
	struct plinth_ctl_module *modules = device_list(device, PLINTH_CTL_MODULES, sizeof(*modules), &count);

	for (uint64_t i = 0; modules && i < count; i++) {
		slots += modules[i].lazy_slots;
		bound += modules[i].lazy_bound;
	}
	free(modules);
	if (slots)
		printf("lazy: %" PRIu64 " of %" PRIu64 " jump slots wait for their first call\n",
		       slots - bound, slots);
	else
		puts("lazy: no module is built for it; all are linked at load");
}

static int load(const struct module_set *set, const struct link_set *judged, struct plinth_ctl_load *arg,
		bool json)
{
	struct plinth_ctl_file files[PLINTH_CTL_MAX_FILES];
	struct plinth_ctl_status status;
	int device = device_open();

	if (device < 0)
		return EXIT_FAILED;
	for (size_t i = 0; i < set->n; i++) {
		const struct rtld_info *info = rtld_info(judged->set, (uint32_t)i);
		size_t length = strlen(set->paths[i]);

		/* Of a very long path the end says most. */
		files[i] = (struct plinth_ctl_file){
			.name = (uintptr_t)set->paths[i] + (length > MAX_NAME ? length - MAX_NAME : 0),
			.bytes = (uintptr_t)info->bytes,
			.n_bytes = info->file_size,
		};
	}
	arg->files = (uintptr_t)files;
	arg->n_files = (uint32_t)set->n;
	arg->plan = (uintptr_t)set->plan;
	arg->n_plan_bytes = set->n_plan_bytes;
	if (device_call(device, PLINTH_CTL_LOAD, arg))
		return device_failed(device, "load");
	if (device_status(device, &status))
		return EXIT_FAILED;
	if (json)
		status_print_json(&status);
	else
		printf("loaded: %u modules at %#" PRIx64 ", heap %" PRIu64 " KiB, memory %" PRIu64 " KiB\n",
		       status.n_modules, status.base_va, status.heap_bytes / 1024,
		       status.memory_bytes / 1024);
	if (!json && arg->flags & PLINTH_LOAD_LAZY)
		tell_lazy(device);
	close(device);
	return EXIT_OK;
}

int cmd_load(int argc, char **argv)
{
	static struct module_set set;
	static struct options options;
	struct link_set judged = {0};
	int status = EXIT_FAILED;
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.doc = "Link the modules into the driver and initialise the VMM; no CPU yet.",
	};

	options.load.size = sizeof(options.load);
	options.load.log_level = PLINTH_LOG_INFO;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (collect_modules(&set, &options) && judge_files(&judged, &set, &options)) {
		module_set_read_plan(&set);
		status = load(&set, &judged, &options.load, options.json);
	}
	link_set_close(&judged);
	return status;
}
