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

static const char usage[] =
	"usage: plinthctl plan [--elf-rules] [-o FILE] MODULE...\n"
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

static int write_plan(const struct link_set *s, const struct link_set_options *o)
{
	size_t size = rtld_plan_size(s->set);
	char path[PATH_MAX];
	void *plan;
	bool good;

	if (!size) {
		explain(s);
		return EXIT_FAILED;
	}
	choose_path(o, path, sizeof(path));
	plan = malloc(size);
	good = plan && !rtld_plan_write(s->set, plan, size) && write_file(path, plan, size);
	if (good) {
		foreign_print(stdout, path);
		printf(": plan of %u modules, %zu bytes\n", rtld_count(s->set), size);
	} else if (!plan) {
		error_line("out of memory");
	}
	free(plan);
	return good ? EXIT_OK : EXIT_FAILED;
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
	int status = link_set_parse(&o, argc, argv, "eo", usage);

	if (status)
		return status;
	status = bind(&s, &o);
	link_set_print_errors(&s);
	if (!status)
		status = write_plan(&s, &o);
	link_set_close(&s);
	return status;
}
