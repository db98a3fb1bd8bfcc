/* SPDX-License-Identifier: MIT */
/* Files as an rtld set in this process; see link_set.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "error_line.h"
#include "foreign.h"
#include "format.h"
#include "link_set.h"
#include "read_file.h"

#define ROOM 65536u /* findings kept at first; see link_bind.c */

/* Only by its size rtld refuses it, whatever is in it. */
static void *read_module(const char *path, size_t *size, const char **why)
{
	void *bytes = read_file(path, RTLD_MAX_FILE, size, why);

	return bytes || *size <= RTLD_MAX_FILE ? bytes : calloc(1, RTLD_PAGE);
}

static int make_set(struct link_set *s)
{
	size_t size = rtld_set_size(s->files);
	char line[128];

	s->bytes = calloc(s->files, sizeof(*s->bytes));
	s->unread = calloc(s->files, sizeof(*s->unread));
	s->errors.list = calloc(ROOM, sizeof(*s->errors.list));
	s->errors.room = ROOM;
	s->arena = size ? malloc(size) : NULL;
	if (s->bytes && s->unread && s->errors.list && s->arena)
		s->set = rtld_set_init(s->arena, size, s->files, s->flags, &s->errors);
	if (s->set)
		return 0;
	link_set_no_set(s, line, sizeof(line));
	error_line("%s", line);
	return -1;
}

void link_set_no_set(const struct link_set *s, char *line, size_t size)
{
	if (s->files > RTLD_MAX_MODULES)
		snprintf(line, size, "cannot make a set of %u files; at most %u are possible", s->files,
			 RTLD_MAX_MODULES);
	else
		snprintf(line, size, "cannot make a set of %u files: out of memory", s->files);
}

int link_set_open(struct link_set *s, const struct link_set_options *o)
{
	char **paths = o->files.list;
	int err;

	*s = (struct link_set){
		.files = (uint32_t)o->files.n,
		.flags = (o->elf_rules ? RTLD_RULES_ELF : 0) | (o->lazy ? RTLD_LAZY_PLT : 0),
	};
	err = make_set(s);
	for (uint32_t i = 0; s->set && i < s->files; i++) {
		const char *why;
		size_t size = 0;

		s->bytes[i] = read_module(paths[i], &size, &why);
		if (s->bytes[i]) {
			(void)rtld_probe(s->set, paths[i], s->bytes[i], size);
			continue;
		}
		s->unread[s->n_unread++] = (struct link_set_unread){.path = paths[i], .why = why};
		error_line("%s: cannot be read: %s", paths[i], why);
		err = -1;
	}
	return err;
}

static int read_offered_plan(struct link_set *s, const char *path)
{
	const char *why;
	size_t size = 0;

	s->plan = read_file(path, RTLD_MAX_FILE, &size, &why);
	if (!s->plan) {
		error_line("%s: cannot be read: %s", path, why);
		return -1;
	}
	rtld_set_plan(s->set, s->plan, size);
	return 0;
}

/* Offset of each module from the first one, all of it modulo 2^64. */
static uint64_t next_start(const struct link_set *s, uint32_t i, uint64_t base, uint64_t end)
{
	uint64_t align = rtld_info(s->set, i)->align;

	return i ? (end + align - 1) / align * align : base;
}

static uint64_t layout_end(const struct link_set *s, uint64_t base)
{
	uint64_t end = base;
	uint32_t i;

	for (i = 0; i < rtld_count(s->set); i++)
		end = next_start(s, i, base, end) + rtld_info(s->set, i)->image_size;
	return end;
}

static int get_memory(struct link_set *s, uint64_t base)
{
	uint64_t size = layout_end(s, base) - base;

	s->image = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s->image_size = size ? size : 1;
	if (s->image != MAP_FAILED)
		return 0;
	s->image = NULL;
	error_line("cannot get %llu bytes for the images: %s", (unsigned long long)size, strerror(errno));
	return -1;
}

int link_set_layout(struct link_set *s, uint64_t base, bool memory)
{
	uint64_t end = base;
	uint32_t i;
	int err = 0;

	if (memory && get_memory(s, base))
		return -1;
	for (i = 0; i < rtld_count(s->set); i++) {
		uint64_t start = next_start(s, i, base, end);

		if (rtld_place(s->set, i, memory ? s->image + (start - base) : NULL, start))
			err = -1;
		end = start + rtld_info(s->set, i)->image_size;
	}
	return err;
}

int link_set_try(struct link_set *s, const struct link_set_options *o, bool write)
{
	if (link_set_open(s, o) || s->errors.count || link_set_layout(s, o->base, write) ||
	    (o->plan && read_offered_plan(s, o->plan)))
		return -1;
	return link_set_link(s, write);
}

const uint8_t *link_set_segment(const struct link_set *s, uint32_t module, const struct rtld_segment *segment)
{
	const struct rtld_info *info = rtld_info(s->set, module);

	return info->write + (segment->vaddr - info->low);
}

void link_set_print_name(const struct rtld_info *info)
{
	foreign_print(stdout, info->name);
	printf(" (");
	foreign_print(stdout, info->file);
	printf(")");
}

const char *link_set_flags(uint32_t flags, char *text)
{
	text[0] = flags & RTLD_R ? 'r' : '-';
	text[1] = flags & RTLD_W ? 'w' : '-';
	text[2] = flags & RTLD_X ? 'x' : '-';
	text[3] = 0;
	return text;
}

void link_set_close(struct link_set *s)
{
	uint32_t i;

	for (i = 0; s->bytes && i < s->files; i++)
		free(s->bytes[i]);
	if (s->image)
		munmap(s->image, s->image_size);
	free(s->bytes);
	free(s->unread);
	free(s->plan);
	free(s->errors.list);
	free(s->arena);
	free(s->work);
	*s = (struct link_set){0};
}
