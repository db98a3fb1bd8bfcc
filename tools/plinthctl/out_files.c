/* SPDX-License-Identifier: MIT */
/* First all under other names, then all in place, or all as it was. */
#include "out_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_line.h"

/* The name a file gets, that until then, and that of the file which had the name before. */
struct places {
	char path[PATH_MAX], part[PATH_MAX], old[PATH_MAX];
	mode_t mode;
};

typedef int step_fn(const struct places *at, const struct out_file *file);

/* False: the folder's name is too long for the longest of the three. */
static bool find_places(const char *folder, const struct out_file *file, struct places *at)
{
	snprintf(at->path, sizeof(at->path), "%s/%s", folder, file->name);
	snprintf(at->old, sizeof(at->old), "%s/%s.old", folder, file->name);
	return (size_t)snprintf(at->part, sizeof(at->part), "%s/%s.part", folder, file->name) <
	       sizeof(at->part);
}

static int cannot(const struct places *at, int why)
{
	error_line("%s: cannot be written: %s", at->path, strerror(why));
	return -1;
}

static int too_long(void)
{
	error_line("--output: the name of the folder is too long; those of files in it may have %d bytes",
		   PATH_MAX - 1);
	return -1;
}

/* What has the name and is no file cannot be replaced, or not be had back: why not, or 0. */
static int is_in_the_way(const char *path)
{
	struct stat there;

	if (lstat(path, &there) || S_ISREG(there.st_mode) || S_ISLNK(there.st_mode))
		return 0;
	return S_ISDIR(there.st_mode) ? EISDIR : EEXIST;
}

/* A file of our own making: in a folder that others write to, too, a link could lead anywhere. */
static FILE *create(const char *path, mode_t mode)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return fd < 0 ? NULL : fdopen(fd, "wb");
}

static int write_part(const struct places *at, const struct out_file *file)
{
	int why = is_in_the_way(at->path);
	size_t done = 0;
	FILE *f;

	if (!why)
		why = is_in_the_way(at->old);
	if (why)
		return cannot(at, why);
	f = create(at->part, at->mode);
	if (f) {
		done = fwrite(file->bytes, 1, file->size, f);
		if (!fclose(f) && done == file->size)
			return 0;
	}
	return cannot(at, errno);
}

static int put_in_place(const struct places *at, const struct out_file *file)
{
	(void)file;
	if (rename(at->path, at->old) && errno != ENOENT)
		return cannot(at, errno);
	return rename(at->part, at->path) ? cannot(at, errno) : 0;
}

/*
 * As it was: what was not written has no part and no old file. Without a part, the file
 * is in place already; that which had the name before comes back, if there was one.
 */
static int put_back(const struct places *at, const struct out_file *file)
{
	(void)file;
	if (unlink(at->part))
		(void)unlink(at->path);
	(void)rename(at->old, at->path);
	return 0;
}

static int drop_part(const struct places *at, const struct out_file *file)
{
	(void)file;
	(void)unlink(at->part);
	return 0;
}

static int drop_old(const struct places *at, const struct out_file *file)
{
	(void)file;
	(void)unlink(at->old);
	return 0;
}

/* The step for each of the first @n files, until one fails; returns how many were tried. */
static size_t for_all(const char *folder, const struct out_file *files, size_t n, step_fn *step, mode_t mode,
		      int *err)
{
	static struct places at;
	size_t i;

	*err = 0;
	at.mode = mode;
	for (i = 0; i < n && !*err; i++) {
		if (find_places(folder, &files[i], &at))
			*err = step(&at, &files[i]);
		else if (step == write_part)
			*err = too_long();
	}
	return i;
}

int out_files_write(const char *folder, const struct out_file *files, size_t n, mode_t mode)
{
	int err, undone;
	size_t tried = for_all(folder, files, n, write_part, mode, &err);

	if (err) {
		(void)for_all(folder, files, tried, drop_part, mode, &undone);
		return -1;
	}
	tried = for_all(folder, files, n, put_in_place, mode, &err);
	if (err) {
		(void)for_all(folder, files, tried, put_back, mode, &undone);
		(void)for_all(folder, files, n, drop_part, mode, &undone);
		return -1;
	}
	(void)for_all(folder, files, n, drop_old, mode, &undone);
	return 0;
}
