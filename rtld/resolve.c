/* SPDX-License-Identifier: MIT */
/* Binding every reference of a set, before anything is written. */
#include <string.h>

#include "index.h"

/* Slots for names of modules: a power of two, at most half of them taken. */
static uint32_t order_slots(const struct rtld_set *set)
{
	uint32_t slots = 16;

	while (slots < 2 * set->count)
		slots *= 2;
	return slots;
}

struct totals {
	uint64_t symbols;
	uint64_t exports;
	uint64_t values;
};

static struct totals count_symbols(const struct rtld_set *set)
{
	struct totals t = {0};
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		const struct rtld_module *m = &set->module[i];

		t.symbols += m->info.symbols;
		t.exports += m->info.exports;
		t.values += m->relas - m->relatives + m->jmprels;
	}
	return t;
}

size_t rtld_work_size(const struct rtld_set *set)
{
	struct totals t = count_symbols(set);

	return rtld_index_bytes(t.exports) + 8 * t.values + 4 * t.symbols + 4ull * order_slots(set);
}

static int check_work(struct rtld_set *set, const void *work, size_t size)
{
	size_t need = rtld_work_size(set);
	struct rtld_error error = {
		.check = RTLD_WORK_SIZE,
		.table = RTLD_T_SET,
		.module = RTLD_NONE,
		.other = RTLD_NONE,
		.value = size,
		.limit = need,
		.file = "",
	};

	if (work && (uintptr_t)work % 16 == 0 && size >= need)
		return 0;
	return rtld_report(set, &error);
}

static int report_cost(struct rtld_set *set)
{
	struct rtld_error error = {
		.check = RTLD_LINK_COST,
		.table = RTLD_T_SET,
		.module = RTLD_NONE,
		.other = RTLD_NONE,
		.value = set->granted,
		.limit = set->granted,
		.file = "",
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
	rtld_fail_symbol(m, RTLD_UNDEFINED, RTLD_T_SYMTAB, symbol, 0, 0, symbol);
	return m->set->flags & RTLD_RULES_ELF ? 0 : PLINTH_E_NOSYM;
}

/* The provider of a name, wherever in the index it is; the key is that of rtld_short_key(). */
static uint32_t find_provider(struct rtld_index *x, const struct rtld_module *m, const char *text,
			      uint64_t key)
{
	struct rtld_name name;

	if (!rtld_pay_name(m, text, key, &name))
		return RTLD_BIND_ZERO;
	return rtld_index_find(x, &name);
}

/* Nobody provides it, or so it seems: who was not looked for is not missing. */
static int bind_to(struct rtld_module *m, const struct elf64_rela *r, uint32_t provider, uint64_t *value)
{
	m->bind[r->symbol] = provider;
	*value = rtld_bound(m, r, provider);
	if (rtld_binds(provider) || !m->set->budget)
		return 0;
	return rtld_missing(m, r->symbol);
}

/* Everything but the usual: no first reference, or not one that others must satisfy. */
static RTLD_COLD int bind_oddly(struct rtld_index *x, struct rtld_module *m, const struct elf64_rela *r,
				uint64_t *value)
{
	uint32_t symbol = r->symbol;
	const struct elf64_sym *s = &m->symbol[symbol];
	const char *text = m->strings + s->name;
	uint32_t provider = RTLD_BIND_ZERO;

	*value = m->bias;
	if (!symbol)
		return 0;
	if (m->bind[symbol] != RTLD_BIND_UNSEEN) {
		*value = rtld_bound(m, r, m->bind[symbol]);
		return 0;
	}
	if (rtld_is_for_all(m, s))
		provider = find_provider(x, m, text, rtld_short_key(m, text));
	/* A definition is found even if it is not in its own hash table. */
	if (!rtld_binds(provider) && s->shndx != SHN_UNDEF)
		provider = m->place << RTLD_BIND_SHIFT | symbol;
	return bind_to(m, r, provider, value);
}

/* Not in the first slot that was looked at, or not paid for: all of it again. */
static RTLD_COLD int bind_behind(struct rtld_index *x, struct rtld_module *m, const struct elf64_rela *r,
				 uint64_t key, uint64_t *value)
{
	const char *text = m->strings + m->symbol[r->symbol].name;

	m->set->budget += rtld_name_steps(key >> 32);
	return bind_to(m, r, find_provider(x, m, text, key), value);
}

/*
 * Bind to what is in the first slot that is looked at. An empty one, 0, leads
 * to the null symbol of the first module, which has no name. False: it is not
 * there, or the budget, which may be below 0 then, does not suffice.
 */
static inline bool bind_at_once(const struct rtld_index *x, struct rtld_set *set, struct rtld_module *m,
				uint32_t symbol, uint64_t key, uint64_t *value)
{
	uint32_t name = m->symbol[symbol].name, provider;
	const struct rtld_module *from;
	const struct elf64_sym *d;

	set->budget -= rtld_name_steps(key >> 32);
	if ((int64_t)set->budget <= 0)
		return false;
	provider = x->slot[rtld_index_slot(key, x->shift)];
	from = rtld_index_module(x, provider);
	d = rtld_index_symbol(x, provider);
	if (!rtld_same_name(m, name, from, d->name, (key >> 32) + 1))
		return false;
	*value = rtld_symbol_run(from, d);
	m->bind[symbol] = provider;
	return true;
}

static int bind_table(struct rtld_index *x, struct rtld_module *m, const struct elf64_rela *r, uint32_t count,
		      uint64_t *value)
{
	const struct elf64_rela *end = r + count;
	struct rtld_set *set = x->set;
	int err = 0, e;

	for (; r < end; r++, value++) {
		const struct elf64_sym *s = &m->symbol[r->symbol];

		if (m->bind[r->symbol] == RTLD_BIND_UNSEEN && rtld_is_plain_reference(s)) {
			uint64_t key = rtld_short_key(m, m->strings + s->name);

			if (bind_at_once(x, set, m, r->symbol, key, value))
				continue;
			e = bind_behind(x, m, r, key, value);
		} else {
			e = bind_oddly(x, m, r, value);
		}
		if (e)
			err = e;
		if (!set->budget)
			return PLINTH_E_LIMIT;
	}
	return err;
}

static int bind_all(struct rtld_set *set, const struct totals *t, void *work)
{
	struct rtld_index x;
	uint32_t i;
	int err;

	rtld_index_build(&x, set, work, t->exports);
	err = x.twice ? PLINTH_E_LINK : 0;
	for (i = 0; i < set->count && set->budget; i++) {
		struct rtld_module *m = &set->module[i];
		uint32_t others = m->relas - m->relatives;
		int a = bind_table(&x, m, m->rela + m->relatives, others, m->value);
		int b = bind_table(&x, m, m->jmprel, m->jmprels, m->value + others);

		if (!err)
			err = a ? a : b;
	}
	return err;
}

static int resolve(struct rtld_set *set, uint8_t *work)
{
	struct totals t = count_symbols(set);
	uint64_t *value = (uint64_t *)(work + rtld_index_bytes(t.exports));
	uint32_t *bind = (uint32_t *)(value + t.values);
	int order, places, binds = 0;
	uint64_t left;

	rtld_grant(set, set->granted);
	hand_out(set, value, bind);
	order = rtld_check_order(set, bind + t.symbols, order_slots(set));
	places = rtld_check_places(set);
	left = rtld_steps_left(set);
	rtld_grant(set, left / 2);
	if (!rtld_use_plan(set)) {
		/* Whatever a plan says, the index has what it would have without. */
		rtld_grant(set, left);
		if (set->plan)
			hand_out(set, value, bind); /* a part may have been used */
		binds = bind_all(set, &t, work);
	}
	if (!set->budget)
		return report_cost(set);
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

bool rtld_next_binding(const struct rtld_set *set, uint32_t module, struct rtld_cursor *at,
		       struct rtld_binding *out)
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
		.module = RTLD_NONE,
		.name = rtld_symbol_name(m, i),
		.weak = rtld_is_weak(&m->symbol[i]),
	};
	if (rtld_binds(provider)) {
		out->module = provider >> RTLD_BIND_SHIFT;
		out->symbol = provider & RTLD_BIND_SYM;
		out->run = rtld_provided(set, provider);
	}
	return true;
}
