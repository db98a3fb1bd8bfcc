/* SPDX-License-Identifier: MIT */
/* Binding every reference of a set, before anything is written. */
#include <string.h>

#include "index.h"

/* Slots for names of modules: a power of two, at most half of them taken. */
static uint32_t name_slots(const struct rtld_set *set)
{
	uint32_t slots = 16;

	while (slots < 2 * set->count)
		slots *= 2;
	return slots;
}

/* Hashing shorter names is paid for by the entry that refers to them. */
#define LONG_NAME	256

/*
 * The budget makes the work linear in the size of the files: a step is a slot
 * of the index looked at, or eight bytes of a name.
 */
struct totals {
	uint64_t symbols;
	uint64_t exports;
	uint64_t values;
	uint64_t budget;
};

static struct totals count(const struct rtld_set *set)
{
	struct totals t = { .budget = 1 << 16 };
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		const struct rtld_module *m = &set->module[i];

		t.symbols += m->info.symbols;
		t.exports += m->info.exports;
		t.values += m->relas - m->relatives + m->jmprels;
		t.budget += m->info.file_size;
	}
	return t;
}

size_t rtld_work_size(const struct rtld_set *set)
{
	struct totals t = count(set);

	return rtld_index_bytes(t.exports) + 8 * t.values + 4 * t.symbols +
	       4ull * name_slots(set);
}

static int check_work(struct rtld_set *set, const void *work, size_t size)
{
	size_t need = rtld_work_size(set);
	struct rtld_error error = {
		.check = RTLD_WORK_SIZE, .table = RTLD_T_SET,
		.module = RTLD_NONE, .other = RTLD_NONE, .value = size,
		.limit = need, .file = "",
	};

	if (work && (uintptr_t)work % 16 == 0 && size >= need)
		return 0;
	return rtld_report(set, &error);
}

static int report_cost(struct rtld_set *set, uint64_t limit)
{
	struct rtld_error error = {
		.check = RTLD_LINK_COST, .table = RTLD_T_SET,
		.module = RTLD_NONE, .other = RTLD_NONE, .value = limit,
		.limit = limit, .file = "",
	};

	return rtld_report(set, &error);
}

/* Symbol 0 counts as seen: nobody needs to ask whether an entry has a symbol. */
static void clear_binds(struct rtld_module *m)
{
	memset(m->bind, 0xff, 4ull * m->info.symbols);
	m->bind[0] = RTLD_BIND_ZERO;
}

static void hand_out(struct rtld_set *set, uint64_t *value, uint32_t *bind)
{
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		struct rtld_module *m = &set->module[i];

		m->value = value;
		m->bind = bind;
		clear_binds(m);
		value += m->relas - m->relatives + m->jmprels;
		bind += m->info.symbols;
	}
}

int rtld_missing(struct rtld_module *m, uint32_t symbol)
{
	if (rtld_is_weak(&m->symbol[symbol]))
		return 0;
	rtld_fail_symbol(m, RTLD_UNDEFINED, RTLD_T_SYMTAB, symbol, 0, 0,
			 symbol);
	return m->set->flags & RTLD_RULES_ELF ? 0 : PLINTH_E_NOSYM;
}

/* The provider of a name, wherever in the index it is. */
static uint32_t find(struct rtld_index *x, const struct rtld_module *m,
		     uint32_t symbol)
{
	const struct rtld_name name = rtld_hash_name(
		m->strings + m->symbol[symbol].name, m->strings_end);

	if (name.length > LONG_NAME)
		rtld_index_spend(x, name.length / 8);
	return rtld_index_find(x, &name);
}

/* Everything but the usual: no first reference, not for all, or not found at once. */
static RTLD_COLD int bind_oddly(struct rtld_index *x, struct rtld_module *m,
				uint32_t symbol, uint64_t *value)
{
	const struct elf64_sym *s = &m->symbol[symbol];
	uint32_t *bind = &m->bind[symbol];
	int err = 0;

	*value = m->bias;
	if (!symbol)
		return 0;
	if (*bind == RTLD_BIND_UNSEEN) {
		*bind = rtld_is_for_all(m, s) ? find(x, m, symbol) :
						RTLD_BIND_ZERO;
		/* A definition is found even if it is not in its own hash table. */
		if (!rtld_binds(*bind) && s->shndx != SHN_UNDEF)
			*bind = m->place << RTLD_BIND_SHIFT | symbol;
		if (!rtld_binds(*bind) && x->budget)
			err = rtld_missing(m, symbol);
	}
	*value = rtld_provided(m->set, *bind);
	return err;
}

/*
 * Bind to what is in the first slot that is looked at. An empty one, 0, leads
 * to the null symbol of the first module, which has no name.
 */
static inline bool bind_at_once(const struct rtld_index *x,
				const struct rtld_module *m, uint32_t symbol,
				uint64_t *value)
{
	uint32_t name = m->symbol[symbol].name;
	uint64_t key = rtld_name_key(m->strings + name, m->strings_end);
	uint64_t length = key >> 32;
	uint32_t provider = x->slot[rtld_index_slot(key, x->mask)];
	const struct rtld_module *from = rtld_index_module(x, provider);
	const struct elf64_sym *d = rtld_index_symbol(x, provider);

	if (length > LONG_NAME ||
	    !rtld_same_name(m, name, from, d->name, length + 1))
		return false;
	*value = rtld_symbol_run(from, d);
	m->bind[symbol] = provider;
	return true;
}

static int bind_table(struct rtld_index *x, struct rtld_module *m,
		      const struct elf64_rela *r, uint32_t count,
		      uint64_t *value)
{
	const struct elf64_rela *end = r + count;
	int err = 0, e;

	for (; r < end; r++, value++) {
		if (m->bind[r->symbol] == RTLD_BIND_UNSEEN &&
		    rtld_is_plain_reference(&m->symbol[r->symbol]) &&
		    bind_at_once(x, m, r->symbol, value))
			continue;
		e = bind_oddly(x, m, r->symbol, value);
		if (e)
			err = e;
	}
	return err;
}

static int bind_all(struct rtld_set *set, const struct totals *t, void *work)
{
	struct rtld_index x;
	uint32_t i;
	int err;

	rtld_index_build(&x, set, work, t->exports, t->budget);
	err = x.twice ? PLINTH_E_LINK : 0;
	for (i = 0; i < set->count && x.budget; i++) {
		struct rtld_module *m = &set->module[i];
		uint32_t others = m->relas - m->relatives;
		int a = bind_table(&x, m, m->rela + m->relatives, others,
				   m->value);
		int b = bind_table(&x, m, m->jmprel, m->jmprels,
				   m->value + others);

		if (!err)
			err = a ? a : b;
	}
	return x.budget ? err : report_cost(set, t->budget);
}

static int resolve(struct rtld_set *set, uint8_t *work)
{
	struct totals t = count(set);
	uint64_t *value = (uint64_t *)(work + rtld_index_bytes(t.exports));
	uint32_t *bind = (uint32_t *)(value + t.values);
	int order, places, binds;

	hand_out(set, value, bind);
	order = rtld_check_order(set, bind + t.symbols, name_slots(set));
	places = rtld_check_places(set);
	if (rtld_use_plan(set))
		return order ? order : places;
	if (set->plan)
		hand_out(set, value, bind);	/* a part may have been used */
	binds = bind_all(set, &t, work);
	return order ? order : places ? places : binds;
}

int rtld_resolve(struct rtld_set *set, void *work, size_t size)
{
	int err = check_work(set, work, size);

	set->resolved = false;
	set->linked = false;
	if (!err)
		err = resolve(set, work);
	set->resolved = !err;
	return err;
}

bool rtld_next_binding(const struct rtld_set *set, uint32_t module,
		       struct rtld_cursor *at, struct rtld_binding *out)
{
	const struct rtld_module *m;
	uint32_t i, provider;

	if (module >= set->count || !set->module[module].bind)
		return false;
	m = &set->module[module];
	for (i = at->index ? at->index : 1; i < m->info.symbols; i++)
		if (m->bind[i] != RTLD_BIND_UNSEEN)
			break;
	at->index = i + 1;
	if (i >= m->info.symbols)
		return false;
	provider = m->bind[i];
	*out = (struct rtld_binding){
		.module = RTLD_NONE, .name = rtld_symbol_name(m, i),
		.weak = rtld_is_weak(&m->symbol[i]),
	};
	if (rtld_binds(provider)) {
		out->module = provider >> RTLD_BIND_SHIFT;
		out->symbol = provider & RTLD_BIND_SYM;
		out->run = rtld_provided(set, provider);
	}
	return true;
}
