/* SPDX-License-Identifier: MIT */
/* plinthctl check: would these modules load together? */
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "commands.h"
#include "error_line.h"
#include "foreign.h"
#include "link_set.h"
#include "output.h"

static void print_layout(const struct link_set *s, uint32_t module)
{
	const struct rtld_info *info = rtld_info(s->set, module);
	struct rtld_cursor at = {0};
	struct rtld_region r;

	link_set_print_name(info);
	printf(": %" PRIu64 " bytes, alignment %" PRIu64 ", %u exports, %u relocations, %u relative, "
	       "%u start and %u end functions\n",
	       info->image_size, info->align, info->exports, info->relocations, info->relative,
	       info->init_count, info->fini_count);
	if (rtld_is_lazy(s->set, module))
		printf("  jump slots are filled at the first call\n");
	while (rtld_next_region(s->set, module, &at, &r)) {
		char flags[4];

		printf("  0x%016" PRIx64 " %10" PRIu64 " %s%s\n", r.run, r.size,
		       link_set_flags(r.perms, flags), r.sealed ? " sealed after linking" : "");
	}
}

static void print_bindings(const struct link_set *s, uint32_t module)
{
	struct rtld_cursor at = {0};
	struct rtld_binding b;

	while (rtld_next_binding(s->set, module, &at, &b)) {
		const struct rtld_info *from = rtld_info(s->set, b.module);

		if (b.module == module)
			continue;
		printf("  ");
		foreign_print(stdout, b.name);
		printf(" <- ");
		foreign_print(stdout, from ? from->name : "nobody");
		puts(b.weak ? " (weak reference)" : "");
	}
}

static void print_order(const struct link_set *s)
{
	uint32_t i;

	printf("start order:");
	for (i = 0; i < rtld_count(s->set); i++) {
		printf(" ");
		foreign_print(stdout, rtld_info(s->set, rtld_in_order(s->set, i))->name);
	}
	printf("\n");
}

/*
 * Nobody knows what a file that was refused would have provided. So what the others miss is only
 * counted then; what else is wrong with the set is told.
 */
static void count_missing(struct link_set *s, uint32_t refused)
{
	uint32_t i, kept = refused, n = link_set_findings(s);
	struct rtld_error *list = s->errors.list;

	for (i = refused; i < n; i++) {
		if (list[i].check == RTLD_UNDEFINED)
			s->unchecked_symbols++;
		else if (list[i].check == RTLD_NEEDED_MISSING)
			s->unchecked_modules++;
		else
			list[kept++] = list[i];
	}
	link_set_drop(s, n - kept);
}

/* Which file keeps us from knowing; one of them, if there are more. */
static void print_unchecked(const struct link_set *s)
{
	const char *file = s->n_unread ? s->unread[0].path : s->errors.list[0].file;

	if (s->unchecked_symbols || s->unchecked_modules)
		note_line("note: undefined symbols (%u) and missing modules (%u) not checked, because %s was "
			  "refused and may provide them",
			  s->unchecked_symbols, s->unchecked_modules, file);
}

int check_set(struct link_set *s, const struct link_set_options *o)
{
	int err = link_set_open(s, o);
	uint32_t refused = s->errors.count;

	if (!s->set)
		return 1;
	err |= link_set_layout(s, o->base, false);
	err |= link_set_link(s, false);
	if (refused || s->n_unread)
		count_missing(s, refused);
	return err || refused;
}

void check_print(const struct link_set *s)
{
	link_set_print_errors(s);
	print_unchecked(s);
}

static struct link_set_options options = {.base = LINK_SET_BASE};

static const struct option_row rows[] = {
	LINK_SET_ROWS(options),
	{0},
};

int cmd_check(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Say whether modules would load together, and every reason why not; of those that "
			 "would, layout and who provides what.",
		.rows = rows,
		.words_about = "MODULE...",
		.words = &options.files,
		.no_words = "which modules?",
	};
	struct link_set s;
	int status;

	options_take(argc, argv, &table);
	status = check_set(&s, &options);
	if (options.json) {
		print_json(link_set_json(&s, false));
	} else {
		for (uint32_t i = 0; s.set && i < rtld_count(s.set); i++) {
			print_layout(&s, i);
			print_bindings(&s, i);
		}
		if (!status)
			print_order(&s);
		check_print(&s);
		printf("%s\n", status ? "would not load" : "would load");
	}
	link_set_close(&s);
	return status ? EXIT_FAILED : EXIT_OK;
}
