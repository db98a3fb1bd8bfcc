/* SPDX-License-Identifier: MIT */
/* plinthctl plan: record what the references of a set of modules are bound to. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "error_line.h"
#include "foreign.h"
#include "link_set.h"
#include "module_set.h"
#include "options.h"

static const char usage[] =
	"usage: plinthctl plan [--elf-rules] [--json] [-o FILE] MODULE...\n"
	"Write a link plan for the modules in this order, by default to " MODULE_SET_PLAN "\n"
	"beside the first of them, where \"load\" looks for it.";

/* Beside the first module, if the user does not say. */
static void choose_path(const struct link_set_options *o, char *path, size_t size)
{
	char *first;

	if (o->output) {
		snprintf(path, size, "%s", o->output);
		return;
	}
	first = strdup(o->paths[0]);
	snprintf(path, size, "%s/%s", first ? dirname(first) : ".", MODULE_SET_PLAN);
	free(first);
}

/* Whole or not at all: a new file that takes the name of the old one. */
static bool write_file(const char *path, const void *bytes, size_t size)
{
	char new_path[PATH_MAX + 8];
	FILE *file;
	bool good;

	snprintf(new_path, sizeof(new_path), "%s.new", path);
	file = fopen(new_path, "wbe");
	good = file && fwrite(bytes, 1, size, file) == size;
	if (file && fclose(file))
		good = false;
	good = good && !rename(new_path, path);
	if (good)
		return true;
	error_line("%s: cannot be written: %s", path, strerror(errno));
	unlink(new_path);
	return false;
}

/* Why there can be no plan of a set that links. */
static void explain(const struct link_set *s)
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
		explain(s);
		return 0;
	}
	plan = malloc(size);
	good = plan && !rtld_plan_write(s->set, plan, size) && write_file(path, plan, size);
	if (!plan)
		error_line("out of memory");
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
	struct json_object *document = link_set_json(s, false), *written = json_object_new_object();

	json_object_object_add(written, "file", foreign_json(path));
	json_object_object_add(written, "bytes", json_object_new_uint64(size));
	json_object_object_add(document, "written", size ? written : NULL);
	if (!size)
		json_object_put(written);
	print_json(document);
}

static int bind(struct link_set *s, const struct link_set_options *o)
{
	if (link_set_open(s, o->paths, (uint32_t)o->files, o->flags) || s->errors.count ||
	    link_set_layout(s, o->base, false) || link_set_link(s, false))
		return EXIT_FAILED;
	return EXIT_OK;
}

int cmd_plan(int argc, char **argv)
{
	struct link_set_options o;
	struct link_set s;
	char path[PATH_MAX];
	size_t size = 0;
	int status = link_set_parse(&o, argc, argv, "ejo", usage);

	if (status)
		return status;
	choose_path(&o, path, sizeof(path));
	status = bind(&s, &o);
	if (!o.json)
		link_set_print_errors(&s);
	if (!status)
		size = write_plan(&s, path);
	if (o.json)
		print_document(&s, path, size);
	else if (size)
		print_written(&s, path, size);
	link_set_close(&s);
	return size ? EXIT_OK : EXIT_FAILED;
}
