/* SPDX-License-Identifier: MIT */
/* symbols: the modules' symbols at the addresses where they run now. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "elf_symbols.h"

#define PLACES_MAX 256

struct options {
	const char *gdb, *bochs, *folder;
	const char *places[PLACES_MAX];
	size_t n_places;
};

static const struct argp_option option_list[] = {
	{"gdb", 'g', "FILE", 0, "write a script for gdb (source FILE)", 0},
	{"bochs", 'b', "FILE", 0, "write a list for Bochs' debugger (ldsym global FILE)", 0},
	{"files", 'f', "DIR", 0, "the modules' files are in this folder, not where they were loaded from", 0},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'g': options->gdb = word; return 0;
	case 'b': options->bochs = word; return 0;
	case 'f': options->folder = word; return 0;
	case ARGP_KEY_ARG:
		if (options->n_places == PLACES_MAX)
			argp_error(state, "too many places at \"%s\"", word);
		options->places[options->n_places++] = word;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

struct set {
	struct plinth_ctl_module *modules;
	uint64_t count;
	const struct options *options;
};

static void path_of(const struct set *set, uint64_t i, char *out, size_t room)
{
	const char *file = set->modules[i].file, *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;

	if (set->options->folder)
		snprintf(out, room, "%s/%s", set->options->folder, base);
	else
		snprintf(out, room, "%s", file);
}

static void write_gdb(FILE *to, const struct set *set)
{
	char path[4096];

	for (uint64_t i = 0; i < set->count; i++) {
		path_of(set, i, path, sizeof(path));
		fprintf(to, "add-symbol-file %s -o %#" PRIx64 "\n", path, set->modules[i].base_va);
	}
}

static int read_functions(const struct set *set, uint64_t i, struct elf_functions *out)
{
	char path[4096];

	path_of(set, i, path, sizeof(path));
	return elf_functions_read(out, path);
}

static int write_bochs(FILE *to, const struct set *set)
{
	struct elf_functions functions;

	for (uint64_t i = 0; i < set->count; i++) {
		if (read_functions(set, i, &functions))
			return -1;
		for (size_t f = 0; f < functions.n; f++)
			fprintf(to, "%" PRIx64 " %s:%s\n", set->modules[i].base_va + functions.list[f].value,
				set->modules[i].name, functions.list[f].name);
		elf_functions_free(&functions);
	}
	return 0;
}

/* A place is an address or, as reports have it, MODULE+OFFSET. */
static bool locate(const struct set *set, const char *word, uint64_t *module, uint64_t *offset)
{
	const char *plus = strchr(word, '+');
	char *end;
	uint64_t value = strtoull(plus ? plus + 1 : word, &end, 0);

	for (uint64_t i = 0; i < set->count && !*end; i++) {
		const struct plinth_ctl_module *m = &set->modules[i];

		if (plus ? strlen(m->name) != (size_t)(plus - word) || strncmp(m->name, word, (size_t)(plus - word)) :
			   value - m->base_va >= m->bytes)
			continue;
		*module = i;
		*offset = plus ? value : value - m->base_va;
		return true;
	}
	error_line("symbols: %s: in no module; wanted is an address or MODULE+OFFSET", word);
	return false;
}

static int name_place(const struct set *set, const char *word)
{
	const struct elf_function *function;
	struct elf_functions functions;
	uint64_t module, offset;

	if (!locate(set, word, &module, &offset) || read_functions(set, module, &functions))
		return -1;
	function = elf_function_at(&functions, offset);
	printf("%s+%#" PRIx64 " %s+%#" PRIx64 "\n", set->modules[module].name, offset, function ? function->name : "?",
	       function ? offset - function->value : 0);
	elf_functions_free(&functions);
	return 0;
}

static FILE *create(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		error_line("symbols: %s: %s", path, strerror(errno));
	return file;
}

static int finish(FILE *file, const char *path)
{
	if (!fclose(file))
		return 0;
	error_line("symbols: %s: %s", path, strerror(errno));
	return -1;
}

static int run(const struct set *set)
{
	const struct options *options = set->options;
	FILE *file;

	if (options->gdb) {
		file = create(options->gdb);
		if (!file)
			return -1;
		write_gdb(file, set);
		if (finish(file, options->gdb))
			return -1;
	}
	if (options->bochs) {
		file = create(options->bochs);
		if (!file || write_bochs(file, set) || finish(file, options->bochs))
			return -1;
	}
	for (size_t i = 0; i < options->n_places; i++)
		if (name_place(set, options->places[i]))
			return -1;
	return options->gdb || options->bochs || options->n_places ? 0 : write_bochs(stdout, set);
}

int cmd_symbols(int argc, char **argv)
{
	static struct options options;
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.args_doc = "[PLACE...]",
		.doc = "Put the modules' symbols where they run, for a debugger, or name the function at a PLACE: "
		       "an address or MODULE+OFFSET. Without anything: list all functions.",
	};
	struct set set = {.options = &options};
	int device, err = -1;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	device = device_open();
	if (device < 0)
		return EXIT_FAILED;
	set.modules = device_list(device, PLINTH_CTL_MODULES, sizeof(*set.modules), &set.count);
	close(device);
	if (set.modules && !set.count)
		error_line("symbols: no modules are loaded: load them first");
	else if (set.modules)
		err = run(&set);
	free(set.modules);
	return err ? EXIT_FAILED : EXIT_OK;
}
