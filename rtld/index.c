/* SPDX-License-Identifier: MIT */
/*
 * The definitions of a set by name: one open-addressed table of
 * providers by the hash words the files already have, so building it touches
 * neither names nor symbols unless two hash words are equal. One entry per name, the one that
 * wins by the rules of the set; so a name that is defined twice is found even
 * if nobody wants it.
 */
#include "index.h"

#define LETTER_STEPS	3u	/* a byte compared with another */

/* Three to six slots for a name, and enough for clear(). */
static uint32_t slots_for(uint64_t exports)
{
	uint64_t slots = 64;

	while (slots < 3 * exports)
		slots *= 2;
	return slots;
}

size_t rtld_index_bytes(uint64_t exports)
{
	return 4ull * slots_for(exports);
}

/* An own loop: the same cost wherever rtld is built into. */
static void clear(uint32_t *slots, uint64_t n)
{
	uint64_t *two = (uint64_t *)slots, *end = two + n / 2;

	for (; two < end; two += 16) {
		two[0] = two[1] = two[2] = two[3] = 0;
		two[4] = two[5] = two[6] = two[7] = 0;
		two[8] = two[9] = two[10] = two[11] = 0;
		two[12] = two[13] = two[14] = two[15] = 0;
	}
}

bool rtld_pay_name(const struct rtld_module *m, const char *text, uint64_t key,
		   struct rtld_name *name)
{
	uint64_t length = key >> 32;

	if (text[length]) {
		if (rtld_name_length(m, text, &length))
			return false;
		key = rtld_name_key(text, m->strings_end);
	}
	*name = (struct rtld_name){ text, length, key };
	return rtld_spend(m->set, rtld_name_steps(length));
}

static bool name_of(const struct rtld_index *x, uint32_t provider,
		    struct rtld_name *name)
{
	const struct rtld_module *m = rtld_index_module(x, provider);
	const char *text = m->strings + rtld_index_symbol(x, provider)->name;

	return rtld_pay_name(m, text, rtld_short_key(m, text), name);
}

static void report_twice(struct rtld_index *x, uint32_t first, uint32_t second)
{
	const struct rtld_module *a = rtld_index_module(x, first);
	const struct rtld_module *b = rtld_index_module(x, second);
	uint32_t symbol = second & RTLD_BIND_SYM;
	const struct rtld_error error = {
		.check = RTLD_DEFINED_TWICE, .table = RTLD_T_SYMTAB,
		.module = b->position, .other = a->position, .index = symbol,
		.symbol = rtld_symbol_name(b, symbol), .file = b->info.file,
	};

	rtld_report(x->set, &error);
	x->twice = true;
}

/* Two versions of a name in one file, which is one definition for others. */
static bool are_versions(uint32_t old, uint32_t new, uint32_t a, uint32_t b)
{
	return old >> RTLD_BIND_SHIFT == new >> RTLD_BIND_SHIFT && (a ^ b) & ~RTLD_VERSION_HIDDEN;
}

/*
 * Constants of one value are no clash; names of versions are such. Nor is what C++ defines
 * in each file that uses it (STB_GNU_UNIQUE), for all to have the first.
 */
static bool may_be_twice(const struct elf64_sym *a, const struct elf64_sym *b)
{
	if (a->info >> 4 == STB_GNU_UNIQUE && b->info >> 4 == STB_GNU_UNIQUE)
		return true;
	return a->shndx == SHN_ABS && b->shndx == SHN_ABS && a->value == b->value;
}

/* Of two definitions of one name, is it the new one that stays? */
static bool replaces(struct rtld_index *x, uint32_t old, uint32_t new)
{
	const struct elf64_sym *a = rtld_index_symbol(x, old), *b = rtld_index_symbol(x, new);
	uint32_t was, is;

	if (x->set->flags & RTLD_RULES_ELF)
		return false;
	was = rtld_version_of(rtld_index_module(x, old), old & RTLD_BIND_SYM);
	is = rtld_version_of(rtld_index_module(x, new), new & RTLD_BIND_SYM);
	if (are_versions(old, new, was, is))
		return was & ~is & RTLD_VERSION_HIDDEN;
	if (rtld_is_weak(b))
		return false;
	if (rtld_is_weak(a))
		return true;
	if (!may_be_twice(a, b))
		report_twice(x, old, new);
	return false;
}

/*
 * May the provider's name have that hash word? Without a word in its file, it
 * may; the lowest bit is no part of a hash.
 */
static inline bool may_equal(const struct rtld_index *x, uint32_t provider,
			     uint32_t word)
{
	const struct rtld_module *m = rtld_index_module(x, provider);
	const uint32_t *words = m->gnu.word;

	return !words || (words[(provider & RTLD_BIND_SYM) - m->gnu.first] ^
			  word) <= 1;
}

/* The word at this slot is equal: does the new definition take the slot? */
static RTLD_COLD bool is_same(struct rtld_index *x, uint32_t old,
			      uint32_t provider, bool *replace)
{
	const struct rtld_module *m = rtld_index_module(x, provider);
	const struct rtld_module *other = rtld_index_module(x, old);
	const char *name = m->strings + rtld_index_symbol(x, provider)->name, *a = name;
	const char *b = other->strings + rtld_index_symbol(x, old)->name;

	/* Both tables end with a NUL. */
	while (*a == *b && *a) {
		a++;
		b++;
		if ((a - name) % 8 == 0 && !rtld_spend(x->set, 8 * LETTER_STEPS))
			return false;
	}
	if (*a != *b)
		return false;
	*replace = replaces(x, old, provider);
	return true;
}

/* The same, from a slot with an equal word on. */
static RTLD_COLD void insert_equal(struct rtld_index *x, uint32_t at,
				   uint32_t word, uint32_t provider)
{
	bool replace = true;
	uint32_t old;

	for (; (old = x->slot[at]); at = (at + 1) & x->mask) {
		if (!rtld_spend(x->set, RTLD_SLOT_STEPS))
			return;
		if (may_equal(x, old, word) &&
		    is_same(x, old, provider, &replace))
			break;
	}
	if (replace)
		x->slot[at] = provider;
}

/* This slot is taken: go on to an empty one, or to the same name. */
static RTLD_COLD void insert_behind(struct rtld_index *x, uint32_t at,
				    uint32_t word, uint32_t provider)
{
	uint32_t *slot = x->slot, old;

	while ((old = slot[at]) && !may_equal(x, old, word)) {
		at = (at + 1) & x->mask;
		if (!rtld_spend(x->set, RTLD_SLOT_STEPS))
			return;
	}
	if (old)
		insert_equal(x, at, word, provider);
	else
		slot[at] = provider;
}

/* Enter the words of providers from this one on; stops at a slot that is taken. */
static RTLD_COLD const uint32_t *fill_slots(const struct rtld_index *x,
					    const uint32_t *word,
					    const uint32_t *end,
					    uint32_t provider)
{
	uint32_t *slot = x->slot, shift = x->shift;

	for (; word < end; word++, provider++) {
		uint32_t *at = slot + rtld_index_slot(*word, shift);

		if (*at)
			break;
		*at = provider;
	}
	return word;
}

/* The words of one file, which are hashes already. */
static void add_gnu(struct rtld_index *x, const struct rtld_module *m)
{
	uint32_t first = m->place << RTLD_BIND_SHIFT | m->gnu.first;
	const uint32_t *start = m->gnu.word, *word = start;
	const uint32_t *end = start + (m->gnu.end - m->gnu.first);

	while ((word = fill_slots(x, word, end, first + (word - start))) < end) {
		insert_behind(x, rtld_index_slot(*word, x->shift), *word,
			      first + (word - start));
		if (!x->set->budget)
			return;
		word++;
	}
}

/* The older tables have no hash words of use here: make them. */
static RTLD_COLD void add_sysv(struct rtld_index *x, const struct rtld_module *m)
{
	uint32_t i;

	for (i = 1; i < m->sysv.chains; i++) {
		uint32_t provider = m->place << RTLD_BIND_SHIFT | i;
		struct rtld_name name;

		if (!rtld_exported(&m->symbol[i]))
			continue;
		if (!name_of(x, provider, &name))
			return;
		insert_behind(x, rtld_index_slot(name.hash, x->shift),
			      name.hash, provider);
	}
}

void rtld_index_build(struct rtld_index *x, struct rtld_set *set, void *work,
		      uint64_t exports)
{
	uint32_t slots = slots_for(exports), i;

	*x = (struct rtld_index){
		.set = set, .slot = work, .mask = slots - 1,
		.shift = 32 - __builtin_ctz(slots),
	};
	if (!rtld_spend(set, RTLD_EXPORT_STEPS * exports))
		return;
	clear(x->slot, slots);
	for (i = 0; i < set->count && set->budget; i++) {
		const struct rtld_module *m = &set->module[i];

		if (rtld_has(m, RTLD_DT_GNU_HASH))
			add_gnu(x, m);
		else
			add_sysv(x, m);
	}
}

uint32_t rtld_index_find_behind(struct rtld_index *x, uint32_t at,
				const struct rtld_name *name)
{
	uint32_t provider;

	do {
		if (!rtld_spend(x->set, rtld_name_steps(name->length)))
			return RTLD_BIND_ZERO;
		at = (at + 1) & x->mask;
		provider = x->slot[at];
		if (!provider)
			return RTLD_BIND_ZERO;
	} while (!rtld_index_is(x, provider, name));
	return provider;
}
