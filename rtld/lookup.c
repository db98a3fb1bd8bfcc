/* SPDX-License-Identifier: MIT */
/* Finding symbols by name and by address, after the link. */
#include "internal.h"

/*
 * Of two definitions of a name in one file, the one that others are bound to: the first,
 * but by the rules of modules rather one that is no hidden version; see index.c.
 */
static uint32_t better(const struct rtld_module *m, uint32_t a, uint32_t b)
{
	uint32_t first = a && a < b ? a : b, second = a && a < b ? b : a;

	if (!second || m->set->flags & RTLD_RULES_ELF)
		return first;
	return rtld_version_of(m, first) & ~rtld_version_of(m, second) & RTLD_VERSION_HIDDEN ? second : first;
}

/* Hash chains were proved to stay in their table, see hash.c. */
static uint32_t find_gnu(const struct rtld_module *m, const struct rtld_name *name)
{
	const struct rtld_gnu *g = &m->gnu;
	uint32_t h = name->hash, found = 0, i;
	uint64_t filter = g->bloom[h / 64 & g->bloom_mask];

	if (!(filter >> h % 64 & filter >> (h >> g->shift) % 64 & 1))
		return 0;
	i = g->bucket[h % g->buckets];
	for (; i; i++) {
		uint32_t word = g->word[i - g->first];

		if ((word | 1) == (h | 1) && rtld_name_at(m, m->symbol[i].name, name))
			found = better(m, found, i);
		if (word & 1)
			break;
	}
	return found;
}

/* gABI "Hash Table": the function of the older table. */
static uint32_t sysv_hash(const struct rtld_name *name)
{
	uint32_t h = 0;
	uint64_t i;

	for (i = 0; i < name->length; i++) {
		h = (h << 4) + (uint8_t)name->text[i];
		h ^= h >> 24 & 0xf0;
		h &= 0x0fffffff;
	}
	return h;
}

static uint32_t find_sysv(const struct rtld_module *m, const struct rtld_name *name)
{
	const struct rtld_sysv *t = &m->sysv;
	uint32_t i = t->bucket[sysv_hash(name) % t->buckets], found = 0;

	for (; i; i = t->chain[i])
		if (rtld_exported(&m->symbol[i]) && rtld_name_at(m, m->symbol[i].name, name))
			found = better(m, found, i);
	return found;
}

static uint32_t find_in_module(const struct rtld_module *m, const struct rtld_name *name)
{
	if (rtld_has(m, RTLD_DT_GNU_HASH))
		return find_gnu(m, name);
	return find_sysv(m, name);
}

static void make_name(struct rtld_name *name, const char *text)
{
	const char *end = text;

	while (*end)
		end++;
	rtld_name_hash(name, text, end);
}

int rtld_lookup_in(const struct rtld_set *set, uint32_t module, const char *text, uint64_t *run)
{
	const struct rtld_module *m;
	struct rtld_name name;
	uint32_t symbol;

	if (module >= set->count)
		return PLINTH_E_INVAL;
	m = &set->module[module];
	make_name(&name, text);
	symbol = find_in_module(m, &name);
	if (!symbol)
		return PLINTH_E_NOSYM;
	*run = rtld_symbol_run(m, &m->symbol[symbol]);
	return 0;
}

int rtld_lookup(const struct rtld_set *set, const char *text, uint64_t *run)
{
	bool first_wins = set->flags & RTLD_RULES_ELF;
	struct rtld_name name;
	int err = PLINTH_E_NOSYM;
	uint32_t i;

	make_name(&name, text);
	for (i = 0; i < set->count; i++) {
		const struct rtld_module *m = &set->module[i];
		uint32_t symbol = find_in_module(m, &name);
		bool strong = symbol && !rtld_is_weak(&m->symbol[symbol]);

		if (!symbol || (err == 0 && !strong))
			continue;
		*run = rtld_symbol_run(m, &m->symbol[symbol]);
		err = 0;
		if (strong || first_wins)
			break;
	}
	return err;
}

/* The definition nearest below the address, in the same segment; 0 if none. */
static uint32_t nearest(const struct rtld_module *m, uint64_t vaddr)
{
	const struct rtld_segment *s = rtld_segment_of(m, vaddr, 1);
	uint32_t i, best = 0;

	for (i = 1; s && i < m->info.symbols; i++) {
		const struct elf64_sym *sym = &m->symbol[i];

		if (!rtld_exported(sym) || sym->shndx == SHN_ABS || sym->value > vaddr ||
		    sym->value < s->vaddr)
			continue;
		if (!best || sym->value > m->symbol[best].value)
			best = i;
	}
	return best;
}

int rtld_symbol_at(const struct rtld_set *set, uint64_t run, struct rtld_symbol *out)
{
	uint32_t i, symbol;

	for (i = 0; i < set->count; i++) {
		const struct rtld_module *m = &set->module[i];

		if (!m->placed || run - m->info.run >= m->info.image_size)
			continue;
		symbol = nearest(m, run - m->bias);
		*out = (struct rtld_symbol){
			.module = i,
			.offset = run - m->info.run,
		};
		if (symbol) {
			out->name = rtld_symbol_name(m, symbol);
			out->offset = run - m->bias - m->symbol[symbol].value;
			out->size = m->symbol[symbol].size;
		}
		return 0;
	}
	return PLINTH_E_NOSYM;
}

bool rtld_symbol_table(const struct rtld_set *set, uint32_t module, struct rtld_symbol_table *out)
{
	const struct rtld_module *m = &set->module[module];

	if (module >= set->count || !m->placed)
		return false;
	*out = (struct rtld_symbol_table){
		.symbols = m->tag[RTLD_DT_SYMTAB] + m->bias,
		.count = m->info.symbols,
		.names = m->tag[RTLD_DT_STRTAB] + m->bias,
		.names_size = m->strings_size,
	};
	return true;
}
