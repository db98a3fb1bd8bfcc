/* SPDX-License-Identifier: MIT */
/* symbols: the modules' symbols at the addresses where they run now. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "elf_symbols.h"
#include "foreign.h"
#include "options.h"

#define PLACES_MAX 256

struct options {
	const char *gdb, *bochs, *folder;
	const char *places[PLACES_MAX];
	size_t n_places;
	bool json;
};

static const struct argp_option option_list[] = {
	{"gdb", 'g', "FILE", 0, "write a script for gdb (source FILE)", 0},
	{"bochs", 'b', "FILE", 0, "write a list for Bochs' debugger (ldsym global FILE)", 0},
	{"files", 'f', "DIR", 0, "the modules' files are in this folder, not where they were loaded from", 0},
	{"json", 'j', NULL, 0, "print JSON, errors too", 0},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'g': options->gdb = word; return 0;
	case 'b': options->bochs = word; return 0;
	case 'f': options->folder = word; return 0;
	case 'j': options_take_json(&options->json); return 0;
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
	struct json_object *document; /* NULL: text */
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

static void add_address(struct json_object *to, const char *key, uint64_t address)
{
	char text[32];

	snprintf(text, sizeof(text), "%#" PRIx64, address);
	json_object_object_add(to, key, json_object_new_string(text));
}

/* All functions, as write_bochs() lists them. */
static int list_functions(const struct set *set)
{
	struct json_object *list = json_object_new_array();
	struct elf_functions functions;

	json_object_object_add(set->document, "functions", list);
	for (uint64_t i = 0; i < set->count; i++) {
		if (read_functions(set, i, &functions))
			return -1;
		for (size_t f = 0; f < functions.n; f++) {
			struct json_object *item = json_object_new_object();

			add_address(item, "address", set->modules[i].base_va + functions.list[f].value);
			json_object_object_add(item, "module", foreign_json(set->modules[i].name));
			json_object_object_add(item, "function", foreign_json(functions.list[f].name));
			json_object_array_add(list, item);
		}
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

static void print_place(const struct set *set, const char *word, uint64_t module, uint64_t offset,
			const struct elf_function *function)
{
	const char *name = set->modules[module].name;
	struct json_object *item;

	if (!set->document) {
		printf("%s+%#" PRIx64 " %s+%#" PRIx64 "\n", name, offset, function ? function->name : "?",
		       function ? offset - function->value : 0);
		return;
	}
	item = json_object_new_object();
	json_object_object_add(item, "place", foreign_json(word));
	json_object_object_add(item, "module", foreign_json(name));
	add_address(item, "offset", offset);
	json_object_object_add(item, "function", function ? foreign_json(function->name) : NULL);
	add_address(item, "function_offset", function ? offset - function->value : 0);
	json_object_array_add(json_object_object_get(set->document, "places"), item);
}

static int name_place(const struct set *set, const char *word)
{
	const struct elf_function *function;
	struct elf_functions functions;
	uint64_t module, offset;

	if (!locate(set, word, &module, &offset) || read_functions(set, module, &functions))
		return -1;
	function = elf_function_at(&functions, offset);
	print_place(set, word, module, offset, function);
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

static int finish_script(FILE *file, const char *path)
{
	if (!fclose(file))
		return 0;
	error_line("symbols: %s: %s", path, strerror(errno));
	return -1;
}

static int run_symbols(const struct set *set)
{
	const struct options *options = set->options;
	FILE *file;

	if (options->gdb) {
		file = create(options->gdb);
		if (!file)
			return -1;
		write_gdb(file, set);
		if (finish_script(file, options->gdb))
			return -1;
	}
	if (options->bochs) {
		file = create(options->bochs);
		if (!file || write_bochs(file, set) || finish_script(file, options->bochs))
			return -1;
	}
	if (set->document && options->n_places)
		json_object_object_add(set->document, "places", json_object_new_array());
	for (size_t i = 0; i < options->n_places; i++)
		if (name_place(set, options->places[i]))
			return -1;
	if (options->gdb || options->bochs || options->n_places)
		return 0;
	return set->document ? list_functions(set) : write_bochs(stdout, set);
}

/* Text as it comes; a document only if all of it is there. */
static int print_all(struct set *set)
{
	int err;

	if (!set->options->json)
		return run_symbols(set);
	set->document = json_object_new_object();
	err = run_symbols(set);
	if (err)
		json_object_put(set->document);
	else
		print_json(set->document);
	return err;
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
		err = print_all(&set);
	free(set.modules);
	return err ? EXIT_FAILED : EXIT_OK;
}
