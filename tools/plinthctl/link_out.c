/* SPDX-License-Identifier: MIT */
/* The linked segments as files: first all under other names, then all in place. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error_line.h"
#include "link_set.h"

struct segment_file {
	char path[PATH_MAX], part[PATH_MAX]; /* the name it gets, and until then */
};

/* DIR/NN-NAME.I.bin; a name from a file must not lead out of DIR. */
static void name_file(const struct link_set *s, const char *dir, uint32_t module, uint32_t i,
		      struct segment_file *out)
{
	char name[64];
	size_t k;

	snprintf(name, sizeof(name), "%s", rtld_info(s->set, module)->name);
	for (k = 0; name[k]; k++)
		if (name[k] == '/')
			name[k] = '_';
	snprintf(out->path, sizeof(out->path), "%s/%02u-%s.%u.bin", dir, module, name, i);
	snprintf(out->part, sizeof(out->part), "%s/%02u-%s.%u.part", dir, module, name, i);
}

typedef int step_fn(const struct link_set *s, uint32_t module, uint32_t i, const struct segment_file *file);

static int write_part(const struct link_set *s, uint32_t module, uint32_t i, const struct segment_file *file)
{
	struct rtld_segment g;
	size_t done = 0;
	FILE *f = fopen(file->part, "wbe");

	rtld_segment(s->set, module, i, &g);
	if (f) {
		done = fwrite(link_set_segment(s, module, &g), 1, g.memsz, f);
		if (!fclose(f) && done == g.memsz)
			return 0;
	}
	error_line("%s: cannot be written: %s", file->path, strerror(errno));
	return 1;
}

static int put_in_place(const struct link_set *s, uint32_t module, uint32_t i,
			const struct segment_file *file)
{
	(void)s;
	(void)module;
	(void)i;
	if (!rename(file->part, file->path))
		return 0;
	error_line("%s: cannot be written: %s", file->path, strerror(errno));
	return 1;
}

static int drop_part(const struct link_set *s, uint32_t module, uint32_t i, const struct segment_file *file)
{
	(void)s;
	(void)module;
	(void)i;
	(void)unlink(file->part);
	return 0;
}

static int for_all(const struct link_set *s, const char *dir, step_fn *step)
{
	static struct segment_file file;
	uint32_t m, i;
	int err = 0;

	for (m = 0; m < rtld_count(s->set) && !err; m++)
		for (i = 0; i < rtld_info(s->set, m)->segments && !err; i++) {
			name_file(s, dir, m, i, &file);
			err = step(s, m, i, &file);
		}
	return err;
}

int link_set_write(const struct link_set *s, const char *dir)
{
	int err = for_all(s, dir, write_part);

	if (!err)
		err = for_all(s, dir, put_in_place);
	if (err)
		(void)for_all(s, dir, drop_part);
	return err;
}
