/* SPDX-License-Identifier: MIT */
/* modules FILE...: what files are, before anybody loads them. */
#include "module_files.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include <plinth/abi.h>

#include "commands.h"
#include "error_line.h"
#include "link_set.h"
#include "options.h"

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

static void print_file(const struct file *file)
{
	const struct plinth_module *note = file->note;
	const char *name;

	printf("%-12s %-12.32s %-8.16s abi %u%s  %7" PRIu64 "  %.96s\n", file->info->name, note->name,
	       note->version, note->abi, abi_remark(note->abi), file->info->image_size, note->description);
	printf("  from %s\n  needs", file->info->file);
	for (uint32_t at = 0; (name = rtld_next_needed(file->set, file->module, &at));)
		printf(" %s", name);
	puts(file->info->needed ? "" : " -");
}

static struct json_object *text_json(const char *text, size_t size)
{
	size_t length = 0;

	while (length < size && text[length])
		length++;
	return json_object_new_string_len(text, (int)length);
}

static struct json_object *file_json(const struct file *file)
{
	const struct plinth_module *note = file->note;
	struct json_object *item = json_object_new_object(), *needs = json_object_new_array();
	const char *name;

	for (uint32_t at = 0; (name = rtld_next_needed(file->set, file->module, &at));)
		json_object_array_add(needs, json_object_new_string(name));
	json_object_object_add(item, "role", json_object_new_string(file->info->name));
	json_object_object_add(item, "name", text_json(note->name, sizeof(note->name)));
	json_object_object_add(item, "version", text_json(note->version, sizeof(note->version)));
	json_object_object_add(item, "abi", json_object_new_uint64(note->abi));
	json_object_object_add(item, "bytes", json_object_new_uint64(file->info->image_size));
	json_object_object_add(item, "description", text_json(note->description, sizeof(note->description)));
	json_object_object_add(item, "file", json_object_new_string(file->info->file));
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

int module_files_print(char **paths, int files, bool json)
{
	struct json_object *list = json ? json_object_new_array() : NULL;
	struct link_set s;
	bool good = !link_set_open(&s, paths, (uint32_t)files, 0);

	good = s.set && print_set(s.set, list) && good && !link_set_findings(&s);
	link_set_print_errors(&s);
	if (json)
		print_json(list);
	link_set_close(&s);
	return good ? EXIT_OK : EXIT_FAILED;
}
