/* SPDX-License-Identifier: MIT */
/*
 * Symbols. The file does not say how many there are: DT_HASH does if it is
 * there, otherwise those count that the GNU hash table or a relocation names.
 */
#include <string.h>

#include "internal.h"

enum kind { BAD, PLAIN, LOCAL, TLS, IFUNC };

#define KINDS(bind, plain)						\
	[(bind) << 4 | STT_NOTYPE] = plain, [(bind) << 4 | STT_OBJECT] = plain, \
	[(bind) << 4 | STT_FUNC] = plain, [(bind) << 4 | STT_SECTION] = plain, \
	[(bind) << 4 | STT_FILE] = plain, [(bind) << 4 | STT_COMMON] = plain, \
	[(bind) << 4 | STT_TLS] = TLS, [(bind) << 4 | STT_GNU_IFUNC] = IFUNC

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

static int fail(struct rtld_module *m, enum rtld_check check, uint32_t i,
		uint64_t value, uint64_t limit)
{
	return rtld_fail_symbol(m, check, RTLD_T_SYMTAB, i, value, limit, i);
}

static int check_undefined(struct rtld_module *m, uint32_t i)
{
	const struct elf64_sym *s = &m->symbol[i];

	if (s->info >> 4 == STB_LOCAL)
		return fail(m, RTLD_SYMBOL_LOCAL, i, 0, 0);
	if (!m->strings[s->name])
		return fail(m, RTLD_NAME_EMPTY, i, 0, 0);
	return 0;
}

static int check_section(struct rtld_module *m, uint32_t i)
{
	const struct elf64_sym *s = &m->symbol[i];

	if (s->shndx == SHN_ABS)
		return 0;
	if (s->shndx >= SHN_LORESERVE)
		return fail(m, RTLD_SYMBOL_SECTION, i, s->shndx, SHN_LORESERVE);
	/* A symbol may mark the end of the image, so the limit itself is fine. */
	if (s->value - m->info.low > m->info.image_size)
		return fail(m, RTLD_SYMBOL_VALUE, i, s->value,
			    m->info.low + m->info.image_size);
	return 0;
}

static int check_kind(struct rtld_module *m, uint32_t i)
{
	const struct elf64_sym *s = &m->symbol[i];

	switch (kinds[s->info]) {
	case BAD:
		return fail(m, RTLD_SYMBOL_KIND, i, s->info, 0);
	case TLS:
		return s->shndx ? fail(m, RTLD_SYMBOL_TLS, i, 0, 0) : 0;
	case IFUNC:
		return s->shndx ? fail(m, RTLD_SYMBOL_IFUNC, i, 0, 0) : 0;
	default:
		return 0;
	}
}

/* The whole of one symbol; the loop below asks only when something is odd. */
static RTLD_COLD int check_symbol(struct rtld_module *m, uint32_t i)
{
	const struct elf64_sym *s = &m->symbol[i];
	int err;

	if (s->name >= m->strings_size)
		return fail(m, RTLD_STRING_RANGE, i, s->name, m->strings_size);
	err = check_kind(m, i);
	if (err)
		return err;
	if (i >= m->gnu.first && i < m->gnu.end &&
	    !rtld_exported(s))
		return fail(m, RTLD_SYMBOL_HASHED, i, 0, 0);
	return s->shndx == SHN_UNDEF ? check_undefined(m, i) :
				       check_section(m, i);
}

/*
 * The two loops below recognise what is usual by the fewest comparisons;
 * check_symbol() decides about all else. Linkers put references first.
 * st_info, st_other and st_shndx are compared as one word.
 */
static inline uint32_t traits(const struct elf64_sym *s)
{
	uint32_t word;

	memcpy(&word, (const uint8_t *)s + 4, sizeof(word));
	return word;
}

/* Global, of type 0 to 3, default visibility, undefined. */
static inline bool is_plain_reference(const struct elf64_sym *s)
{
	return (traits(s) & ~3u) == STB_GLOBAL << 4;
}

static int check_references(struct rtld_module *m, const struct elf64_sym *s,
			    const struct elf64_sym *end)
{
	uint32_t names = m->strings_size;
	const char *strings = m->strings;

	for (; s < end; s++) {
		int err;

		if (s->name < names && is_plain_reference(s) &&
		    strings[s->name])
			continue;
		err = check_symbol(m, s - m->symbol);
		if (err)
			return err;
	}
	return 0;
}

/* A function of the first section: nothing to object to. */
#define USUAL	(STB_GLOBAL << 4 | STT_FUNC | 1u << 16)

/* The traits that are usual from here on, or a code. */
static RTLD_COLD int64_t check_unusual(struct rtld_module *m,
				       const struct elf64_sym *s)
{
	int err;

	if (kinds[s->info] == PLAIN && !s->other && s->shndx &&
	    s->shndx < SHN_LORESERVE && s->name < m->strings_size &&
	    s->value - m->info.low <= m->info.image_size)
		return traits(s);
	err = check_symbol(m, s - m->symbol);
	return err ? err : (int64_t)USUAL;
}

/* Most definitions are functions in one section, like the one before. */
static int check_definitions(struct rtld_module *m, const struct elf64_sym *s,
			     const struct elf64_sym *end)
{
	uint64_t low = m->info.low, size = m->info.image_size;
	uint32_t names = m->strings_size, usual = USUAL;

	for (; s < end; s++) {
		int64_t r;

		if (s->name < names && traits(s) == usual &&
		    s->value - low <= size)
			continue;
		r = check_unusual(m, s);
		if (r < 0)
			return r;
		usual = r;
	}
	return 0;
}

static int check_range(struct rtld_module *m, uint32_t count)
{
	uint32_t hashed = m->gnu.first < count ? m->gnu.first : count;
	const struct elf64_sym *s = m->symbol;
	int err = check_references(m, s + 1, s + hashed);

	if (!err)
		err = check_definitions(m, s + (hashed ? hashed : 1),
					s + count);
	return err;
}

static int check_null(struct rtld_module *m)
{
	const struct elf64_sym *s = m->symbol;

	if (s->name || s->info || s->other || s->shndx || s->value || s->size)
		return rtld_fail(m, RTLD_SYMBOL_NULL, RTLD_T_SYMTAB, 0,
				 s->value, 0);
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
		return rtld_fail(m, RTLD_SYMBOL_RANGE, RTLD_T_SYMTAB, 0, n,
				 m->symbol_room);
	err = check_null(m);
	if (!err)
		err = check_range(m, n);
	if (err)
		return err;
	m->info.symbols = n;
	m->info.exports = count_exports(m);
	return 0;
}
