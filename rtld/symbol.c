/* SPDX-License-Identifier: MIT */
/*
 * Symbols (gABI, "Symbol Table"). The file does not say how many there are: DT_HASH does if it is there,
 * otherwise those count that the GNU hash table or a relocation names.
 */
#include <string.h>

#include "internal.h"

/* A symbol of the usual kind; and one that is looked at closely. */
#define SYMBOL_STEPS  5ull
#define UNUSUAL_STEPS 24u

enum kind { BAD, PLAIN, LOCAL, TLS, IFUNC };

/* clang-format off */
#define KINDS(bind, plain)						\
	[(bind) << 4 | STT_NOTYPE] = plain, [(bind) << 4 | STT_OBJECT] = plain, \
	[(bind) << 4 | STT_FUNC] = plain, [(bind) << 4 | STT_SECTION] = plain, \
	[(bind) << 4 | STT_FILE] = plain, [(bind) << 4 | STT_COMMON] = plain, \
	[(bind) << 4 | STT_TLS] = TLS, [(bind) << 4 | STT_GNU_IFUNC] = IFUNC
/* clang-format on */

/* By st_info. */
static const uint8_t kinds[256] = {
	KINDS(STB_LOCAL, LOCAL),
	KINDS(STB_GLOBAL, PLAIN),
	KINDS(STB_WEAK, PLAIN),
	KINDS(STB_GNU_UNIQUE, PLAIN),
};

const char *rtld_symbol_name(const struct rtld_module *m, uint32_t symbol)
{
	uint32_t name;

	if (!m->symbol || !symbol || symbol >= m->symbol_room)
		return NULL;
	name = m->symbol[symbol].name;
	return name && name < m->strings_size ? m->strings + name : NULL;
}

static int fail_symbol(struct rtld_module *m, enum rtld_check check, uint32_t i, uint64_t value,
		       uint64_t limit)
{
	return rtld_fail_symbol(m, check, RTLD_T_SYMTAB, i, value, limit, i);
}

static int check_undefined(struct rtld_module *m, uint32_t i)
{
	const struct elf64_sym *s = &m->symbol[i];

	if (s->info >> 4 == STB_LOCAL)
		return fail_symbol(m, RTLD_SYMBOL_LOCAL, i, 0, 0);
	if (!m->strings[s->name])
		return fail_symbol(m, RTLD_NAME_EMPTY, i, 0, 0);
	return 0;
}

static int check_section(struct rtld_module *m, uint32_t i)
{
	const struct elf64_sym *s = &m->symbol[i];

	if (s->shndx == SHN_ABS)
		return 0;
	if (s->shndx >= SHN_LORESERVE)
		return fail_symbol(m, RTLD_SYMBOL_SECTION, i, s->shndx, SHN_LORESERVE);
	/* A symbol may mark the end of the image, so the limit itself is fine. */
	if (s->value - m->info.low > m->info.image_size)
		return fail_symbol(m, RTLD_SYMBOL_VALUE, i, s->value, m->info.low + m->info.image_size);
	return 0;
}

static int check_symbol_kind(struct rtld_module *m, uint32_t i)
{
	const struct elf64_sym *s = &m->symbol[i];

	switch (kinds[s->info]) {
	case BAD: return fail_symbol(m, RTLD_SYMBOL_KIND, i, s->info, 0);
	case TLS: return s->shndx ? fail_symbol(m, RTLD_SYMBOL_TLS, i, 0, 0) : 0;
	case IFUNC: return s->shndx ? fail_symbol(m, RTLD_SYMBOL_IFUNC, i, 0, 0) : 0;
	default: return 0;
	}
}

/* The whole of one symbol. */
static int check_symbol(struct rtld_module *m, uint32_t i)
{
	const struct elf64_sym *s = &m->symbol[i];
	int err;

	if (s->name >= m->strings_size)
		return fail_symbol(m, RTLD_STRING_RANGE, i, s->name, m->strings_size);
	err = check_symbol_kind(m, i);
	if (err)
		return err;
	if (i >= m->gnu.first && i < m->gnu.end && !rtld_exported(s))
		return fail_symbol(m, RTLD_SYMBOL_HASHED, i, 0, 0);
	return s->shndx == SHN_UNDEF ? check_undefined(m, i) : check_section(m, i);
}

/* The loops below ask only when something is odd. */
static RTLD_COLD int check_unusual_symbol(struct rtld_module *m, uint32_t i)
{
	int err = rtld_pay(m, UNUSUAL_STEPS);

	return err ? err : check_symbol(m, i);
}

/*
 * The loops below recognise what is usual by the fewest comparisons;
 * check_unusual_symbol() decides about all else. Linkers put references first.
 *
 * A symbol starts with its name; above, as one word, are st_info, st_other and
 * st_shndx. Minus what is usual there, and without the bits that may be
 * anything, the name alone is left. What is not usual leaves more, and that is
 * beyond any string table.
 */
#define TRAITS(info, shndx) ((uint64_t)(info) << 32 | (uint64_t)(shndx) << 48)

static inline uint64_t name_if_usual(const struct elf64_sym *s, uint64_t usual, uint64_t any)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return (word - usual) & ~any;
}

/* The first that is not global, of type 0 to 3, with default visibility, undefined and with a name. */
static const struct elf64_sym *skip_references(const struct rtld_module *m, const struct elf64_sym *s,
					       const struct elf64_sym *end)
{
	uint64_t names = m->strings_size, name;
	const char *strings = m->strings;

	for (; s < end; s++) {
		name = name_if_usual(s, TRAITS(STB_GLOBAL << 4, 0), TRAITS(3, 0));
		if (name >= names || !strings[name])
			break;
	}
	return s;
}

static int check_references(struct rtld_module *m, const struct elf64_sym *s, const struct elf64_sym *end)
{
	int err = 0;

	while (!err && (s = skip_references(m, s, end)) < end) {
		err = check_unusual_symbol(m, s - m->symbol);
		s++;
	}
	return err;
}

/* Likewise, but defined: in section 1 to 256, and not beyond the image. */
static inline bool is_usual_definition(const struct elf64_sym *s, uint64_t names, uint64_t limit)
{
	return name_if_usual(s, TRAITS(STB_GLOBAL << 4, 1), TRAITS(3, 0xff)) < names && s->value <= limit;
}

/* The first that is not usual, or up to three before it. */
static const struct elf64_sym *skip_definitions(const struct rtld_module *m, const struct elf64_sym *s,
						const struct elf64_sym *end)
{
	/* Only images that start at 0 have nothing before them to look for. */
	uint64_t names = m->info.low ? 0 : m->strings_size;
	uint64_t limit = m->info.image_size;

	while (end - s >= 4 && is_usual_definition(s, names, limit) &&
	       is_usual_definition(s + 1, names, limit) && is_usual_definition(s + 2, names, limit) &&
	       is_usual_definition(s + 3, names, limit))
		s += 4;
	return s;
}

static int check_definitions(struct rtld_module *m, const struct elf64_sym *s, const struct elf64_sym *end)
{
	int err = 0;

	while (!err && (s = skip_definitions(m, s, end)) < end) {
		err = check_unusual_symbol(m, s - m->symbol);
		s++;
	}
	return err;
}

static int check_range(struct rtld_module *m, uint32_t count)
{
	uint32_t hashed = m->gnu.first < count ? m->gnu.first : count;
	const struct elf64_sym *s = m->symbol;
	int err = check_references(m, s + 1, s + hashed);

	if (!err)
		err = check_definitions(m, s + (hashed ? hashed : 1), s + count);
	return err;
}

static int check_null(struct rtld_module *m)
{
	const struct elf64_sym *s = m->symbol;

	if (s->name || s->info || s->other || s->shndx || s->value || s->size)
		return rtld_fail(m, RTLD_SYMBOL_NULL, RTLD_T_SYMTAB, 0, s->value, 0);
	return 0;
}

static uint32_t count_exports(const struct rtld_module *m)
{
	uint32_t i, n = 0;

	if (rtld_has(m, RTLD_DT_GNU_HASH))
		return m->gnu.end - m->gnu.first;
	for (i = 1; i < m->sysv.chains; i++)
		n += rtld_exported(&m->symbol[i]);
	return n;
}

int rtld_check_symbols(struct rtld_module *m)
{
	uint32_t n = m->symbols_known;
	int err;

	if (n > m->symbol_room)
		return rtld_fail(m, RTLD_SYMBOL_RANGE, RTLD_T_SYMTAB, 0, n, m->symbol_room);
	err = rtld_pay(m, SYMBOL_STEPS * n);
	if (!err)
		err = check_null(m);
	if (!err)
		err = check_range(m, n);
	if (err)
		return err;
	m->info.symbols = n;
	m->info.exports = count_exports(m);
	return 0;
}
