/* SPDX-License-Identifier: MIT */
/*
 * The definitions of a set by name: one open-addressed table of
 * providers by the hash words the files already have, so building it touches
 * neither names nor symbols unless two hash words are equal. One entry per name, the one that
 * wins by the rules of the set; so a name that is defined twice is found even
 * if nobody wants it.
 *
 * A row is what follows a slot without a gap. The first name with a word is in the row that
 * begins where the word says. All others with it would be in that, too, each behind the
 * last; and they are many: func10 and func11 have one word, as its lowest bit is not kept,
 * and so have "aZ" and "b9", as 33 'a' + 'Z' = 33 'b' + '9'. So each of them is in a row
 * that begins where its first difference from the first of them says; but not if a file of
 * the set has the older table only, and so no words to know the first by.
 */
#include "index.h"

#define ROW_STEPS    8u /* eight bytes of a name, looked at or compared */
#define SIMPLE_WORDS 5u /* of names that differ sooner */
#define SIMPLE_STEPS 16u
#define ROW_FACTOR   0x9e3779b97f4a7c15ull

/* Three to six slots for a name, and enough for clear_slots(). */
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
static void clear_slots(uint32_t *slots, uint64_t n)
{
	uint64_t *two = (uint64_t *)slots, *end = two + n / 2;

	for (; two < end; two += 16) {
		two[0] = two[1] = two[2] = two[3] = 0;
		two[4] = two[5] = two[6] = two[7] = 0;
		two[8] = two[9] = two[10] = two[11] = 0;
		two[12] = two[13] = two[14] = two[15] = 0;
	}
}

bool rtld_pay_name(const struct rtld_module *m, const char *text, uint64_t key, struct rtld_name *name)
{
	uint64_t length = key >> 32;

	if (text[length]) {
		if (rtld_name_length(m, text, &length))
			return false;
		key = rtld_name_key(text, m->strings_end);
	}
	*name = (struct rtld_name){text, length, key};
	return rtld_spend(m->set, rtld_name_steps(length));
}

static bool provider_name(const struct rtld_index *x, uint32_t provider, struct rtld_name *name)
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
		.check = RTLD_DEFINED_TWICE,
		.table = RTLD_T_SYMTAB,
		.module = b->position,
		.other = a->position,
		.index = symbol,
		.symbol = rtld_symbol_name(b, symbol),
		.file = b->info.file,
	};

	rtld_report(x->set, &error);
	x->twice = true;
}

/* Two versions of a name in one file, which is one definition for others. */
static bool are_versions(uint32_t older, uint32_t newer, uint32_t a, uint32_t b)
{
	return older >> RTLD_BIND_SHIFT == newer >> RTLD_BIND_SHIFT && (a ^ b) & ~RTLD_VERSION_HIDDEN;
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

/* Of two definitions of one name, is it the newer one that stays? */
static bool replaces(struct rtld_index *x, uint32_t older, uint32_t newer)
{
	const struct elf64_sym *a = rtld_index_symbol(x, older), *b = rtld_index_symbol(x, newer);
	uint32_t was, is;

	if (x->set->flags & RTLD_RULES_ELF)
		return false;
	was = rtld_version_of(rtld_index_module(x, older), older & RTLD_BIND_SYM);
	is = rtld_version_of(rtld_index_module(x, newer), newer & RTLD_BIND_SYM);
	if (are_versions(older, newer, was, is))
		return was & ~is & RTLD_VERSION_HIDDEN;
	if (rtld_is_weak(b))
		return false;
	if (rtld_is_weak(a))
		return true;
	if (!may_be_twice(a, b))
		report_twice(x, older, newer);
	return false;
}

/*
 * May the provider's name have that hash word? Without a word in its file, it may; the lowest bit is no part
 * of a hash.
 */
static inline bool may_equal(const struct rtld_index *x, uint32_t provider, uint32_t word)
{
	const struct rtld_module *m = rtld_index_module(x, provider);
	const uint32_t *words = m->gnu.word;

	return !words || (words[(provider & RTLD_BIND_SYM) - m->gnu.first] ^ word) <= 1;
}

/* Eight bytes of a name, all 0 from its NUL on, wherever its string table ends. */
static inline uint64_t eight_bytes(const char *at, const char *end)
{
	uint64_t word = 0, nul, i;

	if (end - at >= 8) {
		word = rtld_load8(at);
		nul = (word - RTLD_ONES) & ~word & RTLD_TOPS;
		return nul ? word & (nul ^ (nul - 1)) : word;
	}
	for (i = 0; at[i]; i++)
		word |= (uint64_t)(uint8_t)at[i] << 8 * i;
	return word;
}

/*
 * The slot where the row of a name begins that is not the first with its hash word: of that
 * word, of what the name has where it differs from the first, and of where that is.
 */
static inline uint32_t index_row(const struct rtld_index *x, uint32_t hash, uint64_t bytes, uint32_t where)
{
	uint64_t sum = (bytes + where) * ROW_FACTOR;

	return ((sum ^ sum >> 32) + (hash >> 1)) * ROW_FACTOR >> 32 >> x->shift;
}

/*
 * Does a name differ from another? Then its row, if the other is the first. False: no, or there is not the
 * budget to know.
 */
static inline bool differs(const struct rtld_index *x, uint32_t hash, const char *name, const char *end,
			   const char *first, const char *first_end, uint32_t *row)
{
	uint64_t word, other;
	uint32_t i;

	for (i = 0;; i++, name += 8, first += 8) {
		word = eight_bytes(name, end);
		other = eight_bytes(first, first_end);
		if (word != other)
			break;
		if (!(word >> 56) || !rtld_spend(x->set, ROW_STEPS))
			return false;
	}
	*row = index_row(x, hash, word, i);
	return true;
}

/* Does what is in the slot have another name than the module's? */
static inline bool slot_differs(const struct rtld_index *x, uint32_t provider, uint32_t hash,
				const char *name, const char *end, uint32_t *row)
{
	const struct rtld_module *m = rtld_index_module(x, provider);

	return differs(x, hash, name, end, m->strings + m->symbol[provider & RTLD_BIND_SYM].name,
		       m->strings_end, row);
}

/* Into the row that begins at the slot, unless the name is there; it then may take the place. */
static RTLD_COLD void insert_in_row(struct rtld_index *x, uint32_t at, uint32_t word, uint32_t provider)
{
	const struct rtld_module *m = rtld_index_module(x, provider);
	const char *name = m->strings + m->symbol[provider & RTLD_BIND_SYM].name;
	uint32_t *slot = x->slot, old, row;

	for (; (old = slot[at]); at = (at + 1) & x->mask) {
		if (!rtld_spend(x->set, RTLD_SLOT_STEPS))
			return;
		if (!may_equal(x, old, word))
			continue;
		if (x->rows && !rtld_spend(x->set, SIMPLE_STEPS))
			return;
		if (!slot_differs(x, old, word, name, m->strings_end, &row))
			break;
	}
	if (x->set->budget && (!old || replaces(x, old, provider)))
		slot[at] = provider;
}

/* What is in the slot is the first with this word: of another name, or of the same. */
static RTLD_COLD void insert_oddly(struct rtld_index *x, uint32_t at, uint32_t word, uint32_t provider)
{
	const struct rtld_module *m = rtld_index_module(x, provider);
	const char *name = m->strings + m->symbol[provider & RTLD_BIND_SYM].name;

	(void)slot_differs(x, x->slot[at], word, name, m->strings_end, &at);
	if (x->set->budget)
		insert_in_row(x, at, word, provider);
}

/* The same where it is simple, as of numbered names: they differ soon, and not at a string table's end. */
static RTLD_COLD void insert_equal(struct rtld_index *x, uint32_t at, uint32_t word, uint32_t provider)
{
	uint32_t old = x->slot[at], i, row;
	const struct rtld_module *m = rtld_index_module(x, provider);
	const struct rtld_module *other = rtld_index_module(x, old);
	const char *name = m->strings + m->symbol[provider & RTLD_BIND_SYM].name;
	const char *first = other->strings + other->symbol[old & RTLD_BIND_SYM].name;
	const char *last = m->strings_end - 8, *first_last = other->strings_end - 8;
	uint64_t own, odd, nul;

	if (!rtld_spend(x->set, SIMPLE_STEPS))
		return;
	for (i = 0; i < SIMPLE_WORDS && name <= last && first <= first_last; i++, name += 8, first += 8) {
		own = rtld_load8(name);
		odd = own ^ rtld_load8(first);
		nul = (own - RTLD_ONES) & ~own & RTLD_TOPS;
		if (!odd && !nul)
			continue;
		nul ^= nul - 1; /* all up to the NUL, or without one all */
		row = index_row(x, word, own & nul, i);
		if (!(odd & nul))
			break;
		if (x->slot[row])
			insert_in_row(x, row, word, provider);
		else
			x->slot[row] = provider;
		return;
	}
	insert_oddly(x, at, word, provider);
}

/* This slot is taken: go on to an empty one, or to the first with the same word. */
static RTLD_COLD void insert_behind(struct rtld_index *x, uint32_t at, uint32_t word, uint32_t provider)
{
	uint32_t *slot = x->slot, old;

	while ((old = slot[at]) && !may_equal(x, old, word)) {
		at = (at + 1) & x->mask;
		if (!rtld_spend(x->set, RTLD_SLOT_STEPS))
			return;
	}
	if (!old)
		slot[at] = provider;
	else if (x->rows)
		insert_equal(x, at, word, provider);
	else
		insert_in_row(x, at, word, provider);
}

/* Enter the words of providers from this one on; stops at a slot that is taken. */
static RTLD_COLD const uint32_t *fill_slots(const struct rtld_index *x, const uint32_t *word,
					    const uint32_t *end, uint32_t provider)
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
		insert_behind(x, rtld_index_slot(*word, x->shift), *word, first + (word - start));
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
		if (!provider_name(x, provider, &name))
			return;
		insert_behind(x, rtld_index_slot(name.hash, x->shift), name.hash, provider);
	}
}

void rtld_index_build(struct rtld_index *x, struct rtld_set *set, void *work, uint64_t exports)
{
	uint32_t slots = slots_for(exports), i;

	*x = (struct rtld_index){
		.set = set,
		.slot = work,
		.mask = slots - 1,
		.rows = true,
		.shift = 32 - __builtin_ctz(slots),
	};
	for (i = 0; i < set->count; i++)
		x->rows &= rtld_has(&set->module[i], RTLD_DT_GNU_HASH);
	if (!rtld_spend(set, RTLD_EXPORT_STEPS * exports))
		return;
	clear_slots(x->slot, slots);
	for (i = 0; i < set->count && set->budget; i++) {
		const struct rtld_module *m = &set->module[i];

		if (rtld_has(m, RTLD_DT_GNU_HASH))
			add_gnu(x, m);
		else
			add_sysv(x, m);
	}
}

/* The name, in the row that begins here. */
static uint32_t find_in_row(struct rtld_index *x, uint32_t at, const struct rtld_name *name)
{
	uint32_t provider;

	for (; (provider = x->slot[at]); at = (at + 1) & x->mask) {
		if (!rtld_spend(x->set, rtld_name_steps(name->length)))
			return RTLD_BIND_ZERO;
		if (rtld_index_is(x, provider, name))
			return provider;
	}
	return RTLD_BIND_ZERO;
}

uint32_t rtld_index_find_behind(struct rtld_index *x, uint32_t at, const struct rtld_name *name)
{
	uint32_t provider;

	if (!x->rows)
		return find_in_row(x, at, name);
	/* The first with the name's word. */
	while ((provider = x->slot[at]) && !may_equal(x, provider, name->hash)) {
		if (!rtld_spend(x->set, rtld_name_steps(name->length)))
			return RTLD_BIND_ZERO;
		at = (at + 1) & x->mask;
	}
	if (!provider)
		return RTLD_BIND_ZERO;
	if (slot_differs(x, provider, name->hash, name->text, name->text + name->length + 1, &at))
		return find_in_row(x, at, name);
	return x->set->budget ? provider : RTLD_BIND_ZERO;
}
