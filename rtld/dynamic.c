/* SPDX-License-Identifier: MIT */
/* The dynamic section: which tables are there, where, and how long. */
#include "internal.h"

/* What to do with a tag; smaller values are the check that refuses it. */
enum { KEEP = RTLD_CHECKS, SKIP };

static const struct rule {
	uint64_t tag;
	uint8_t policy;
} rules[RTLD_TAGS] = {
#define RTLD_TAG(id, tag, policy) [RTLD_DT_##id] = { tag, policy },
#include "tags.def"
#undef RTLD_TAG
};

/* The slot of a tag, RTLD_TAGS if it is unknown. */
static uint32_t find_slot(uint64_t tag)
{
	uint32_t low = 0, high = RTLD_TAGS;

	/* The tags of the gABI are numbered with few gaps, so it is near. */
	if (tag <= RTLD_DT_RUNPATH + 1)
		return tag - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (rules[middle].tag < tag)
			low = middle + 1;
		else
			high = middle;
	}
	return low < RTLD_TAGS && rules[low].tag == tag ? low : RTLD_TAGS;
}

static int keep_tag(struct rtld_module *m, uint32_t i)
{
	uint64_t tag = m->dyn[i].tag;
	uint32_t slot = find_slot(tag);

	if (slot == RTLD_TAGS)
		return rtld_fail(m, RTLD_TAG_UNKNOWN, RTLD_T_DYNAMIC, i, tag, 0);
	if (rules[slot].policy < KEEP)
		return rtld_fail(m, (enum rtld_check)rules[slot].policy,
				 RTLD_T_DYNAMIC, i, tag, 0);
	if (rules[slot].policy == SKIP)
		return 0;
	if (m->tag_at[slot])
		return rtld_fail(m, RTLD_TAG_TWICE, RTLD_T_DYNAMIC, i, tag, 0);
	if (slot == RTLD_DT_SONAME)
		m->names_end = i + 1;
	m->tag_at[slot] = i + 1;
	m->tag[slot] = m->dyn[i].value;
	return 0;
}

static int read_tags(struct rtld_module *m)
{
	uint64_t n = m->dynamic.size / sizeof(*m->dyn);
	uint32_t i;

	for (i = 0; i < n; i++) {
		int err;

		if (m->dyn[i].tag == DT_NEEDED) {
			m->info.needed++;
			m->names_end = i + 1;
			continue;
		}
		if (!m->dyn[i].tag) {
			m->dyns = i;
			return 0;
		}
		err = keep_tag(m, i);
		if (err)
			return err;
	}
	return rtld_fail(m, RTLD_DYNAMIC_END, RTLD_T_DYNAMIC, 0, n, 0);
}

int rtld_fail_tag(struct rtld_module *m, enum rtld_check check,
		  enum rtld_tag tag, uint64_t limit)
{
	uint32_t at = m->tag_at[tag];

	return rtld_fail(m, check, RTLD_T_DYNAMIC, at ? at - 1 : 0,
			 at ? m->tag[tag] : rules[tag].tag, limit);
}

int rtld_tag_view(struct rtld_module *m, enum rtld_tag tag, uint64_t size,
		  uint64_t align, const void **out)
{
	const void *at = rtld_view(m, m->tag[tag], size);

	if (!at)
		return rtld_fail_tag(m, RTLD_TABLE_PLACE, tag, size);
	if (m->tag[tag] % align || (uintptr_t)at % align)
		return rtld_fail_tag(m, RTLD_TABLE_ALIGN, tag, align);
	*out = at;
	return 0;
}

/* Tags that make no sense without others. */
static const struct { uint8_t tag, wants; } pairs[] = {
	{ RTLD_DT_RELA, RTLD_DT_RELASZ },	{ RTLD_DT_RELASZ, RTLD_DT_RELA },
	{ RTLD_DT_RELA, RTLD_DT_RELAENT },
	{ RTLD_DT_JMPREL, RTLD_DT_PLTRELSZ },	{ RTLD_DT_PLTRELSZ, RTLD_DT_JMPREL },
	{ RTLD_DT_JMPREL, RTLD_DT_PLTREL },
	{ RTLD_DT_RELR, RTLD_DT_RELRSZ },	{ RTLD_DT_RELRSZ, RTLD_DT_RELR },
	{ RTLD_DT_RELR, RTLD_DT_RELRENT },
	{ RTLD_DT_INIT_ARRAY, RTLD_DT_INIT_ARRAYSZ },
	{ RTLD_DT_INIT_ARRAYSZ, RTLD_DT_INIT_ARRAY },
	{ RTLD_DT_FINI_ARRAY, RTLD_DT_FINI_ARRAYSZ },
	{ RTLD_DT_FINI_ARRAYSZ, RTLD_DT_FINI_ARRAY },
	{ RTLD_DT_VERDEF, RTLD_DT_VERDEFNUM },	{ RTLD_DT_VERNEED, RTLD_DT_VERNEEDNUM },
};

static const uint8_t always[] = {
	RTLD_DT_STRTAB, RTLD_DT_STRSZ, RTLD_DT_SYMTAB, RTLD_DT_SYMENT,
};

static int check_pairs(struct rtld_module *m)
{
	uint32_t i;

	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (!rtld_has(m, always[i]))
			return rtld_fail_tag(m, RTLD_TAG_MISSING, always[i], 0);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (rtld_has(m, pairs[i].tag) && !rtld_has(m, pairs[i].wants))
			return rtld_fail_tag(m, RTLD_TAG_MISSING,
					     pairs[i].wants,
					     rules[pairs[i].tag].tag);
	return 0;
}

/* Entry sizes, and the one relocation form that x86-64 has. */
static const struct { uint8_t tag, value; } fixed[] = {
	{ RTLD_DT_SYMENT, sizeof(struct elf64_sym) },
	{ RTLD_DT_RELAENT, sizeof(struct elf64_rela) },
	{ RTLD_DT_RELRENT, 8 },
	{ RTLD_DT_PLTREL, DT_RELA },
};

static const struct { uint8_t tag, unit; } sizes[] = {
	{ RTLD_DT_RELASZ, sizeof(struct elf64_rela) },
	{ RTLD_DT_PLTRELSZ, sizeof(struct elf64_rela) },
	{ RTLD_DT_RELRSZ, 8 },
	{ RTLD_DT_INIT_ARRAYSZ, 8 },
	{ RTLD_DT_FINI_ARRAYSZ, 8 },
};

static int check_sizes(struct rtld_module *m)
{
	uint32_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (rtld_has(m, fixed[i].tag) &&
		    m->tag[fixed[i].tag] != fixed[i].value)
			return rtld_fail_tag(m, RTLD_TAG_ENTSIZE, fixed[i].tag,
					     fixed[i].value);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (m->tag[sizes[i].tag] % sizes[i].unit)
			return rtld_fail_tag(m, RTLD_TAG_SIZE, sizes[i].tag,
					     sizes[i].unit);
	return 0;
}

static int check_flags(struct rtld_module *m)
{
	uint64_t flags = m->tag[RTLD_DT_FLAGS];

	if (flags & DF_TEXTREL)
		return rtld_fail_tag(m, RTLD_TAG_TEXTREL, RTLD_DT_FLAGS, 0);
	if (flags & DF_STATIC_TLS)
		return rtld_fail_tag(m, RTLD_TAG_TLS, RTLD_DT_FLAGS, 0);
	if (m->tag[RTLD_DT_FLAGS_1] & DF_1_PIE)
		return rtld_fail_tag(m, RTLD_TAG_PIE, RTLD_DT_FLAGS_1, 0);
	m->symbolic = rtld_has(m, RTLD_DT_SYMBOLIC) || flags & DF_SYMBOLIC;
	return 0;
}

int rtld_check_dynamic(struct rtld_module *m)
{
	int err = read_tags(m);

	if (!err)
		err = check_flags(m);
	if (!err)
		err = check_pairs(m);
	if (!err)
		err = check_sizes(m);
	return err;
}
