/* SPDX-License-Identifier: MIT */
/* plinthctl plan: record what the references of a set of modules are bound to. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "error_line.h"
#include "foreign.h"
#include "link_set.h"
#include "output.h"
#include "plan_file.h"

static struct link_set_options options = {.base = LINK_SET_BASE};

static const struct option_row rows[] = {
	LINK_SET_ELF_RULES_ROW(options),
	LINK_SET_JSON_ROW(options),
	{"output", 'o', "FILE", "where to (default: " PLAN_FILE_NAME ", beside the first module)",
	 option_file, &options.output, 0},
	{0},
};

/* Why there can be no plan of a set that links. */
static void explain_no_plan(const struct link_set *s)
{
	for (uint32_t i = 0; i < rtld_count(s->set); i++)
		if (!rtld_has_build_id(s->set, i))
			error_line("%s: has no SHA-1 build-id, which a plan knows it by; link with "
				   "--build-id=sha1",
				   rtld_info(s->set, i)->file);
}

/* The plan's bytes, or 0. */
static size_t write_plan(const struct link_set *s, const char *path)
{
	size_t size = rtld_plan_size(s->set);
	void *plan;
	bool good;

	if (!size) {
		explain_no_plan(s);
		return 0;
	}
	plan = malloc(size);
	good = plan && !rtld_plan_write(s->set, plan, size) && plan_file_write(path, plan, size);
	if (!plan)
		error_line("%s: out of memory for %zu bytes", path, size);
	free(plan);
	return good ? size : 0;
}

static void print_written(const struct link_set *s, const char *path, size_t size)
{
	foreign_print(stdout, path);
	printf(": plan of %u modules, %zu bytes\n", rtld_count(s->set), size);
}

/* As of check; and, if there is one now, where the plan is. */
static void print_document(const struct link_set *s, const char *path, size_t size)
{
	struct json_object *document = link_set_json(s, false), *written = NULL;

	if (size) {
		written = json_object_new_object();
		json_add_text(written, "file", path);
		json_add_number(written, "bytes", size);
	}
	json_object_object_add(document, "written", written);
	print_json(document);
}

int cmd_plan(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Write a link plan for the modules in this order, so that load need not look for "
			 "what they refer to.",
		.rows = rows,
		.words_about = "MODULE...",
		.words = &options.files,
		.no_words = "which modules?",
	};
	struct link_set s;
	char path[PATH_MAX];
	size_t size = 0;
	int err;

	options_take(argc, argv, &table);
	if (options.output)
		snprintf(path, sizeof(path), "%s", options.output);
	else
		plan_file_beside(options.files.list[0], path, sizeof(path));
	err = link_set_try(&s, &options, false);
	if (!options.json)
		link_set_print_errors(&s);
	if (!err)
		size = write_plan(&s, path);
	if (options.json)
		print_document(&s, path, size);
	else if (size)
		print_written(&s, path, size);
	link_set_close(&s);
	return size ? EXIT_OK : EXIT_FAILED;
}
