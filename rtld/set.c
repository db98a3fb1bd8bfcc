/* SPDX-License-Identifier: MIT */
/* A set of modules in the caller's memory. */
#include <string.h>

#include "internal.h"

size_t rtld_set_size(uint32_t modules)
{
	if (!modules || modules > RTLD_MAX_MODULES)
		return 0;
	return sizeof(struct rtld_set) + modules * (sizeof(struct rtld_module) + sizeof(uint32_t));
}

struct rtld_set *rtld_set_init(void *arena, size_t size, uint32_t modules, uint32_t flags,
			       struct rtld_errors *errors)
{
	struct rtld_set *set = arena;
	size_t need = rtld_set_size(modules);

	if (!need || size < need || !arena || (uintptr_t)arena % 16 || !errors ||
	    flags & ~(RTLD_RULES_ELF | RTLD_LAZY_PLT))
		return NULL;
	memset(set, 0, sizeof(*set));
	set->room = modules;
	set->flags = flags;
	set->errors = errors;
	set->granted = RTLD_STEPS;
	set->order = (uint32_t *)&set->module[modules];
	return set;
}

enum step { HEADER, SEGMENTS, NOTES, DYNAMIC, STRINGS, HASH, RELOCS, RELR, SYMBOLS, VERSIONS, INIT, STEPS };

#define AFTER(step) (1u << (step))

/* The steps of a probe in order, and whose proofs each relies on. */
static const struct {
	int (*check)(struct rtld_module *m);
	uint32_t relies_on;
} steps[STEPS] = {
	[HEADER] = {rtld_check_header, 0},
	[SEGMENTS] = {rtld_check_segments, AFTER(HEADER)},
	[NOTES] = {rtld_check_notes, AFTER(SEGMENTS)},
	[DYNAMIC] = {rtld_check_dynamic, AFTER(SEGMENTS)},
	[STRINGS] = {rtld_check_strings, AFTER(DYNAMIC)},
	[HASH] = {rtld_check_hash, AFTER(STRINGS)},
	[RELOCS] = {rtld_check_relocs, AFTER(HASH)},
	[RELR] = {rtld_check_relr, AFTER(DYNAMIC)},
	[SYMBOLS] = {rtld_check_symbols, AFTER(RELOCS)},
	[VERSIONS] = {rtld_check_versions, AFTER(SYMBOLS)},
	[INIT] = {rtld_check_init, AFTER(DYNAMIC)},
};

/* The file is refused; what else is wrong with it, as far as that can be looked at? */
static RTLD_COLD void check_rest(struct rtld_module *m, uint32_t first)
{
	uint32_t i, failed = AFTER(first);

	for (i = first + 1; i < STEPS && m->set->budget; i++)
		if (steps[i].relies_on & failed || steps[i].check(m))
			failed |= AFTER(i);
}

static int check_all(struct rtld_module *m)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < STEPS && !err; i++)
		err = steps[i].check(m);
	if (err)
		check_rest(m, i - 1);
	return err;
}

static int report_full(struct rtld_set *set, const char *file)
{
	const struct rtld_error error = {
		.check = RTLD_SET_FULL,
		.table = RTLD_T_SET,
		.module = set->probed,
		.other = RTLD_NONE,
		.value = set->count + 1ull,
		.limit = set->room,
		.file = file,
	};

	return rtld_report(set, &error);
}

int rtld_probe(struct rtld_set *set, const char *file, const void *bytes, size_t size)
{
	struct rtld_module *m = &set->module[set->count];
	int err;

	if (!file || !bytes)
		return PLINTH_E_INVAL;
	if (set->count == set->room)
		return report_full(set, file);
	memset(m, 0, offsetof(struct rtld_module, segment));
	m->set = set;
	m->place = set->count;
	m->position = set->probed++;
	m->info.file = file;
	m->info.bytes = bytes;
	m->info.file_size = size;
	m->info.align = RTLD_PAGE;
	rtld_grant(set, size / 4 * RTLD_STEPS_FOR_4 + RTLD_STEPS);
	err = check_all(m);
	if (!err && set->flags & RTLD_LAZY_PLT)
		err = rtld_choose_lazy(m);
	if (err)
		return err;
	set->granted += rtld_steps_left(set);
	set->resolved = false;
	set->linked = false;
	return (int)set->count++;
}

uint32_t rtld_count(const struct rtld_set *set)
{
	return set->count;
}

const struct rtld_info *rtld_info(const struct rtld_set *set, uint32_t module)
{
	return module < set->count ? &set->module[module].info : NULL;
}

bool rtld_segment(const struct rtld_set *set, uint32_t module, uint32_t i, struct rtld_segment *out)
{
	if (module >= set->count || i >= set->module[module].info.segments)
		return false;
	*out = set->module[module].segment[i];
	return true;
}

int rtld_find_module(const struct rtld_set *set, const char *name)
{
	uint32_t i;

	for (i = 0; i < set->count; i++)
		if (!strcmp(set->module[i].info.name, name))
			return (int)i;
	return PLINTH_E_NOSYM;
}
