/* SPDX-License-Identifier: MIT */
/* vmi-profile: what LibVMI has to know of the running kernel, as files that it reads. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "error_line.h"
#include "foreign.h"
#include "options.h"
#include "out_files.h"
#include "output.h"
#include "paging.h"
#include "read_file.h"
#include "vmi_profile.h"

#define CONF	  "libvmi.conf"
#define SYSMAP	  "libvmi.sysmap"
#define PROFILE	  "libvmi.json"
#define CONF_MOST (1 << 20) /* bytes of a configuration that may be our own */

static struct {
	const char *domain, *folder, *types, *symbols;
	struct option_words more;
	bool json;
} options = {.domain = "dom0", .folder = ".", .types = KERNEL_TYPES_FILE, .symbols = KALLSYMS_FILE};

static void take_domain(const char *word, void *to)
{
	if (!vmi_profile_is_domain(word))
		usage_error("LibVMI takes two or more letters, digits and . _ - that begin with a letter or "
			    "digit and are no number");
	if (vmi_profile_is_keyword(word))
		usage_error("LibVMI's configuration has this word for something else: choose another name");
	option_text(word, to);
}

static const struct option_row rows[] = {
	{"output", 'o', "DIR", "write " CONF ", " SYSMAP " and " PROFILE " there (default: here)",
	 option_file, &options.folder, 0},
	{"name", 'n', "NAME", "the domain is called so (default: dom0)", take_domain, &options.domain, 0},
	{"btf", 'b', "FILE", "type information (default: " KERNEL_TYPES_FILE ")", option_file, &options.types,
	 0},
	{"kallsyms", 'k', "FILE", "addresses, also a System.map (default: " KALLSYMS_FILE ")", option_file,
	 &options.symbols, 0},
	{"json", 'j', NULL, "print JSON, errors too", option_json, &options.json, 0},
	{0},
};

/* Those that LibVMI and its tools look for; without the first nothing works. */
static const struct kernel_address usual[] = {
	{"init_task", true, 0, 0},
	{"linux_banner", false, 0, 0},
	{"modules", false, 0, 0},
};

enum { USUAL = sizeof(usual) / sizeof(usual[0]) };

/* Where the three files are going to be. */
struct outputs {
	char folder[PATH_MAX], conf[PATH_MAX + 32], sysmap[PATH_MAX + 32], profile[PATH_MAX + 32];
};

static int find_outputs(struct outputs *out)
{
	if (!realpath(options.folder, out->folder)) {
		error_line("--output %s: no folder for files: %s", options.folder, strerror(errno));
		return -1;
	}
	snprintf(out->conf, sizeof(out->conf), "%s/" CONF, out->folder);
	snprintf(out->sysmap, sizeof(out->sysmap), "%s/" SYSMAP, out->folder);
	snprintf(out->profile, sizeof(out->profile), "%s/" PROFILE, out->folder);
	if (vmi_profile_is_path(out->sysmap))
		return 0;
	error_line("%s: LibVMI's configuration cannot name it: it takes letters, digits and / . _ @ -, less "
		   "than "
		   "1024; choose another folder with --output",
		   out->sysmap);
	return -1;
}

/* A configuration can have other domains in it. */
static int keep_foreign(const char *conf)
{
	struct stat there;
	const char *why;
	size_t size;
	char *text;
	bool own;

	if (stat(conf, &there) || !S_ISREG(there.st_mode))
		return 0;
	text = read_file(conf, CONF_MOST, &size, &why);
	own = text && vmi_profile_is_own(text, size);
	free(text);
	if (own)
		return 0;
	error_line("%s: is not by plinthctl, and is kept: move it away, or choose another folder with "
		   "--output and add to it what is written there",
		   conf);
	return -1;
}

/* The usual symbols, and those on the command line, which have to be there. */
static int add_symbols(struct vmi_profile *profile)
{
	size_t n = USUAL + (size_t)options.more.n;

	profile->symbols = calloc(n, sizeof(*profile->symbols));
	if (!profile->symbols) {
		error_line("vmi-profile: out of memory for %zu symbols", n);
		return -1;
	}
	memcpy(profile->symbols, usual, sizeof(usual));
	profile->n_symbols = USUAL;
	for (int i = 0; i < options.more.n; i++)
		profile->symbols[profile->n_symbols++] =
			(struct kernel_address){.name = options.more.list[i], .needed = true};
	return 0;
}

static int write_all(const struct vmi_profile *profile, const struct outputs *out)
{
	char *conf = vmi_profile_conf(profile, out->sysmap), *sysmap = vmi_profile_sysmap(profile);
	char *json = vmi_profile_json(profile);
	int err = -1;

	if (conf && sysmap && json) {
		/* The first refers to the second. Where a kernel lies is nobody's business but root's. */
		const struct out_file files[] = {
			{SYSMAP, sysmap, strlen(sysmap)},
			{PROFILE, json, strlen(json)},
			{CONF, conf, strlen(conf)},
		};

		err = out_files_write(out->folder, files, 3, 0600);
	} else {
		error_line("vmi-profile: out of memory for what is to be written");
	}
	free(conf);
	free(sysmap);
	free(json);
	return err;
}

static void print_profile(const struct vmi_profile *profile, const struct outputs *out)
{
	struct json_object *document = json_object_new_object(), *list = json_object_new_object();
	char name[128];

	json_add_text(document, "domain", profile->domain);
	json_add_text(document, "conf", out->conf);
	json_add_text(document, "sysmap", out->sysmap);
	json_add_text(document, "profile", out->profile);
	for (int i = 0; i < VMI_MEMBERS; i++) {
		snprintf(name, sizeof(name), "%s.%s", profile->members[i].structure,
			 profile->members[i].member);
		json_add_number(list, name, profile->members[i].offset);
	}
	json_object_object_add(document, "offsets", list);
	list = json_object_new_object();
	for (size_t i = 0; i < profile->n_symbols; i++)
		if (profile->symbols[i].type)
			json_add_address(list, profile->symbols[i].name, profile->symbols[i].address);
	json_object_object_add(document, "symbols", list);
	print_json(document);
}

static void print_places(const struct vmi_profile *profile, const struct outputs *out)
{
	foreign_print(stdout, out->conf);
	printf(": domain %s, with " SYSMAP "; " PROFILE " has the same for programs that take a profile\n",
	       profile->domain);
}

static int run_vmi_profile(struct vmi_profile *profile)
{
	struct outputs out;

	if (find_outputs(&out) || keep_foreign(out.conf) || add_symbols(profile) ||
	    kernel_types_find(options.types, profile->members, VMI_MEMBERS) ||
	    kallsyms_find(options.symbols, profile->symbols, profile->n_symbols) || write_all(profile, &out))
		return -1;
	if (!strcmp(options.symbols, KALLSYMS_FILE) && paging_has_five_levels())
		note_line("note: this kernel uses five-level paging, which LibVMI cannot walk: it takes a "
			  "kernel "
			  "started with no5lvl");
	if (options.json)
		print_profile(profile, &out);
	else
		print_places(profile, &out);
	return 0;
}

int cmd_vmi_profile(int argc, char **argv)
{
	const struct option_table table = {
		.about =
			"Write what LibVMI has to know of the running kernel: a configuration, which it "
			"finds in "
			"the folder it is started in, and a JSON profile. With KASLR, again after each boot. "
			"SYMBOLs are further ones that its programs are to find.",
		.rows = rows,
		.words_about = "[SYMBOL...]",
		.words = &options.more,
	};
	struct vmi_profile profile;
	int err;

	options_take(argc, argv, &table);
	vmi_profile_init(&profile, options.domain);
	err = run_vmi_profile(&profile);
	free(profile.symbols);
	return err ? EXIT_FAILED : EXIT_OK;
}
