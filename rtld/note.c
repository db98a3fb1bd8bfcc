/* SPDX-License-Identifier: MIT */
/* Notes (gABI, "Note Section"): found in the file, before there is an image. */
#include "internal.h"

#define NOTE_STEPS 40u /* to check it, and to look for another later */

struct note {
	const struct elf64_note *head;
	const char *owner;
	const void *desc;
};

static uint64_t round_up_to(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) & ~(unit - 1);
}

/*
 * Take the note at *at; false at the end and if it does not fit, which leaves
 * *at below the end. Sums of two 32-bit sizes cannot wrap in 64 bits.
 */
static bool next_note(const struct rtld_module *m, const struct elf64_phdr *p, uint64_t *at, struct note *out)
{
	const uint8_t *base = m->info.bytes + p->offset;
	uint64_t unit = p->align == 8 ? 8 : 4;
	uint64_t room = p->filesz - *at, desc, end;

	if (room < sizeof(*out->head))
		return false;
	out->head = (const void *)(base + *at);
	desc = round_up_to(sizeof(*out->head) + out->head->namesz, unit);
	end = desc + out->head->descsz;
	if (end > room)
		return false;
	out->owner = (const char *)(out->head + 1);
	out->desc = base + *at + desc;
	end = round_up_to(end, unit);
	*at += end < room ? end : room;
	return true;
}

static bool is_owner(const struct note *note, const char *owner)
{
	uint32_t i;

	for (i = 0; i < note->head->namesz; i++) {
		if (note->owner[i] != owner[i])
			return false;
		if (!owner[i])
			return i + 1 == note->head->namesz;
	}
	return false;
}

static void keep_build_id(struct rtld_module *m, const struct note *note)
{
	if (!m->build_id && note->head->type == NT_GNU_BUILD_ID && note->head->descsz == RTLD_BUILD_ID &&
	    is_owner(note, "GNU"))
		m->build_id = note->desc;
}

static int check_notes(struct rtld_module *m, uint32_t i)
{
	const struct elf64_phdr *p = &m->phdr[i];
	uint64_t size = m->info.file_size, at = 0;
	struct note note;
	int err = 0;

	if (p->offset > size || p->filesz > size - p->offset || p->offset % 4)
		return rtld_fail(m, RTLD_NOTE_RANGE, RTLD_T_PHDR, i, p->offset, size);
	while (!err && next_note(m, p, &at, &note)) {
		keep_build_id(m, &note);
		err = rtld_pay(m, NOTE_STEPS);
	}
	if (err)
		return err;
	if (at != p->filesz)
		return rtld_fail(m, RTLD_NOTE_ENTRY, RTLD_T_PHDR, i, at, p->filesz);
	return 0;
}

int rtld_check_notes(struct rtld_module *m)
{
	const struct elf64_phdr *p = m->phdr, *end = p + m->phdrs;
	int err = 0;

	for (; p < end && !err; p++)
		if (p->type == PT_NOTE)
			err = check_notes(m, p - m->phdr);
	return err;
}

const void *rtld_find_note(const struct rtld_set *set, uint32_t module, const char *owner, uint32_t type,
			   size_t *size)
{
	const struct rtld_module *m;
	uint32_t i;

	if (module >= set->count)
		return NULL;
	m = &set->module[module];
	for (i = 0; i < m->phdrs; i++) {
		uint64_t at = 0;
		struct note note;

		if (m->phdr[i].type != PT_NOTE)
			continue;
		while (next_note(m, &m->phdr[i], &at, &note))
			if (note.head->type == type && is_owner(&note, owner)) {
				*size = note.head->descsz;
				return note.desc;
			}
	}
	return NULL;
}
