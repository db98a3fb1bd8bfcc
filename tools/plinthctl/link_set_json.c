/* SPDX-License-Identifier: MIT */
/* A module set as JSON. */
#include <nettle/sha2.h>
#include <stdio.h>

#include "foreign.h"
#include "format.h"
#include "link_set.h"
#include "output.h"

const char *link_set_sha256(const void *at, size_t size, char *hex)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx c;
	unsigned int i;

	sha256_init(&c);
	sha256_update(&c, size, at);
	sha256_digest(&c, sizeof(digest), digest);
	for (i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return hex;
}

static struct json_object *segment_json(const struct link_set *s, uint32_t module,
					const struct rtld_segment *segment, bool linked)
{
	struct json_object *o = json_object_new_object();
	char text[65];

	json_add_address(o, "vaddr", segment->vaddr);
	json_add_number(o, "memsz", segment->memsz);
	json_add_text(o, "flags", link_set_flags(segment->flags, text));
	if (linked)
		json_add_text(o, "sha256",
			      link_set_sha256(link_set_segment(s, module, segment), segment->memsz, text));
	return o;
}

static struct json_object *linked_json(const struct link_set *s, uint32_t module, bool linked)
{
	const struct rtld_info *info = rtld_info(s->set, module);
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	struct rtld_segment segment;

	json_add_text(o, "file", info->file);
	json_add_text(o, "name", info->name);
	json_add_address(o, "bias", info->run - info->low);
	for (uint32_t i = 0; rtld_segment(s->set, module, i, &segment); i++)
		json_object_array_add(list, segment_json(s, module, &segment, linked));
	json_object_object_add(o, "segments", list);
	json_add_number(o, "init_array", info->init_count);
	return o;
}

/* The module's own name if it got far enough to have one. */
static const char *module_name(const struct link_set *s, const struct rtld_error *e)
{
	uint32_t i;

	for (i = 0; e->module != RTLD_NONE && i < rtld_count(s->set); i++)
		if (rtld_info(s->set, i)->file == e->file)
			return rtld_info(s->set, i)->name;
	return e->file;
}

struct finding {
	const char *check, *module, *table, *text;
	uint64_t index, value, limit;
};

static struct json_object *finding_json(const struct finding *f)
{
	struct json_object *o = json_object_new_object();

	json_add_text(o, "check", f->check);
	json_add_text(o, "module", f->module);
	json_add_text(o, "table", f->table);
	json_add_number(o, "index", f->index);
	json_add_address(o, "value", f->value);
	json_add_address(o, "limit", f->limit);
	json_add_text(o, "text", f->text);
	return o;
}

static struct json_object *error_json(const struct link_set *s, const struct rtld_error *e)
{
	char line[1024];

	rtld_format_error(e, line, sizeof(line));
	return finding_json(&(struct finding){rtld_check_name(e->check), module_name(s, e),
					      rtld_table_name(e->table), line, e->index, e->value, e->limit});
}

/* The next two: what rtld was never asked about, in the form of its findings. */

static struct json_object *unread_json(const struct link_set_unread *u, uint32_t index)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s: cannot be read: %s", u->path, u->why);
	return finding_json(&(struct finding){"FILE_READ", u->path, "file", line, index, 0, 0});
}

static struct json_object *no_set_json(const struct link_set *s)
{
	char line[128];

	link_set_no_set(s, line, sizeof(line));
	return finding_json(&(struct finding){"SET_FULL", "", "set", line, 0, s->files, RTLD_MAX_MODULES});
}

static struct json_object *unchecked_json(const struct link_set *s)
{
	struct json_object *o = json_object_new_object();

	json_add_number(o, "symbols", s->unchecked_symbols);
	json_add_number(o, "modules", s->unchecked_modules);
	return o;
}

static struct json_object *undefined_json(const struct link_set *s, const struct rtld_error *e)
{
	struct json_object *o = json_object_new_object();

	json_add_text(o, "module", module_name(s, e));
	json_add_text(o, "symbol", e->symbol);
	return o;
}

static struct json_object *plan_json(const struct link_set *s)
{
	struct json_object *o = json_object_new_object();
	char text[512];

	rtld_format_plan(s->set, text, sizeof(text));
	json_object_object_add(o, "used", json_object_new_boolean(rtld_plan_used(s->set)));
	json_add_text(o, "text", text);
	return o;
}

struct json_object *link_set_json(const struct link_set *s, bool linked)
{
	struct json_object *o = json_object_new_object();
	struct json_object *modules = json_object_new_array();
	struct json_object *undefined = json_object_new_array();
	struct json_object *errors = json_object_new_array();
	uint32_t i;

	if (!s->set)
		json_object_array_add(errors, no_set_json(s));
	for (i = 0; s->set && i < rtld_count(s->set); i++)
		json_object_array_add(modules, linked_json(s, i, linked));
	for (i = 0; i < link_set_findings(s); i++) {
		const struct rtld_error *e = &s->errors.list[i];

		if (e->check == RTLD_UNDEFINED)
			json_object_array_add(undefined, undefined_json(s, e));
		if (link_set_is_failure(s, i))
			json_object_array_add(errors, error_json(s, e));
	}
	for (i = 0; i < s->n_unread; i++)
		json_object_array_add(errors, unread_json(&s->unread[i], i));
	json_object_object_add(o, "modules", modules);
	json_object_object_add(o, "undefined", undefined);
	json_object_object_add(o, "errors", errors);
	if (s->unchecked_symbols || s->unchecked_modules)
		json_object_object_add(o, "unchecked", unchecked_json(s));
	if (s->errors.count > link_set_findings(s))
		json_add_number(o, "more", s->errors.count - link_set_findings(s));
	if (s->plan)
		json_object_object_add(o, "plan", plan_json(s));
	return o;
}
