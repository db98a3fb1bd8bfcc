/* SPDX-License-Identifier: MIT */
/* modules: what is loaded, from where, and who calls whom. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "device.h"
#include "foreign.h"
#include "module_files.h"
#include "options.h"
#include "output.h"
#include "registrations.h"

struct list {
	struct plinth_ctl_module *modules;
	uint64_t count;
	const struct registrations *registered; /* NULL: nobody wants to know */
};

/* Does module @user call module @provider? */
static bool calls(const struct list *list, uint64_t user, uint64_t provider)
{
	return list->modules[user].needs >> provider & 1;
}

/* The roles that module @i needs (or serves); " -" when there are none. */
static void print_roles(const struct list *list, const char *what, uint64_t i, bool serves)
{
	bool any = false;

	printf("  %s", what);
	for (uint64_t other = 0; other < list->count; other++)
		if (serves ? calls(list, other, i) : calls(list, i, other)) {
			printf(" %s", list->modules[other].role);
			any = true;
		}
	puts(any ? "" : " -");
}

/* Only of a module that has such slots. */
static void print_lazy(const struct plinth_ctl_module *module)
{
	if (!module->lazy_slots)
		return;
	printf("  lazy %u of %u jump slots filled at their first call, ", module->lazy_bound,
	       module->lazy_slots);
	if (module->lazy_pages)
		printf("%u of %u pages sealed\n", module->lazy_sealed, module->lazy_pages);
	else
		puts("no page to seal: data shares it");
}

static void print_list(const struct list *list)
{
	for (uint64_t i = 0; i < list->count; i++) {
		const struct plinth_ctl_module *module = &list->modules[i];

		printf("%-12s %-12s %-8s abi %u  %#" PRIx64 " %7" PRIu64 "  %s\n", module->role, module->name,
		       module->version, module->abi, module->base_va, module->bytes, module->description);
		printf("  from %s\n", module->file);
		print_roles(list, "needs", i, false);
		print_roles(list, "serves", i, true);
		print_lazy(module);
		if (list->registered)
			registrations_print(list->registered, i);
	}
}

static struct json_object *roles_json(const struct list *list, uint64_t i, bool serves)
{
	struct json_object *roles = json_object_new_array();

	for (uint64_t other = 0; other < list->count; other++)
		if (serves ? calls(list, other, i) : calls(list, i, other))
			json_object_array_add(roles, foreign_json(list->modules[other].role));
	return roles;
}

static struct json_object *lazy_json(const struct plinth_ctl_module *module)
{
	struct json_object *item = json_object_new_object();

	json_add_number(item, "slots", module->lazy_slots);
	json_add_number(item, "bound", module->lazy_bound);
	json_add_number(item, "pages", module->lazy_pages);
	json_add_number(item, "sealed", module->lazy_sealed);
	return item;
}

static struct json_object *module_json(const struct list *list, uint64_t i)
{
	const struct plinth_ctl_module *module = &list->modules[i];
	struct json_object *item = json_object_new_object();

	json_add_text(item, "role", module->role);
	json_add_text(item, "name", module->name);
	json_add_text(item, "version", module->version);
	json_add_number(item, "abi", module->abi);
	json_add_number(item, "base_va", module->base_va);
	json_add_number(item, "bytes", module->bytes);
	json_add_text(item, "description", module->description);
	json_add_text(item, "file", module->file);
	json_object_object_add(item, "lazy", lazy_json(module));
	json_object_object_add(item, "needs", roles_json(list, i, false));
	json_object_object_add(item, "serves", roles_json(list, i, true));
	if (list->registered)
		json_object_object_add(item, "registered", registrations_json(list->registered, i));
	return item;
}

static void print_list_json(const struct list *list)
{
	struct json_object *document = json_object_new_array();

	for (uint64_t i = 0; i < list->count; i++)
		json_object_array_add(document, module_json(list, i));
	print_json(document);
}

static struct {
	bool json, verbose;
	struct option_words files;
} options;

static int print_loaded(void)
{
	static struct registrations registered;
	struct list list = {0};
	int status = EXIT_OK;

	list.modules = device_list(PLINTH_CTL_MODULES, sizeof(*list.modules), &list.count);
	if (!list.modules)
		return EXIT_FAILED;
	/* Where nothing is loaded nobody can be asked, and nothing is registered. */
	if (list.count && options.verbose) {
		list.registered = &registered;
		if (registrations_get(list.modules, list.count, &registered))
			status = EXIT_FAILED;
	}
	if (status == EXIT_OK)
		options.json ? print_list_json(&list) : print_list(&list);
	free(list.modules);
	return status;
}

static const struct option_row rows[] = {
	{"json", 'j', NULL, "print JSON, errors too", option_json, &options.json, 0},
	{"verbose", 'v', NULL, "also what each loaded module has registered, and who else", option_flag,
	 &options.verbose, 0},
	{0},
};

static void judge_modules(void)
{
	if (options.verbose && options.files.n)
		usage_error("--verbose: files have nothing registered: load them first");
}

int cmd_modules(int argc, char **argv)
{
	const struct option_table table = {
		.about = "List the loaded modules: role, name, version, module ABI, address, bytes, "
			 "description; the file; whom it calls and who calls it; its jump slots if they are "
			 "filled at the first call. With FILEs, what these are; that needs no root.",
		.rows = rows,
		.words_about = "[FILE...]",
		.words = &options.files,
		.judge = judge_modules,
	};

	options_take(argc, argv, &table);
	return options.files.n ? module_files_print(&options.files, options.json) : print_loaded();
}
