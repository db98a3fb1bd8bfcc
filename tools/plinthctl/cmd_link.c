/* SPDX-License-Identifier: MIT */
/* plinthctl link: link modules in user space, without running anything. */
#include <inttypes.h>
#include <stdio.h>

#include "commands.h"
#include "foreign.h"
#include "format.h"
#include "link_set.h"
#include "output.h"

static void print_segments(const struct link_set *s, uint32_t module)
{
	const struct rtld_info *info = rtld_info(s->set, module);
	struct rtld_segment g;
	uint32_t i;

	link_set_print_name(info);
	printf(" at 0x%" PRIx64 ", %" PRIu64 " bytes\n", info->run, info->image_size);
	for (i = 0; rtld_segment(s->set, module, i, &g); i++) {
		char flags[4], hex[65];

		printf("  0x%016" PRIx64 " %10" PRIu64 " %s %s\n", g.vaddr - info->low + info->run, g.memsz,
		       link_set_flags(g.flags, flags),
		       link_set_sha256(link_set_segment(s, module, &g), g.memsz, hex));
	}
}

static void print_plan(const struct link_set *s, const char *path)
{
	char text[512];

	rtld_format_plan(s->set, text, sizeof(text));
	printf("plan ");
	foreign_print(stdout, path);
	printf(": %s\n", text);
}

static struct link_set_options options = {.base = LINK_SET_BASE};

static const struct option_row rows[] = {
	LINK_SET_ROWS(options),
	{"output", 'o', "DIR", "write each segment to a file of its own there", option_file, &options.output,
	 0},
	{"plan", 0, "FILE", "use this link plan, and say whether it fits", option_text, &options.plan, 0},
	{0},
};

int cmd_link(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Link modules in this process, without running them, and show each segment: "
			 "address, size, rights, SHA-256.",
		.rows = rows,
		.words_about = "MODULE...",
		.words = &options.files,
		.no_words = "which modules?",
	};
	struct link_set s;
	bool linked, good;

	options_take(argc, argv, &table);
	linked = !link_set_try(&s, &options, true);
	good = linked && (!options.output || !link_set_write(&s, options.output));
	if (options.json)
		print_json(link_set_json(&s, linked));
	else
		link_set_print_errors(&s);
	if (linked && !options.json && options.plan)
		print_plan(&s, options.plan);
	for (uint32_t i = 0; linked && !options.json && i < rtld_count(s.set); i++)
		print_segments(&s, i);
	link_set_close(&s);
	return good ? EXIT_OK : EXIT_FAILED;
}
