/* SPDX-License-Identifier: MIT */
#include "vmi_profile.h"

#include <ctype.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

#define LETTERS	   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	   "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
#define PATH_MOST  1023 /* bytes; LibVMI cuts the rest */
#define OWN_LINE   "# Written by plinthctl vmi-profile, which replaces it the next time.\n"

static const struct {
	const char *word; /* in the configuration */
	const char *structure, *member;
} wanted[VMI_MEMBERS] = {
	{"linux_tasks", "task_struct", "tasks"}, {"linux_mm", "task_struct", "mm"},
	{"linux_pid", "task_struct", "pid"},	 {"linux_name", "task_struct", "comm"},
	{"linux_pgd", "mm_struct", "pgd"},
};

void vmi_profile_init(struct vmi_profile *profile, const char *domain)
{
	*profile = (struct vmi_profile){.domain = domain};
	for (int i = 0; i < VMI_MEMBERS; i++)
		profile->members[i] = (struct kernel_member){wanted[i].structure, wanted[i].member, 0};
}

/* -- what the configuration's grammar takes ------------------------------------------------- */

static bool is_number(const char *word)
{
	return !word[strspn(word, DIGITS)] ||
	       (!strncmp(word, "0x", 2) && !word[2 + strspn(word + 2, HEX_DIGITS)]);
}

/* Words that the grammar takes for what they mean to it, wherever they stand. */
static const char *const keywords[] = {
	"kpgd",
	"ostype",
	"pagemode",
	"rekall_profile",
	"sysmap",
	"volatility_ist",
	"linux_addr",
	"linux_init_task",
	"linux_kaslr",
	"linux_mm",
	"linux_name",
	"linux_pgd",
	"linux_pid",
	"linux_tasks",
	"win_kdbg",
	"win_kdvb",
	"win_kpcr",
	"win_ntoskrnl",
	"win_ntoskrnl_va",
	"win_pdbase",
	"win_pid",
	"win_pname",
	"win_sysproc",
	"win_tasks",
	"freebsd_name",
	"freebsd_pgd",
	"freebsd_pid",
	"freebsd_pmap",
	"freebsd_vmspace",
	"aarch64_ttbr0_granule_size",
	"aarch64_ttbr0_va_width",
	"aarch64_ttbr1_granule_size",
	"aarch64_ttbr1_va_width",
};

bool vmi_profile_is_keyword(const char *word)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (!strcmp(keywords[i], word))
			return true;
	return false;
}

/* Two characters at least; one alone is something else there. */
bool vmi_profile_is_domain(const char *word)
{
	return isalnum((unsigned char)word[0]) && word[1] && !word[strspn(word, LETTERS DIGITS "._-")] &&
	       !is_number(word);
}

/* Without a slash it would not be taken for the name of a file. */
bool vmi_profile_is_path(const char *path)
{
	return path[0] == '/' && !path[strspn(path, LETTERS DIGITS "/._@-")] && strlen(path) <= PATH_MOST;
}

bool vmi_profile_is_own(const char *text, size_t size)
{
	return size >= strlen(OWN_LINE) && !memcmp(text, OWN_LINE, strlen(OWN_LINE));
}

/* -- the files ----------------------------------------------------------------------------- */

static void write_conf(FILE *to, const struct vmi_profile *profile, const char *sysmap)
{
	fprintf(to,
		OWN_LINE "# Addresses and offsets are of one kernel, since one boot.\n"
			 "%s {\n\tostype = \"Linux\";\n\tsysmap = \"%s\";\n",
		profile->domain, sysmap);
	for (int i = 0; i < VMI_MEMBERS; i++)
		fprintf(to, "\t%s = 0x%" PRIx64 ";\n", wanted[i].word, profile->members[i].offset);
	fputs("}\n", to);
}

static void write_sysmap(FILE *to, const struct vmi_profile *profile, const char *unused)
{
	(void)unused;
	for (size_t i = 0; i < profile->n_symbols; i++)
		if (profile->symbols[i].type)
			fprintf(to, "%016" PRIx64 " %c %s\n", profile->symbols[i].address,
				profile->symbols[i].type, profile->symbols[i].name);
}

/* The object of that name in an object; a new one if there is none yet. */
static struct json_object *inner(struct json_object *in, const char *name)
{
	struct json_object *object;

	if (json_object_object_get_ex(in, name, &object))
		return object;
	object = json_object_new_object();
	json_object_object_add(in, name, object);
	return object;
}

static void write_profile(FILE *to, const struct vmi_profile *profile, const char *unused)
{
	struct json_object *document = json_object_new_object();

	(void)unused;
	inner(inner(document, "metadata"), "linux");
	for (size_t i = 0; i < profile->n_symbols; i++)
		if (profile->symbols[i].type)
			json_add_number(inner(inner(document, "symbols"), profile->symbols[i].name),
					"address", profile->symbols[i].address);
	for (int i = 0; i < VMI_MEMBERS; i++) {
		const struct kernel_member *m = &profile->members[i];
		struct json_object *type = inner(inner(document, "user_types"), m->structure);

		json_add_number(inner(inner(type, "fields"), m->member), "offset", m->offset);
	}
	write_json(to, document);
}

static char *text_by(void (*write)(FILE *, const struct vmi_profile *, const char *),
		     const struct vmi_profile *profile, const char *sysmap)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	write(to, profile, sysmap);
	return fclose(to) ? NULL : text;
}

char *vmi_profile_conf(const struct vmi_profile *profile, const char *sysmap)
{
	return text_by(write_conf, profile, sysmap);
}

char *vmi_profile_sysmap(const struct vmi_profile *profile)
{
	return text_by(write_sysmap, profile, NULL);
}

char *vmi_profile_json(const struct vmi_profile *profile)
{
	return text_by(write_profile, profile, NULL);
}
