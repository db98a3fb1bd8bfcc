/* SPDX-License-Identifier: MIT */
/* symbols: the modules' symbols at the addresses where they run now. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "device.h"
#include "elf_symbols.h"
#include "foreign.h"
#include "number.h"
#include "options.h"
#include "output.h"

static struct {
	const char *gdb, *bochs, *folder;
	struct option_words places;
	bool json;
} options;

static const struct option_row rows[] = {
	{"gdb", 'g', "FILE", "write a script for gdb (source FILE)", option_file, &options.gdb, 0},
	{"bochs", 'b', "FILE", "write a list for Bochs' debugger (ldsym global FILE)", option_file,
	 &options.bochs, 0},
	{"files", 'f', "DIR", "the modules' files are in this folder, not where they were loaded from",
	 option_text, &options.folder, 0},
	{"json", 'j', NULL, "print JSON, errors too", option_json, &options.json, 0},
	{0},
};

struct set {
	struct plinth_ctl_module *modules;
	uint64_t count;
	struct json_object *document; /* NULL: text */
};

static void path_of(const struct set *set, uint64_t i, char *out, size_t room)
{
	const char *file = set->modules[i].file, *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;

	if (options.folder)
		snprintf(out, room, "%s/%s", options.folder, base);
	else
		snprintf(out, room, "%s", file);
}

static int write_gdb(FILE *to, const struct set *set)
{
	char path[4096];

	for (uint64_t i = 0; i < set->count; i++) {
		path_of(set, i, path, sizeof(path));
		fprintf(to, "add-symbol-file %s -o %#" PRIx64 "\n", path, set->modules[i].base_va);
	}
	return 0;
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

			json_add_address(item, "address", set->modules[i].base_va + functions.list[f].value);
			json_add_text(item, "module", set->modules[i].name);
			json_add_text(item, "function", functions.list[f].name);
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
	uint64_t value;
	bool good = number_parse(plus ? plus + 1 : word, "", UINT64_MAX, &value);

	for (uint64_t i = 0; i < set->count && good; i++) {
		const struct plinth_ctl_module *m = &set->modules[i];

		if (plus ? strlen(m->name) != (size_t)(plus - word) ||
				    strncmp(m->name, word, (size_t)(plus - word))
			 : value - m->base_va >= m->bytes)
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
	json_add_text(item, "place", word);
	json_add_text(item, "module", name);
	json_add_address(item, "offset", offset);
	json_object_object_add(item, "function", function ? foreign_json(function->name) : NULL);
	json_add_address(item, "function_offset", function ? offset - function->value : 0);
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

/* A file that write() fills from the modules. */
static int write_script(const char *path, const struct set *set,
			int (*write)(FILE *to, const struct set *set))
{
	FILE *file = fopen(path, "we");
	int err = file ? write(file, set) : 0;

	if (!file || (fclose(file) && !err)) {
		error_line("symbols: %s: cannot be written: %s", path, strerror(errno));
		return -1;
	}
	return err;
}

static int run_symbols(const struct set *set)
{
	if (options.gdb && write_script(options.gdb, set, write_gdb))
		return -1;
	if (options.bochs && write_script(options.bochs, set, write_bochs))
		return -1;
	if (set->document && options.places.n)
		json_object_object_add(set->document, "places", json_object_new_array());
	for (int i = 0; i < options.places.n; i++)
		if (name_place(set, options.places.list[i]))
			return -1;
	if (options.gdb || options.bochs || options.places.n)
		return 0;
	return set->document ? list_functions(set) : write_bochs(stdout, set);
}

/* Text as it comes; a document only if all of it is there. */
static int print_all(struct set *set)
{
	int err;

	if (!options.json)
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
	const struct option_table table = {
		.about = "Put the modules' symbols where they run, for a debugger, or name the function at a "
			 "PLACE: an address or MODULE+OFFSET. Without anything: list all functions.",
		.rows = rows,
		.words_about = "[PLACE...]",
		.words = &options.places,
	};
	struct set set = {0};
	int err = -1;

	options_take(argc, argv, &table);
	set.modules = device_list(PLINTH_CTL_MODULES, sizeof(*set.modules), &set.count);
	if (set.modules && !set.count)
		error_line("symbols: no modules are loaded: load them first");
	else if (set.modules)
		err = print_all(&set);
	free(set.modules);
	return err ? EXIT_FAILED : EXIT_OK;
}
