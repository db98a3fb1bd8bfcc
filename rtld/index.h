/* SPDX-License-Identifier: MIT */
/*
 * The definitions of a set by name, and finding one. In a header because the
 * one loop that looks names up (resolve.c) does little else.
 */
#ifndef RTLD_INDEX_H
#define RTLD_INDEX_H

#include "name.h"

struct rtld_index {
	struct rtld_set *set;
	uint32_t *slot; /* provider; 0: empty */
	uint32_t mask;
	uint32_t shift;
	bool twice; /* a name was defined twice */
	bool rows;  /* names with one word are in rows of their own, see index.c */
};

/* Entering a definition whose slot is free; and looking at a slot with a name in hand. */
#define RTLD_EXPORT_STEPS 8ull
#define RTLD_SLOT_STEPS	  8u

/* index.c */
size_t rtld_index_bytes(uint64_t exports);
void rtld_index_build(struct rtld_index *x, struct rtld_set *set, void *work, uint64_t exports);

/*
 * The lowest bit of a hash word marks the end of a chain: it is no hash. Names that
 * differ little have GNU hashes that differ little, and would crowd together: so the
 * upper bits of a product are taken.
 */
static inline uint32_t rtld_index_slot(uint32_t word, uint32_t shift)
{
	return (word >> 1) * 0x9e3779b1u >> shift;
}

static inline const struct rtld_module *rtld_index_module(const struct rtld_index *x, uint32_t provider)
{
	return &x->set->module[provider >> RTLD_BIND_SHIFT];
}

static inline const struct elf64_sym *rtld_index_symbol(const struct rtld_index *x, uint32_t provider)
{
	return &rtld_index_module(x, provider)->symbol[provider & RTLD_BIND_SYM];
}

/* Hostile files make names long or hash words equal: hashing a name or comparing it, and a slot. */
static inline uint64_t rtld_name_steps(uint64_t length)
{
	return RTLD_SLOT_STEPS + length;
}

/*
 * A name is hashed before it is paid for, but not further than this. Should it not end
 * there, it has to be hashed again, see rtld_pay_name().
 */
static inline uint64_t rtld_short_key(const struct rtld_module *m, const char *text)
{
	const char *end = text + 0x8000;

	return rtld_name_key(text, end < m->strings_end ? end : m->strings_end);
}

/* Pay for a name with that key in m's strings, and make it one; false: too long. */
RTLD_COLD bool rtld_pay_name(const struct rtld_module *m, const char *text, uint64_t key,
			     struct rtld_name *name);

static inline bool rtld_index_is(const struct rtld_index *x, uint32_t provider, const struct rtld_name *name)
{
	const struct rtld_module *m = rtld_index_module(x, provider);

	return rtld_is_named(m, m->symbol[provider & RTLD_BIND_SYM].name, name);
}

/* Likewise, from the slot behind this one on. */
RTLD_COLD uint32_t rtld_index_find_behind(struct rtld_index *x, uint32_t at, const struct rtld_name *name);

/*
 * The provider of a name, or RTLD_BIND_ZERO. Most slots that are looked at hold
 * the name in question, so names are compared at once.
 */
static inline uint32_t rtld_index_find(struct rtld_index *x, const struct rtld_name *name)
{
	uint32_t at = rtld_index_slot(name->hash, x->shift);
	uint32_t provider = x->slot[at];

	if (provider && rtld_index_is(x, provider, name))
		return provider;
	return provider ? rtld_index_find_behind(x, at, name) : RTLD_BIND_ZERO;
}

#endif
