/* SPDX-License-Identifier: MIT */
/*
 * Binding the modules of a set, and what is found then: as many findings as there are, if memory allows. See
 * link_set.h.
 */
#include <stdlib.h>

#include "error_line.h"
#include "format.h"
#include "link_set.h"

/* There are more findings than room: is there for all of them now? */
static bool make_room(struct link_set *s)
{
	struct rtld_error *more;

	if (s->errors.count <= s->errors.room)
		return false;
	more = reallocarray(s->errors.list, s->errors.count, sizeof(*more));
	if (!more)
		return false;
	s->errors.list = more;
	s->errors.room = s->errors.count;
	return true;
}

/* That a module has no place, if it could not be placed, is told already: by why not. */
static void drop_missing_places(struct link_set *s, uint32_t first)
{
	uint32_t i, kept = first, n = link_set_findings(s);

	for (i = first; i < n; i++)
		if (s->errors.list[i].check != RTLD_PLACE_MISSING)
			s->errors.list[kept++] = s->errors.list[i];
	link_set_drop(s, n - kept);
}

void link_set_drop(struct link_set *s, uint32_t dropped)
{
	/* What was only counted does not move up. */
	if (s->errors.count > s->errors.room)
		s->errors.room -= dropped;
	s->errors.count -= dropped;
}

static int resolve_or_link(struct link_set *s, size_t size, bool write)
{
	return write ? rtld_link(s->set, s->work, size) : rtld_resolve(s->set, s->work, size);
}

int link_set_link(struct link_set *s, bool write)
{
	size_t size = rtld_work_size(s->set);
	uint32_t before = s->errors.count;
	int err;

	s->work = malloc(size);
	if (!s->work) {
		error_line("out of memory");
		return -1;
	}
	err = resolve_or_link(s, size, write);
	if (make_room(s)) {
		s->errors.count = before;
		err = resolve_or_link(s, size, write);
	}
	drop_missing_places(s, before);
	return err ? -1 : 0;
}

bool link_set_is_failure(const struct link_set *s, uint32_t i)
{
	return s->errors.list[i].check != RTLD_UNDEFINED || !(s->flags & RTLD_RULES_ELF);
}

uint32_t link_set_findings(const struct link_set *s)
{
	return s->errors.count < s->errors.room ? s->errors.count : s->errors.room;
}

void link_set_print_errors(const struct link_set *s)
{
	uint32_t i, n = link_set_findings(s);
	unsigned int highest = n ? rtld_highest_version(s->set, &s->errors) : 1;
	char line[1024];

	for (i = 0; i < n; i++) {
		rtld_format_in(s->set, highest, &s->errors.list[i], line, sizeof(line));
		if (link_set_is_failure(s, i))
			error_line("%s", line);
		else
			note_line("note: %s", line);
	}
	if (s->errors.count > n)
		error_line("and %u more", s->errors.count - n);
}
