/* SPDX-License-Identifier: MIT */
/* Arguments of the commands check, link and plan. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link_set.h"
#include "options.h"

static int parse_address(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (!errno && end != text && !*end && *text >= '0' && *text <= '9' &&
	    *out % RTLD_PAGE == 0)
		return 0;
	fprintf(stderr, "plinthctl: --base %s: give a multiple of %u below "
		"2^64, such as 0x10000000\n", text, RTLD_PAGE);
	return 2;
}

/* An empty name would be that of a file in the root folder, or of none. */
static int take_output(struct link_set_options *o, const char *name)
{
	o->output = name;
	if (*name)
		return 0;
	fprintf(stderr, "plinthctl: --output: the name is empty\n");
	return 2;
}

static int take(struct link_set_options *o, int option)
{
	switch (option) {
	case 'b':
		return parse_address(optarg, &o->base);
	case 'e':
		o->flags |= RTLD_RULES_ELF;
		return 0;
	case 'l':
		o->flags |= RTLD_LAZY_PLT;
		return 0;
	case 'j':
		options_take_json(&o->json);
		return 0;
	case 'p':
		o->plan = optarg;
		return 0;
	case 'o':
		return take_output(o, optarg);
	default:
		return 2;
	}
}

static const struct option all_options[] = {
	{ "base", required_argument, NULL, 'b' },
	{ "elf-rules", no_argument, NULL, 'e' },
	{ "lazy", no_argument, NULL, 'l' },
	{ "json", no_argument, NULL, 'j' },
	{ "plan", required_argument, NULL, 'p' },
	{ "output", required_argument, NULL, 'o' },
	{ "out", required_argument, NULL, 'o' },	/* the same, as it was called before */
	{ "help", no_argument, NULL, 'h' },
};

#define N_OPTIONS (sizeof(all_options) / sizeof(all_options[0]))

/* The ones a command has, in a list that ends as getopt wants it. */
static void choose(struct option *options, const char *letters)
{
	size_t i, n = 0;

	for (i = 0; i < N_OPTIONS; i++)
		if (all_options[i].val == 'h' ||
		    strchr(letters, all_options[i].val))
			options[n++] = all_options[i];
	options[n] = (struct option){ 0 };
}

int link_set_parse(struct link_set_options *o, int argc, char **argv,
		     const char *letters, const char *usage)
{
	struct option options[N_OPTIONS + 1];
	char shorts[8] = "";
	int c, err = 0;

	choose(options, letters);
	strcat(shorts, strchr(letters, 'o') ? "o:" : "");
	strcat(shorts, strchr(letters, 'j') ? "j" : "");
	*o = (struct link_set_options){ .base = LINK_SET_BASE };
	optind = 0;
	while (!err && (c = getopt_long(argc, argv, shorts, options, NULL)) != -1) {
		if (c == 'h') {
			puts(usage);
			exit(0);
		}
		err = take(o, c);
	}
	o->paths = argv + optind;
	o->files = argc - optind;
	if (!err && o->files > 0)
		return 0;
	if (!err)
		fprintf(stderr, "plinthctl: no module given\n");
	fprintf(stderr, "%s\n", usage);
	return 2;
}
