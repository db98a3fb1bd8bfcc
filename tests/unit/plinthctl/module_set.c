/* SPDX-License-Identifier: MIT */
/* Which files plinthctl loads: folders, lists, replacements, additions. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "module_set.h"

static char folder[] = "/tmp/module_set.XXXXXX";
static char error[256];
static struct module_set set;

/* In place of the program's own. */
void error_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, sizeof(error), format, args);
	va_end(args);
}

static void write_file(const char *name, const char *contents)
{
	FILE *file = fopen(name, "w");

	cr_assert(file, "%s", name);
	fputs(contents, file);
	fclose(file);
}

static void up(void)
{
	cr_assert(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
	cr_assert_eq(mkdir("good", 0700), 0);
	cr_assert_eq(mkdir("empty", 0700), 0);
	write_file("good/b.so", "bb");
	write_file("good/a.so", "a");
	write_file("good/readme", "no module");
	write_file("good/.so", "no name");
	memset(&set, 0, sizeof(set));
	error[0] = '\0';
}

static void down(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

/* Files that are there are named by their whole path; others as they were given. */
static const char *whole(const char *name)
{
	static char paths[2][128];
	static unsigned int next;
	char *path = paths[next++ % 2];

	if (name[0] == '/')
		return name;
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void expect_paths(const char *first, const char *second)
{
	cr_assert_eq(set.n, 2);
	cr_expect_str_eq(set.paths[0], whole(first));
	cr_expect_str_eq(set.paths[1], whole(second));
}

TestSuite(module_set, .init = up, .fini = down);

Test(module_set, takes_the_modules_of_a_folder_in_order)
{
	cr_assert(module_set_find(&set, "good"));
	expect_paths("good/a.so", "good/b.so");
}

Test(module_set, takes_the_files_a_list_names)
{
	char line[64], list[256];

	snprintf(line, sizeof(line), "%s/good/b.so", folder);
	snprintf(list, sizeof(list), "# a list\n\n  %s  # by its whole path\r\na.so \t\n", line);
	write_file("good/list", list);
	cr_assert(module_set_find(&set, "good/list"));
	expect_paths(line, "good/a.so");
}

Test(module_set, a_list_in_this_folder)
{
	write_file("list", "good/a.so\ngood/b.so");
	cr_assert(module_set_find(&set, "list"));
	expect_paths("good/a.so", "good/b.so");
}

Test(module_set, uses_the_environment_without_a_word)
{
	setenv("PLINTH_MODULES", "good", 1);
	cr_assert(module_set_find(&set, NULL));
	expect_paths("good/a.so", "good/b.so");
}

Test(module_set, refuses_where_there_is_nothing)
{
	write_file("list", "# nothing\n");
	cr_expect_not(module_set_find(&set, "empty"));
	cr_expect_str_eq(error, "load: empty: no modules (*.so) in this folder");
	cr_expect_not(module_set_find(&set, "list"));
	cr_expect_str_eq(error, "load: list: no modules in this list");
	cr_expect_not(module_set_find(&set, "nowhere"));
	cr_expect_str_eq(error,
			 "load: nowhere: No such file or directory; --modules names a folder or a list");
}

Test(module_set, replaces_by_name)
{
	cr_assert(module_set_find(&set, "good"));
	cr_assert(module_set_replace(&set, "a=/elsewhere/x=y.so"));
	expect_paths("/elsewhere/x=y.so", "good/b.so");
	cr_expect_not(module_set_replace(&set, "c=/elsewhere/c.so"));
	cr_expect_str_eq(error, "load: --replace c=/elsewhere/c.so: no module c.so among those to load");
	cr_expect_not(module_set_replace(&set, "b.s=/x"), "not a part of a name");
}

Test(module_set, adds_up_to_the_limit)
{
	for (unsigned int i = 0; i < PLINTH_CTL_MAX_FILES; i++)
		cr_assert(module_set_add(&set, "good/a.so"));
	cr_expect_not(module_set_add(&set, "good/b.so"));
	cr_expect_str_eq(error, "load: good/b.so: more than 64 modules");
}

/* Alternatives, stow, nix: the name is the one in the folder, the path where the file is. */
Test(module_set, links_have_the_name_of_the_folder)
{
	cr_assert_eq(mkdir("links", 0700), 0);
	write_file("real-2.0.so", "r");
	cr_assert_eq(symlink("../real-2.0.so", "links/ept.so"), 0);
	cr_assert_eq(symlink("../good/a.so", "links/b.so"), 0);
	cr_assert(module_set_find(&set, "links"));
	expect_paths("good/a.so", "real-2.0.so");
	cr_expect_not(module_set_without(&set, "real-2.0"));
	cr_expect(module_set_replace(&set, "b=good/b.so"));
	expect_paths("good/b.so", "real-2.0.so");
	cr_expect(module_set_replace(&set, "b=good/a.so"), "it is still called b");
	cr_expect(module_set_without(&set, "b"));
	cr_expect(module_set_without(&set, "ept"));
	cr_expect_eq(set.n, 0);
}

/* Hidden files are none: an editor's lock is a link to nowhere. */
Test(module_set, hidden_files_are_left_out)
{
	cr_assert_eq(symlink("me@host.1", "good/.#a.so"), 0);
	write_file("good/.b.so", "hidden");
	cr_assert(module_set_find(&set, "good"));
	expect_paths("good/a.so", "good/b.so");
}

Test(module_set, a_list_with_a_byte_order_mark)
{
	write_file("list", "\xef\xbb\xbfgood/a.so\n\xef\xbb\xbfgood/b.so\n");
	cr_assert(module_set_find(&set, "list"));
	cr_assert_eq(set.n, 2);
	cr_expect_str_eq(set.paths[0], whole("good/a.so"));
	cr_expect_eq(strncmp(set.names[1], "b.so", 5), 0);
	cr_expect_str_neq(set.paths[1], whole("good/b.so"), "only the first line may begin with one");
}

/* A folder that is called like an installed extension, as in the sources' examples. */
Test(module_set, an_extension_and_a_folder_of_that_name)
{
	cr_assert_eq(mkdir("inst", 0700), 0);
	cr_assert_eq(mkdir("inst/modules", 0700), 0);
	cr_assert_eq(mkdir("inst/extensions", 0700), 0);
	cr_assert_eq(mkdir("tracer", 0700), 0);
	write_file("inst/extensions/tracer.so", "t");
	setenv("PLINTH_MODULES", "inst/modules", 1);
	cr_assert(module_set_add_extension(&set, "tracer"));
	cr_expect_str_eq(set.paths[0], whole("inst/extensions/tracer.so"));
	write_file("other", "o");
	cr_assert(module_set_add_extension(&set, "other"), "a file of that name is what is meant");
	cr_expect_str_eq(set.paths[1], whole("other"));
}
