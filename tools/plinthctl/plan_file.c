/* SPDX-License-Identifier: MIT */
#include "plan_file.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <plinth/control.h>

#include "error_line.h"
#include "read_file.h"

void plan_file_beside(const char *module, char *path, size_t size)
{
	char *copy = strdup(module);

	snprintf(path, size, "%s/%s", copy ? dirname(copy) : ".", PLAN_FILE_NAME);
	free(copy);
}

void *plan_file_read(const char *path, size_t *n_bytes)
{
	const char *why;
	void *plan = read_file(path, PLINTH_CTL_MAX_PLAN_BYTES, n_bytes, &why);

	if (plan)
		return plan;
	if (*n_bytes > PLINTH_CTL_MAX_PLAN_BYTES)
		plan = calloc(1, 1);
	*n_bytes = 0;
	return plan;
}

bool plan_file_write(const char *path, const void *bytes, size_t n_bytes)
{
	/* A new file that takes the name of the old one. */
	char new_path[PATH_MAX + 8];
	FILE *file;
	bool good;

	snprintf(new_path, sizeof(new_path), "%s.new", path);
	file = fopen(new_path, "wbe");
	good = file && fwrite(bytes, 1, n_bytes, file) == n_bytes;
	if (file && fclose(file))
		good = false;
	good = good && !rename(new_path, path);
	if (good)
		return true;
	error_line("%s: cannot be written: %s", path, strerror(errno));
	unlink(new_path);
	return false;
}
