/* SPDX-License-Identifier: MIT */
/* modules FILE...: what files are, before anybody loads them. */
#include "module_files.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plinth/abi.h>

#include "commands.h"
#include "error_line.h"
#include "foreign.h"
#include "link_set.h"
#include "output.h"

/* The files' modules, one after the other. */
struct file {
	const struct rtld_set *set;
	uint32_t module;
	const struct rtld_info *info;
	const struct plinth_module *note;
};

/* The module's note, or NULL with a message. */
static const struct plinth_module *note_of(const struct rtld_set *set, uint32_t module)
{
	size_t bytes = 0;
	const struct plinth_module *note =
		rtld_find_note(set, module, PLINTH_NOTE_NAME, PLINTH_NOTE_MODULE, &bytes);

	if (note && bytes >= sizeof(*note))
		return note;
	error_line("modules: %s: not a Plinth module: it has no note of %s; declare it with PLINTH_MODULE()",
		   rtld_info(set, module)->file, PLINTH_NOTE_NAME);
	return NULL;
}

/* Why the ABI is another one than that of this program and of the driver beside it. */
static const char *abi_remark(uint32_t abi)
{
	if (abi == PLINTH_MODULE_ABI)
		return "";
	return abi < PLINTH_MODULE_ABI ? " (older than this Plinth)" : " (newer than this Plinth)";
}

/* Text of at most so many bytes, and spaces up to a column; none behind the last one, whose width is 0. */
static void print_padded(const char *text, size_t most, int width)
{
	size_t length = strnlen(text, most);
	char *copy = strndup(text, length);

	foreign_print(stdout, copy ? copy : "?");
	free(copy);
	if (width)
		printf("%*s", width > (int)length ? width - (int)length + 1 : 1, "");
}

static void print_file(const struct file *file)
{
	const struct plinth_module *note = file->note;
	const char *name;

	print_padded(file->info->name, SIZE_MAX, 12);
	print_padded(note->name, sizeof(note->name), 12);
	print_padded(note->version, sizeof(note->version), 8);
	printf("abi %u%s  %7" PRIu64 "  ", note->abi, abi_remark(note->abi), file->info->image_size);
	print_padded(note->description, sizeof(note->description), 0);
	printf("\n  from ");
	foreign_print(stdout, file->info->file);
	printf("\n  needs");
	for (uint32_t at = 0; (name = rtld_next_needed(file->set, file->module, &at));) {
		printf(" ");
		foreign_print(stdout, name);
	}
	puts(file->info->needed ? "" : " -");
}

static struct json_object *file_json(const struct file *file)
{
	const struct plinth_module *note = file->note;
	struct json_object *item = json_object_new_object(), *needs = json_object_new_array();
	const char *name;

	for (uint32_t at = 0; (name = rtld_next_needed(file->set, file->module, &at));)
		json_object_array_add(needs, foreign_json(name));
	json_add_text(item, "role", file->info->name);
	json_object_object_add(item, "name", foreign_json_n(note->name, sizeof(note->name)));
	json_object_object_add(item, "version", foreign_json_n(note->version, sizeof(note->version)));
	json_add_number(item, "abi", note->abi);
	json_add_number(item, "bytes", file->info->image_size);
	json_object_object_add(item, "description",
			       foreign_json_n(note->description, sizeof(note->description)));
	json_add_text(item, "file", file->info->file);
	json_object_object_add(item, "needs", needs);
	return item;
}

/* False when one of the set has no note. */
static bool print_set(const struct rtld_set *set, struct json_object *list)
{
	bool good = true;

	for (uint32_t module = 0; module < rtld_count(set); module++) {
		const struct file file = {set, module, rtld_info(set, module), note_of(set, module)};

		good = good && file.note;
		if (file.note && list)
			json_object_array_add(list, file_json(&file));
		else if (file.note)
			print_file(&file);
	}
	return good;
}

int module_files_print(const struct option_words *files, bool json)
{
	struct json_object *list = json ? json_object_new_array() : NULL;
	const struct link_set_options o = {.files = *files};
	struct link_set s;
	bool good = !link_set_open(&s, &o);

	good = s.set && print_set(s.set, list) && good && !link_set_findings(&s);
	link_set_print_errors(&s);
	if (json)
		print_json(list);
	link_set_close(&s);
	return good ? EXIT_OK : EXIT_FAILED;
}
