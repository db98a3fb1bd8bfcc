/* SPDX-License-Identifier: MIT */
/*
 * Symbol versions. They are validated, so that nothing malformed passes, and
 * then ignored: modules are built together and have none, and for foreign
 * objects the first definition of a name wins, whatever its version. Only that
 * one file may define a name in several of them is known; see index.c.
 * Source: LSB, "Symbol Versioning".
 */
#include "internal.h"

#define RECORD_STEPS  24u
#define SEGMENT_STEPS 3u /* for each PT_LOAD that it may be in */

/* Version definitions and requirements differ in little but field offsets. */
struct list {
	enum rtld_tag tag;
	enum rtld_tag length;
	enum rtld_table table;
	uint32_t record; /* bytes of a record */
	uint32_t aux;	 /* and of one in the list it points to */
};

static const struct list definitions = {
	RTLD_DT_VERDEF,
	RTLD_DT_VERDEFNUM,
	RTLD_T_VERDEF,
	sizeof(struct elf64_verdef),
	sizeof(struct elf64_verdaux),
};

static const struct list requirements = {
	RTLD_DT_VERNEED,
	RTLD_DT_VERNEEDNUM,
	RTLD_T_VERNEED,
	sizeof(struct elf64_verneed),
	sizeof(struct elf64_vernaux),
};

struct record {
	uint32_t count, aux, next;
	uint32_t name; /* of a requirement, its file; else 0 */
};

static struct record read_record(const struct list *l, const void *at)
{
	const struct elf64_verdef *d = at;
	const struct elf64_verneed *n = at;

	if (l == &definitions)
		return (struct record){d->count, d->aux, d->next, 0};
	return (struct record){n->count, n->aux, n->next, n->file};
}

static struct record read_aux(const struct list *l, const void *at)
{
	const struct elf64_verdaux *d = at;
	const struct elf64_vernaux *n = at;

	if (l == &definitions)
		return (struct record){.next = d->next, .name = d->name};
	return (struct record){.next = n->next, .name = n->name};
}

static int check_version_name(struct rtld_module *m, const struct list *l, uint64_t i, uint32_t name)
{
	if (name < m->strings_size)
		return 0;
	return rtld_fail(m, RTLD_STRING_RANGE, l->table, i, name, m->strings_size);
}

/* Bytes of a record, or NULL after reporting why not. */
static const void *view_record(struct rtld_module *m, const struct list *l, uint64_t i, uint64_t vaddr,
			       uint32_t size)
{
	const void *at = vaddr % 4 ? NULL : rtld_view(m, vaddr, size);

	/* Lists of different records may share entries. */
	if (rtld_pay(m, RECORD_STEPS + SEGMENT_STEPS * m->info.segments))
		return NULL;
	if (!at || (uintptr_t)at % 4) {
		rtld_fail(m, RTLD_VERSION_RANGE, l->table, i, vaddr, size);
		return NULL;
	}
	return at;
}

static int check_aux(struct rtld_module *m, const struct list *l, uint64_t i, uint64_t vaddr, uint32_t count)
{
	uint32_t k;

	for (k = 0; k < count; k++) {
		const void *at = view_record(m, l, i, vaddr, l->aux);
		struct record a;

		if (!at)
			return PLINTH_E_FORMAT;
		a = read_aux(l, at);
		if (check_version_name(m, l, i, a.name))
			return PLINTH_E_FORMAT;
		if (k + 1 < count && a.next < l->aux)
			return rtld_fail(m, RTLD_VERSION_CHAIN, l->table, i, a.next, l->aux);
		vaddr += a.next;
	}
	return 0;
}

static int check_list(struct rtld_module *m, const struct list *l)
{
	uint64_t vaddr = m->tag[l->tag], count = m->tag[l->length], i;

	for (i = 0; rtld_has(m, l->tag) && i < count; i++) {
		const void *at = view_record(m, l, i, vaddr, l->record);
		struct record r;

		if (!at)
			return PLINTH_E_FORMAT;
		r = read_record(l, at);
		if (check_version_name(m, l, i, r.name) || check_aux(m, l, i, vaddr + r.aux, r.count))
			return PLINTH_E_FORMAT;
		if (i + 1 < count && r.next < l->record)
			return rtld_fail(m, RTLD_VERSION_CHAIN, l->table, i, r.next, l->record);
		vaddr += r.next;
	}
	return 0;
}

static int check_versym(struct rtld_module *m)
{
	uint64_t size = 2ull * m->info.symbols, room;
	const void *at;

	if (!rtld_has(m, RTLD_DT_VERSYM))
		return 0;
	at = rtld_view_room(m, m->tag[RTLD_DT_VERSYM], &room);
	if (!at)
		return rtld_fail_tag(m, RTLD_TABLE_PLACE, RTLD_DT_VERSYM, size);
	if (size > room)
		return rtld_fail(m, RTLD_VERSYM_RANGE, RTLD_T_VERSYM, 0, size, room);
	return 0;
}

uint32_t rtld_version_of(const struct rtld_module *m, uint32_t symbol)
{
	const uint8_t *word;

	if (!rtld_has(m, RTLD_DT_VERSYM))
		return 0;
	word = rtld_view(m, m->tag[RTLD_DT_VERSYM] + 2ull * symbol, 2);
	return word ? word[0] | word[1] << 8 : 0;
}

int rtld_check_versions(struct rtld_module *m)
{
	int err = check_versym(m);

	if (!err)
		err = check_list(m, &definitions);
	if (!err)
		err = check_list(m, &requirements);
	return err;
}
