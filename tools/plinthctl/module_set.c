/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "module_set.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"

#define SUFFIX ".so"

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some editors begin a text with it */

/* Where a file really is, so that `plinthctl modules` can tell it later, from anywhere. */
static char *whole_path(const char *path)
{
	char *whole = realpath(path, NULL);

	return whole ? whole : strdup(path);
}

/* What --replace and --without call it: as it is named where it was found, wherever it is. */
static char *own_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strdup(slash ? slash + 1 : path);
}

bool module_set_add(struct module_set *set, const char *path)
{
	if (set->n == PLINTH_CTL_MAX_FILES) {
		error_line("load: %s: more than %u modules", path, PLINTH_CTL_MAX_FILES);
		return false;
	}
	set->paths[set->n] = whole_path(path);
	set->names[set->n] = own_name(path);
	set->n++;
	return set->paths[set->n - 1] && set->names[set->n - 1];
}

/* As a shell takes *.so: not what is hidden, such as the locks of editors. */
static int is_module(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > strlen(SUFFIX) &&
	       !strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX);
}

static bool find_in_folder(struct module_set *set, const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_module, alphasort);
	bool good = true;

	if (n < 0) {
		error_line("load: %s: cannot be read: %s", folder, strerror(errno));
		return false;
	}
	if (!n)
		error_line("load: %s: no modules (*%s) in this folder", folder, SUFFIX);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		good = good && module_set_add(set, path);
		free(entries[i]);
	}
	free(entries);
	return good && n;
}

/* A line of a list: its path below the list's folder, or nothing for a comment. */
static bool add_line(struct module_set *set, const char *folder, char *line)
{
	char path[PATH_MAX];

	line += strspn(line, " \t");
	line[strcspn(line, "#\r\n")] = '\0';
	for (size_t end = strlen(line); end && (line[end - 1] == ' ' || line[end - 1] == '\t'); end--)
		line[end - 1] = '\0';
	if (!*line)
		return true;
	if (*line == '/')
		return module_set_add(set, line);
	snprintf(path, sizeof(path), "%s/%s", folder, line);
	return module_set_add(set, path);
}

static bool find_in_list(struct module_set *set, const char *list)
{
	FILE *file = fopen(list, "re");
	char *copy = strdup(list), *line = NULL;
	const char *folder = dirname(copy);
	size_t room = 0;
	bool good = true;

	if (!file) {
		error_line("load: %s: cannot be read: %s", list, strerror(errno));
		good = false;
	}
	for (bool first = true; good && getline(&line, &room, file) >= 0; first = false)
		good = add_line(set, folder, line + (first && !strncmp(line, BYTE_ORDER_MARK, 3) ? 3 : 0));
	if (good && !set->n) {
		error_line("load: %s: no modules in this list", list);
		good = false;
	}
	if (file)
		fclose(file);
	free(line);
	free(copy);
	return good;
}

/*
 * Without a word from the user: the folder beside the program's own, where an installation
 * that was moved has it, else the one it was configured for.
 */
static const char *default_folder(void)
{
	static char beside[PATH_MAX + 32];
	const char *folder = getenv("PLINTH_MODULES");
	char program[PATH_MAX] = "";
	struct stat about;

	if (folder && *folder)
		return folder;
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) > 0) {
		snprintf(beside, sizeof(beside), "%s/../lib/plinth/modules", dirname(program));
		if (!stat(beside, &about) && S_ISDIR(about.st_mode))
			return beside;
	}
	return PLINTH_DEFAULT_MODULES;
}

static bool is_file_of(const char *own, const char *name, size_t length)
{
	return !strncmp(own, name, length) && !strcmp(own + length, SUFFIX);
}

/* An extension by its name, and @otherwise what it is if there is none of that name. */
static bool add_installed(struct module_set *set, const char *word, const char *otherwise)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/../extensions/%s%s", default_folder(), word, SUFFIX);
	if (!access(path, F_OK))
		return module_set_add(set, path);
	error_line("load: %s: %s (%s)", word, otherwise, path);
	return false;
}

bool module_set_add_extension(struct module_set *set, const char *word)
{
	struct stat about;

	/* A folder of that name is no module. */
	if (strchr(word, '/') || (!stat(word, &about) && !S_ISDIR(about.st_mode)))
		return module_set_add(set, word);
	return add_installed(set, word, "neither a file nor an installed extension");
}

bool module_set_add_once(struct module_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (is_file_of(set->names[i], name, strlen(name)))
			return true;
	return add_installed(set, name, "this extension is not installed");
}

bool module_set_find(struct module_set *set, const char *folder_or_list)
{
	const char *where = folder_or_list ? folder_or_list : default_folder();
	struct stat about;

	if (stat(where, &about)) {
		error_line("load: %s: %s; --modules names a folder or a list", where, strerror(errno));
		return false;
	}
	return S_ISDIR(about.st_mode) ? find_in_folder(set, where) : find_in_list(set, where);
}

bool module_set_replace(struct module_set *set, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t length = (size_t)(equals - word);

	for (size_t i = 0; i < set->n; i++) {
		if (!is_file_of(set->names[i], word, length))
			continue;
		free(set->paths[i]);
		set->paths[i] = whole_path(equals + 1);
		return set->paths[i];
	}
	error_line("load: --replace %s: no module %.*s%s among those to load", word, (int)length, word,
		   SUFFIX);
	return false;
}

bool module_set_without(struct module_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (!is_file_of(set->names[i], name, strlen(name)))
			continue;
		free(set->paths[i]);
		free(set->names[i]);
		set->n--;
		memmove(&set->names[i], &set->names[i + 1], (set->n - i) * sizeof(set->names[0]));
		memmove(&set->paths[i], &set->paths[i + 1], (set->n - i) * sizeof(set->paths[0]));
		return true;
	}
	error_line("load: --without %s: no module %s%s among those to load", name, name, SUFFIX);
	return false;
}
