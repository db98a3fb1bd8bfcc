/* SPDX-License-Identifier: MIT */
/* The dynamic section (gABI, "Dynamic Section"): which tables are there, where, and how long. */
#include "internal.h"

/* What to do with a tag; other values are the check that refuses it. */
enum { KEEP = RTLD_CHECKS, SKIP };

static const struct rule {
	uint64_t tag;
	uint8_t policy;
} rules[RTLD_TAGS] = {
#define RTLD_KEEP(id, tag)	  RTLD_TAG(id, tag, KEEP)
#define RTLD_TAG(id, tag, policy) [RTLD_DT_##id] = {tag, policy},
#include "tags.def"
#undef RTLD_TAG
};

/*
 * Slots by a number that is different for each tag that is known; were two
 * equal, the compiler would complain, and another factor be looked for. Unknown
 * tags lead to any slot.
 */
#define TAG_KEY(tag) ((uint32_t)(tag)*0x53fdf07du >> 25)

static const uint8_t slots[128] = {
#define RTLD_TAG(id, tag, policy) [TAG_KEY(tag)] = RTLD_DT_##id,
#include "tags.def"
#undef RTLD_KEEP
#undef RTLD_TAG
};

/* What a tag makes no sense without. */
#define BIT(id) (1ull << RTLD_DT_##id)
_Static_assert(RTLD_KEPT_TAGS <= 64, "a bit for each");

static const uint64_t wants[RTLD_KEPT_TAGS] = {
	[RTLD_DT_RELA] = BIT(RELASZ) | BIT(RELAENT),
	[RTLD_DT_RELASZ] = BIT(RELA),
	[RTLD_DT_JMPREL] = BIT(PLTRELSZ) | BIT(PLTREL),
	[RTLD_DT_PLTRELSZ] = BIT(JMPREL),
	[RTLD_DT_RELR] = BIT(RELRSZ) | BIT(RELRENT),
	[RTLD_DT_RELRSZ] = BIT(RELR),
	[RTLD_DT_INIT_ARRAY] = BIT(INIT_ARRAYSZ),
	[RTLD_DT_INIT_ARRAYSZ] = BIT(INIT_ARRAY),
	[RTLD_DT_FINI_ARRAY] = BIT(FINI_ARRAYSZ),
	[RTLD_DT_FINI_ARRAYSZ] = BIT(FINI_ARRAY),
	[RTLD_DT_VERDEF] = BIT(VERDEFNUM),
	[RTLD_DT_VERNEED] = BIT(VERNEEDNUM),
};

/* What every file must have. */
#define ALWAYS (BIT(STRTAB) | BIT(STRSZ) | BIT(SYMTAB) | BIT(SYMENT))

static RTLD_COLD int fail_entry(struct rtld_module *m, enum rtld_check check, uint32_t i)
{
	return rtld_fail(m, check, RTLD_T_DYNAMIC, i, m->dyn[i].tag, 0);
}

#define DYN_STEPS 12u /* here, in string.c and in order.c */

/* Tags seen, and those that they make no sense without: a bit for each. */
struct seen {
	uint64_t tags;
	uint64_t wanted;
};

static inline int keep_tag(struct rtld_module *m, uint32_t i, const struct elf64_dyn *d, struct seen *seen)
{
	uint32_t slot = slots[TAG_KEY(d->tag)];

	if (rules[slot].tag != d->tag)
		return fail_entry(m, RTLD_TAG_UNKNOWN, i);
	if (rules[slot].policy != KEEP)
		return rules[slot].policy == SKIP ? 0 : fail_entry(m, (enum rtld_check)rules[slot].policy, i);
	if (seen->tags & 1ull << slot)
		return fail_entry(m, RTLD_TAG_TWICE, i);
	if (slot == RTLD_DT_SONAME)
		m->names_end = i + 1;
	seen->tags |= 1ull << slot;
	seen->wanted |= wants[slot];
	m->tag_at[slot] = i + 1;
	m->tag[slot] = d->value;
	return 0;
}

static int read_tags(struct rtld_module *m, struct seen *seen)
{
	uint64_t n = m->dynamic.size / sizeof(*m->dyn);
	const struct elf64_dyn *d = m->dyn;
	uint32_t i;
	int err = rtld_pay(m, DYN_STEPS * n);

	if (err)
		return err;
	for (i = 0; i < n; i++, d++) {
		if (d->tag == DT_NEEDED) {
			m->info.needed++;
			m->names_end = i + 1;
			continue;
		}
		if (!d->tag) {
			m->dyns = i;
			return 0;
		}
		err = keep_tag(m, i, d, seen);
		if (err)
			return err;
	}
	return rtld_fail(m, RTLD_DYNAMIC_END, RTLD_T_DYNAMIC, 0, n, 0);
}

int rtld_fail_tag(struct rtld_module *m, enum rtld_check check, enum rtld_tag tag, uint64_t limit)
{
	uint32_t at = m->tag_at[tag];

	return rtld_fail(m, check, RTLD_T_DYNAMIC, at ? at - 1 : 0, at ? m->tag[tag] : rules[tag].tag, limit);
}

static RTLD_COLD int fail_view(struct rtld_module *m, enum rtld_tag tag, uint64_t size, uint64_t align)
{
	if (!rtld_view(m, m->tag[tag], size))
		return rtld_fail_tag(m, RTLD_TABLE_PLACE, tag, size);
	return rtld_fail_tag(m, RTLD_TABLE_ALIGN, tag, align);
}

int rtld_tag_view(struct rtld_module *m, enum rtld_tag tag, uint64_t size, uint64_t align, const void **out)
{
	uint64_t at = m->tag[tag];

	*out = rtld_view(m, at, size);
	if (*out && !((at | (uintptr_t)*out) & (align - 1)))
		return 0;
	return fail_view(m, tag, size, align);
}

/* The tag that wants this one; 0: every file must have it. */
static uint64_t who_wants(const struct rtld_module *m, uint32_t missing)
{
	uint32_t slot;

	for (slot = 0; slot < RTLD_KEPT_TAGS; slot++)
		if (rtld_has(m, slot) && wants[slot] >> missing & 1)
			return rules[slot].tag;
	return 0;
}

static int check_wanted(struct rtld_module *m, const struct seen *seen)
{
	uint64_t missing = seen->wanted & ~seen->tags;
	uint32_t slot = missing ? __builtin_ctzll(missing) : 0;

	return missing ? rtld_fail_tag(m, RTLD_TAG_MISSING, slot, who_wants(m, slot)) : 0;
}

/* Entry sizes, and the one relocation form that x86-64 has. */
static const struct {
	uint8_t tag, value;
} fixed[] = {
	{RTLD_DT_SYMENT, sizeof(struct elf64_sym)},
	{RTLD_DT_RELAENT, sizeof(struct elf64_rela)},
	{RTLD_DT_RELRENT, 8},
	{RTLD_DT_PLTREL, DT_RELA},
};

static const struct {
	uint8_t tag, unit;
} sizes[] = {
	{RTLD_DT_RELASZ, sizeof(struct elf64_rela)},
	{RTLD_DT_PLTRELSZ, sizeof(struct elf64_rela)},
	{RTLD_DT_RELRSZ, 8},
	{RTLD_DT_INIT_ARRAYSZ, 8},
	{RTLD_DT_FINI_ARRAYSZ, 8},
};

static int check_sizes(struct rtld_module *m)
{
	uint32_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (rtld_has(m, fixed[i].tag) && m->tag[fixed[i].tag] != fixed[i].value)
			return rtld_fail_tag(m, RTLD_TAG_ENTSIZE, fixed[i].tag, fixed[i].value);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (m->tag[sizes[i].tag] % sizes[i].unit)
			return rtld_fail_tag(m, RTLD_TAG_SIZE, sizes[i].tag, sizes[i].unit);
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
	struct seen seen = {.wanted = ALWAYS};
	int err = read_tags(m, &seen);

	if (!err)
		err = check_flags(m);
	if (!err)
		err = check_wanted(m, &seen);
	if (!err)
		err = check_sizes(m);
	return err;
}
