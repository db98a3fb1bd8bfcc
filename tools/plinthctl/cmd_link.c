/* SPDX-License-Identifier: MIT */
/* plinthctl link: link modules in user space, without running anything. */
#include <inttypes.h>
#include <stdio.h>

#include "commands.h"
#include "foreign.h"
#include "format.h"
#include "link_set.h"
#include "options.h"

static const char usage[] =
	"usage: plinthctl link [--base ADDR] [--lazy] [--elf-rules] [--json] "
	"[-o DIR] [--plan FILE] MODULE...";

static void print_segments(const struct link_set *s, uint32_t module)
{
	const struct rtld_info *info = rtld_info(s->set, module);
	struct rtld_segment g;
	uint32_t i;

	link_set_print_name(info);
	printf(" at 0x%" PRIx64 ", %" PRIu64 " bytes\n", info->run, info->image_size);
	for (i = 0; rtld_segment(s->set, module, i, &g); i++) {
		char flags[4], hex[65];

		printf("  0x%016" PRIx64 " %10" PRIu64 " %s %s\n",
		       g.vaddr - info->low + info->run, g.memsz,
		       link_set_flags(g.flags, flags),
		       link_set_sha256(link_set_segment(s, module, &g),
					 g.memsz, hex));
	}
}

static int link_set(struct link_set *s, const struct link_set_options *o)
{
	if (link_set_open(s, o->paths, o->files, o->flags))
		return 1;
	/* With a file refused, what the others miss would only be noise. */
	if (s->errors.count)
		return 1;
	if (link_set_layout(s, o->base, true))
		return 1;
	if (o->plan && link_set_read_plan(s, o->plan))
		return 1;
	return link_set_link(s, true) ? 1 : 0;
}

static void print_plan(const struct link_set *s, const char *path)
{
	char text[512];

	rtld_format_plan(s->set, text, sizeof(text));
	printf("plan ");
	foreign_print(stdout, path);
	printf(": %s\n", text);
}

int cmd_link(int argc, char **argv)
{
	struct link_set_options o;
	struct link_set s;
	bool linked;
	uint32_t i;
	int status = link_set_parse(&o, argc, argv, "beljop", usage);

	if (status)
		return status;
	status = link_set(&s, &o);
	linked = !status;
	if (linked && o.output)
		status = link_set_write(&s, o.output);
	if (o.json)
		print_json(link_set_json(&s, linked));
	else
		link_set_print_errors(&s);
	if (linked && !o.json && o.plan)
		print_plan(&s, o.plan);
	for (i = 0; linked && !o.json && i < rtld_count(s.set); i++)
		print_segments(&s, i);
	link_set_close(&s);
	return status;
}
