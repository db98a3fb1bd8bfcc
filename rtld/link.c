/* SPDX-License-Identifier: MIT */
/* Writing the images, once everything is known to be right. */
#include <string.h>

#include "internal.h"

#define PIECE (1u << 20)

/* A copy of `from`, or zeroes, with pauses. */
static RTLD_COLD void fill_in_pieces(const struct rtld_module *m, uint8_t *to, const uint8_t *from,
				     uint64_t size)
{
	uint64_t done, piece;

	for (done = 0; done < size; done += piece) {
		piece = size - done < PIECE ? size - done : PIECE;
		if (from)
			memcpy(to + done, from + done, piece);
		else
			memset(to + done, 0, piece);
		(void)m->set->pause();
	}
}

static inline void copy(const struct rtld_module *m, uint8_t *to, const uint8_t *from, uint64_t size)
{
	if (m->set->pause)
		fill_in_pieces(m, to, from, size);
	else
		memcpy(to, from, size);
}

static inline void clear_image(const struct rtld_module *m, uint8_t *to, uint64_t size)
{
	if (m->set->pause)
		fill_in_pieces(m, to, NULL, size);
	else
		memset(to, 0, size);
}

/* Every byte of the image that no file gives is zero, also between segments. */
static void copy_segments(const struct rtld_module *m)
{
	uint8_t *image = m->info.write;
	uint64_t done = 0;
	uint32_t k;

	for (k = 0; k < m->info.segments; k++) {
		const struct rtld_segment *s = &m->segment[k];
		uint64_t at = s->vaddr - m->info.low;

		clear_image(m, image + done, at - done);
		copy(m, image + at, m->info.bytes + s->offset, s->filesz);
		done = at + s->filesz;
	}
	clear_image(m, image + done, m->info.image_size - done);
}

/* What an address of the file wants added to be one in the write alias. */
static uintptr_t alias_of(const struct rtld_module *m)
{
	return (uintptr_t)m->info.write - m->info.low;
}

static inline void apply_relative(const struct elf64_rela *r, uintptr_t alias, uint64_t bias)
{
	*(uint64_t *)(alias + r->offset) = r->addend + bias;
}

static void apply_relatives(const struct rtld_module *m)
{
	const struct elf64_rela *r = m->rela, *end = r + m->relatives;
	uintptr_t alias = alias_of(m);
	uint64_t bias = m->bias;

	for (; end - r >= 4; r += 4) {
		apply_relative(r, alias, bias);
		apply_relative(r + 1, alias, bias);
		apply_relative(r + 2, alias, bias);
		apply_relative(r + 3, alias, bias);
	}
	for (; r < end; r++)
		apply_relative(r, alias, bias);
}

/* The addend of JUMP_SLOT is no part of its value; that of GLOB_DAT is 0, see RELOC_ADDEND. */
static void apply_table(const struct rtld_module *m, const struct elf64_rela *r, uint32_t count)
{
	const struct elf64_rela *end = r + count;
	const uint64_t *value = m->value;
	uintptr_t alias = alias_of(m);

	for (; r < end; r++, value++) {
		/* The offset of R_X86_64_NONE is not validated: any value. */
		if (r->type == R_X86_64_NONE)
			continue;
		*(uint64_t *)(alias + r->offset) = *value + (r->type == R_X86_64_JUMP_SLOT ? 0 : r->addend);
	}
}

/* Jump slots are simpler: each has a symbol, and the addend is not used; see RELOC_JUMP. */
static void apply_jumps(const struct rtld_module *m)
{
	const struct elf64_rela *r = m->jmprel, *end = r + m->jmprels;
	const uint64_t *value = m->value + (m->relas - m->relatives);
	uintptr_t alias = alias_of(m);

	for (; r < end; r++, value++)
		*(uint64_t *)(alias + r->offset) = *value;
}

static void write_module(const struct rtld_module *m)
{
	copy_segments(m);
	rtld_apply_relr(m);
	apply_relatives(m);
	apply_table(m, m->rela + m->relatives, m->relas - m->relatives);
	if (m->lazy)
		rtld_prepare_lazy(m);
	else
		apply_jumps(m);
}

static int check_aliases(struct rtld_set *set)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < set->count; i++)
		if (!set->module[i].info.write)
			err = rtld_fail(&set->module[i], RTLD_PLACE_MISSING, RTLD_T_SET, i, 0, 0);
	return err;
}

int rtld_link(struct rtld_set *set, void *work, size_t size)
{
	uint32_t i;
	int err = rtld_resolve(set, work, size);

	if (!err)
		err = check_aliases(set);
	if (err)
		return err;
	for (i = 0; i < set->count; i++)
		write_module(&set->module[i]);
	err = rtld_check_init_targets(set);
	for (i = 0; err && i < set->count; i++)
		clear_image(&set->module[i], set->module[i].info.write, set->module[i].info.image_size);
	set->linked = !err;
	return err;
}
