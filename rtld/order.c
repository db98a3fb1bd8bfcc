/* SPDX-License-Identifier: MIT */
/*
 * Names of modules, DT_NEEDED, and the order of initialisation: a depth-first
 * walk without recursion, the path back kept in `parent`.
 */
#include <string.h>

#include "internal.h"

/* A slot that is looked at, and each byte of the name that is compared there. */
#define SLOT_STEPS   8u
#define LETTER_STEPS 3u
#define PATH_STEPS   2u /* a byte that may be a slash */

struct names {
	uint32_t *slot; /* module + 1, 0 if empty */
	uint32_t mask;
};

struct name {
	const char *text;
	uint64_t length;
	uint32_t key;
};

/* Few names of modules agree in the first and in the last eight bytes. */
static struct name hash_name(const char *text, uint64_t length)
{
	struct name name = {.text = text, .length = length};
	uint64_t first = 0, last = 0;

	if (name.length < 8) {
		memcpy(&first, text, name.length);
	} else {
		memcpy(&first, text, 8);
		memcpy(&last, text + name.length - 8, 8);
	}
	name.key = (first + 31 * last) * 0x9e3779b97f4a7c15ull >> 32;
	return name;
}

static bool is_called(const struct rtld_module *m, const struct name *name)
{
	const char *own = m->info.name;

	return !strncmp(own, name->text, name->length) && !own[name->length];
}

/* The slot of that name, or the empty one where it belongs; NULL: it takes too long. */
static inline uint32_t *find_name_slot(const struct names *names, struct rtld_set *set,
				       const struct name *name)
{
	uint32_t at = name->key & names->mask;

	for (; names->slot[at]; at = (at + 1) & names->mask) {
		if (!rtld_spend(set, SLOT_STEPS + LETTER_STEPS * name->length))
			return NULL;
		if (is_called(&set->module[names->slot[at] - 1], name))
			break;
	}
	return &names->slot[at];
}

static int report_name(struct rtld_module *m, enum rtld_check check, enum rtld_table table, uint64_t index,
		       const char *name, uint32_t other)
{
	const struct rtld_error error = {
		.check = check,
		.table = table,
		.module = m->position,
		.other = other,
		.index = index,
		.symbol = name,
		.file = m->info.file,
	};

	return rtld_report(m->set, &error);
}

/* Without DT_SONAME a module has its file's name, which no file gives. */
static int measure(const struct rtld_module *m, const char *name, uint64_t *length)
{
	if (name != m->info.name || rtld_has(m, RTLD_DT_SONAME))
		return rtld_name_length(m, name, length);
	*length = strlen(name);
	return 0;
}

static int index_names(struct names *names, struct rtld_set *set)
{
	struct name name;
	uint32_t i;
	int err = 0;

	for (i = 0; i < set->count; i++) {
		struct rtld_module *m = &set->module[i];
		uint32_t *slot;
		uint64_t length;

		if (measure(m, m->info.name, &length))
			return PLINTH_E_LIMIT;
		name = hash_name(m->info.name, length);
		slot = find_name_slot(names, set, &name);
		if (!slot)
			return PLINTH_E_LIMIT;
		if (!*slot)
			*slot = i + 1;
		else
			err = report_name(m, RTLD_NAME_TWICE, RTLD_T_SET, i, m->info.name,
					  set->module[*slot - 1].position);
	}
	return err;
}

/* The slot of what DT_NEEDED names, empty or not; NULL: it takes too long. */
static uint32_t *find_needed(const struct names *names, struct rtld_module *m, const char *text)
{
	struct name name;
	const char *base;
	uint64_t length;
	uint32_t *slot;

	if (measure(m, text, &length))
		return NULL;
	name = hash_name(text, length);
	slot = find_name_slot(names, m->set, &name);
	if (!slot || *slot)
		return slot;
	/* A library without DT_SONAME is needed by the path that the linker was given. */
	if (!rtld_spend(m->set, PATH_STEPS * length))
		return NULL;
	base = rtld_base_name(text);
	if (base == text || !*base)
		return slot;
	name = hash_name(base, length - (base - text));
	return find_name_slot(names, m->set, &name);
}

/* The next module that m needs and that is in the set; NULL at the end, also of the budget. */
static struct rtld_module *next_needed(const struct names *names, struct rtld_module *m, int *err)
{
	struct rtld_set *set = m->set;
	const char *text;

	while ((text = rtld_next_needed(set, m->place, &m->walk))) {
		uint32_t *slot = find_needed(names, m, text);

		if (!slot)
			return NULL;
		if (*slot) {
			if (*slot <= 64)
				m->needs |= 1ull << (*slot - 1);
			return &set->module[*slot - 1];
		}
		if (!(set->flags & RTLD_RULES_ELF))
			*err = report_name(m, RTLD_NEEDED_MISSING, RTLD_T_NEEDED, m->walk - 1, text,
					   RTLD_NONE);
	}
	return NULL;
}

static void visit(const struct names *names, struct rtld_set *set, struct rtld_module *m, int *err)
{
	m->visit = RTLD_OPEN;
	m->parent = RTLD_NONE;
	while (true) {
		struct rtld_module *dep = next_needed(names, m, err);

		if (!dep) {
			m->visit = RTLD_DONE;
			set->order[set->ordered++] = m->place;
			if (m->parent == RTLD_NONE)
				return;
			m = &set->module[m->parent];
		} else if (dep->visit == RTLD_UNSEEN) {
			dep->visit = RTLD_OPEN;
			dep->parent = m->place;
			m = dep;
		} else if (dep->visit == RTLD_OPEN && !(set->flags & RTLD_RULES_ELF)) {
			*err = report_name(m, RTLD_NEEDED_CYCLE, RTLD_T_NEEDED, m->walk - 1, dep->info.name,
					   dep->position);
		}
	}
}

int rtld_check_order(struct rtld_set *set, uint32_t *slots, uint32_t count)
{
	struct names names = {slots, count - 1};
	uint32_t i;
	int err;

	memset(slots, 0, count * sizeof(*slots));
	set->ordered = 0;
	for (i = 0; i < set->count; i++) {
		set->module[i].visit = RTLD_UNSEEN;
		set->module[i].walk = 0;
		set->module[i].needs = 0;
	}
	err = index_names(&names, set);
	for (i = 0; i < set->count; i++)
		if (set->module[i].visit == RTLD_UNSEEN)
			visit(&names, set, &set->module[i], &err);
	return err;
}

int rtld_in_order(const struct rtld_set *set, uint32_t i)
{
	return i < set->ordered ? (int)set->order[i] : PLINTH_E_NOSYM;
}

uint64_t rtld_needs(const struct rtld_set *set, uint32_t module)
{
	return module < set->count ? set->module[module].needs : 0;
}
