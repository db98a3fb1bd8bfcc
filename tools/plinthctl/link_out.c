/* SPDX-License-Identifier: MIT */
/* The linked segments as files. */
#include <stdio.h>
#include <stdlib.h>

#include "error_line.h"
#include "link_set.h"
#include "out_files.h"

/* NN-NAME.I.bin, whatever the module's name has in it. */
static void name_file(const struct link_set *s, uint32_t module, uint32_t i, char *to)
{
	char name[64];

	snprintf(name, sizeof(name), "%s", rtld_info(s->set, module)->name);
	for (char *at = name; *at; at++)
		if (*at == '/')
			*at = '_';
	snprintf(to, OUT_FILE_NAME_BYTES, "%02u-%s.%u.bin", module, name, i);
}

static size_t count_segments(const struct link_set *s)
{
	size_t n = 0;

	for (uint32_t module = 0; module < rtld_count(s->set); module++)
		n += rtld_info(s->set, module)->segments;
	return n;
}

static void list_segments(const struct link_set *s, struct out_file *to)
{
	struct rtld_segment g;

	for (uint32_t module = 0; module < rtld_count(s->set); module++)
		for (uint32_t i = 0; rtld_segment(s->set, module, i, &g); i++, to++) {
			name_file(s, module, i, to->name);
			to->bytes = link_set_segment(s, module, &g);
			to->size = g.memsz;
		}
}

int link_set_write(const struct link_set *s, const char *dir)
{
	size_t n = count_segments(s);
	struct out_file *files = calloc(n, sizeof(*files));
	int err = -1;

	if (files) {
		list_segments(s, files);
		err = out_files_write(dir, files, n, 0666);
	} else {
		error_line("%s: out of memory for a list of %zu files", dir, n);
	}
	free(files);
	return err;
}
