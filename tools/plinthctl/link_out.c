/* SPDX-License-Identifier: MIT */
/* The linked segments as files: first all under other names, then all in place, or all as it was. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_line.h"
#include "link_set.h"

/* The name it gets, that until then, and that of the file which had the name before. */
struct segment_file {
	char path[PATH_MAX], part[PATH_MAX], old[PATH_MAX];
	const struct link_set *set;
	uint32_t module, i;
};

/*
 * DIR/NN-NAME.I.bin; a name from a file must not lead out of DIR. False: DIR is too long for the longest of
 * the three.
 */
static bool name_file(const char *dir, struct segment_file *f)
{
	char name[64];
	size_t k;

	snprintf(name, sizeof(name), "%s", rtld_info(f->set->set, f->module)->name);
	for (k = 0; name[k]; k++)
		if (name[k] == '/')
			name[k] = '_';
	snprintf(f->path, sizeof(f->path), "%s/%02u-%s.%u.bin", dir, f->module, name, f->i);
	snprintf(f->old, sizeof(f->old), "%s/%02u-%s.%u.old", dir, f->module, name, f->i);
	k = (size_t)snprintf(f->part, sizeof(f->part), "%s/%02u-%s.%u.part", dir, f->module, name, f->i);
	return k < sizeof(f->part);
}

typedef int step_fn(const struct segment_file *file);

static int cannot(const struct segment_file *file, int why)
{
	error_line("%s: cannot be written: %s", file->path, strerror(why));
	return 1;
}

static int too_long(void)
{
	error_line("--output: the name of the folder is too long; those of files in it may have %d bytes",
		   PATH_MAX - 1);
	return 1;
}

/* What has the name and is no file cannot be replaced, or not be had back: why not, or 0. */
static int is_in_the_way(const char *path)
{
	struct stat there;

	if (lstat(path, &there) || S_ISREG(there.st_mode) || S_ISLNK(there.st_mode))
		return 0;
	return S_ISDIR(there.st_mode) ? EISDIR : EEXIST;
}

static int write_part(const struct segment_file *file)
{
	int why = is_in_the_way(file->path);
	struct rtld_segment g;
	size_t done = 0;
	FILE *f;

	if (!why)
		why = is_in_the_way(file->old);
	if (why)
		return cannot(file, why);
	f = fopen(file->part, "wbe");
	rtld_segment(file->set->set, file->module, file->i, &g);
	if (f) {
		done = fwrite(link_set_segment(file->set, file->module, &g), 1, g.memsz, f);
		if (!fclose(f) && done == g.memsz)
			return 0;
	}
	return cannot(file, errno);
}

static int put_in_place(const struct segment_file *file)
{
	if (rename(file->path, file->old) && errno != ENOENT)
		return cannot(file, errno);
	return rename(file->part, file->path) ? cannot(file, errno) : 0;
}

/*
 * As it was: what was not written has no part and no old file. Without a part, the file
 * is in place already; that which had the name before comes back, if there was one.
 */
static int put_back(const struct segment_file *file)
{
	if (unlink(file->part))
		(void)unlink(file->path);
	(void)rename(file->old, file->path);
	return 0;
}

static int drop_part(const struct segment_file *file)
{
	(void)unlink(file->part);
	return 0;
}

static int drop_old(const struct segment_file *file)
{
	(void)unlink(file->old);
	return 0;
}

/* The step for each file, until one fails; @most files at the most. */
static int for_all(const struct link_set *s, const char *dir, uint32_t most, step_fn *step, uint32_t *done)
{
	static struct segment_file file;
	uint32_t i, n = 0;
	int err = 0;

	file.set = s;
	for (file.module = 0; file.module < rtld_count(s->set); file.module++)
		for (i = 0; i < rtld_info(s->set, file.module)->segments && n < most && !err; i++) {
			file.i = i;
			if (name_file(dir, &file))
				err = step(&file);
			else if (step == write_part)
				err = too_long();
			n++;
		}
	*done = n;
	return err;
}

int link_set_write(const struct link_set *s, const char *dir)
{
	uint32_t done, undone;

	if (for_all(s, dir, UINT32_MAX, write_part, &done)) {
		(void)for_all(s, dir, done, drop_part, &undone);
		return 1;
	}
	if (for_all(s, dir, UINT32_MAX, put_in_place, &done)) {
		(void)for_all(s, dir, done, put_back, &undone);
		(void)for_all(s, dir, UINT32_MAX, drop_part, &undone);
		return 1;
	}
	(void)for_all(s, dir, UINT32_MAX, drop_old, &undone);
	return 0;
}
