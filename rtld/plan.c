/* SPDX-License-Identifier: MIT */
/*
 * Link plans: what the references of a set were bound to, so that the next
 * link of the same files need not look for it. A plan is a hint. It is used
 * only for the modules whose build-ids it names, and each of its bindings is
 * compared with the names in the files before it counts; the first that does
 * not fit, and the set is bound by its index as if there were no plan.
 */
#include <string.h>

#include "name.h"

#define PLAN_MAGIC   0x6e616c50u /* "Plan" */
#define PLAN_VERSION 2u

struct plan_head {
	uint32_t magic;
	uint32_t version;
	uint32_t rules; /* flags of the set that matter */
	uint32_t modules;
	uint32_t entries; /* of all modules together */
};

struct plan_module {
	uint8_t build_id[RTLD_BUILD_ID];
	uint32_t entries;
};

/*
 * One for each entry of DT_RELA behind the leading RELATIVE ones, then for each
 * of DT_JMPREL, in their order: so nobody has to look whether all were bound.
 */
struct plan_entry {
	uint32_t provider;
	uint32_t length; /* bytes of the name, the NUL counted; 0: no other module needed */
};

static uint64_t plan_bytes(uint64_t modules, uint64_t entries)
{
	return sizeof(struct plan_head) + modules * sizeof(struct plan_module) +
	       entries * sizeof(struct plan_entry);
}

static const struct plan_module *modules_of(const struct plan_head *head)
{
	return (const void *)(head + 1);
}

static const struct plan_entry *entries_of(const struct plan_head *head)
{
	return (const void *)(modules_of(head) + head->modules);
}

/* Entries that a plan must have for the module. */
static uint32_t entries_for(const struct rtld_module *m)
{
	return m->relas - m->relatives + m->jmprels;
}

/* -- using a plan -- */

#define ENTRY_STEPS 4ull /* beside the bytes of the name, which are compared */

static bool refuse_plan(struct rtld_set *set, enum rtld_plan_state state, uint32_t module, uint32_t entry)
{
	set->planned = (struct rtld_plan_result){state, module, entry};
	return false;
}

static bool has_form(const struct plan_head *head, size_t size)
{
	return (uintptr_t)head % 4 == 0 && size >= sizeof(*head) && head->magic == PLAN_MAGIC &&
	       head->version == PLAN_VERSION && plan_bytes(head->modules, head->entries) == size;
}

static bool is_for_set(struct rtld_set *set, const struct plan_head *head)
{
	const struct plan_module *p = modules_of(head);
	uint64_t entries = 0;
	uint32_t i;

	if (head->rules != (set->flags & RTLD_RULES_ELF))
		return refuse_plan(set, RTLD_PLAN_RULES, RTLD_NONE, 0);
	if (head->modules != set->count)
		return refuse_plan(set, RTLD_PLAN_COUNT, RTLD_NONE, 0);
	for (i = 0; i < set->count; i++, p++) {
		const struct rtld_module *m = &set->module[i];

		if (!m->build_id || memcmp(m->build_id, p->build_id, RTLD_BUILD_ID))
			return refuse_plan(set, RTLD_PLAN_BUILD, i, 0);
		if (p->entries != entries_for(m))
			return refuse_plan(set, RTLD_PLAN_FORM, RTLD_NONE, 0);
		entries += p->entries;
	}
	return entries == head->entries || refuse_plan(set, RTLD_PLAN_FORM, RTLD_NONE, 0);
}

static bool is_export(const struct rtld_module *m, uint32_t symbol)
{
	if (m->gnu.word)
		return symbol >= m->gnu.first && symbol < m->gnu.end;
	return symbol && symbol < m->info.symbols && rtld_exported(&m->symbol[symbol]);
}

/*
 * Bindings that need no other module. Under module rules no set with a strong
 * reference to nothing was linked, so no plan has one.
 */
static bool is_right_alone(struct rtld_module *m, uint32_t symbol, uint32_t provider)
{
	const struct elf64_sym *s = &m->symbol[symbol];

	if (provider == RTLD_BIND_ZERO)
		return s->shndx == SHN_UNDEF && !rtld_missing(m, symbol);
	return s->shndx != SHN_UNDEF && provider == (m->place << RTLD_BIND_SHIFT | symbol);
}

/*
 * What is not usual is decided here: any entry, any reference to a symbol. The
 * name of one that has been bound before has been compared then.
 */
static RTLD_COLD bool is_right(struct rtld_module *m, uint32_t symbol, const struct plan_entry *e)
{
	const struct rtld_set *set = m->set;
	const struct elf64_sym *s = &m->symbol[symbol];
	uint32_t i = e->provider >> RTLD_BIND_SHIFT;
	uint32_t definition = e->provider & RTLD_BIND_SYM;
	const struct rtld_module *from = &set->module[i];

	if (!symbol)
		return !e->provider && !e->length;
	if (m->bind[symbol] != RTLD_BIND_UNSEEN)
		return m->bind[symbol] == e->provider;
	if (!e->length)
		return is_right_alone(m, symbol, e->provider);
	return i < set->count && rtld_is_for_all(m, s) && is_export(from, definition) &&
	       rtld_spend(m->set, ENTRY_STEPS + e->length) &&
	       rtld_same_name(m, s->name, from, from->symbol[definition].name, e->length);
}

static RTLD_COLD bool bind_unusual(struct rtld_module *m, const struct elf64_rela *r,
				   const struct plan_entry *e, uint64_t *value)
{
	uint32_t symbol = r->symbol;

	if (!is_right(m, symbol, e))
		return false;
	*value = m->bias;
	if (!symbol)
		return true;
	m->bind[symbol] = e->provider;
	*value = rtld_bound(m, r, e->provider);
	return true;
}

/* Is it one that the module offers by its GNU hash table? */
static inline bool is_hashed(const struct rtld_module *m, uint32_t symbol)
{
	return symbol >= m->gnu.first && symbol < m->gnu.end;
}

/*
 * Usual entries are bound on the way: the first reference to a symbol that is
 * undefined and as visible as any, to one that a GNU hash table has. Returns
 * how many were right before the first that was not.
 */
static uint32_t use_entries(struct rtld_module *m, const struct elf64_rela *r, uint32_t count,
			    const struct plan_entry *e, uint64_t *value)
{
	const struct rtld_module *module = m->set->module, *from;
	const struct elf64_sym *symbols = m->symbol;
	const struct elf64_rela *end = r + count;
	struct rtld_set *set = m->set;
	uint32_t modules = set->count, *bind = m->bind;

	for (; r < end; r++, e++, value++) {
		const struct elf64_sym *s = symbols + r->symbol, *d;
		uint32_t provider = e->provider, i = provider >> RTLD_BIND_SHIFT;
		uint32_t definition = provider & RTLD_BIND_SYM;

		if (bind[r->symbol] == RTLD_BIND_UNSEEN && rtld_is_plain_reference(s) && i < modules &&
		    is_hashed(module + i, definition)) {
			from = module + i;
			d = from->symbol + definition;
			if (!rtld_spend(set, ENTRY_STEPS + e->length) ||
			    !rtld_same_name(m, s->name, from, d->name, e->length))
				break;
			bind[r->symbol] = provider;
			*value = rtld_symbol_run(from, d);
		} else if (!bind_unusual(m, r, e, value)) {
			break;
		}
	}
	return count - (end - r);
}

static bool use_module(struct rtld_module *m, const struct plan_entry *e)
{
	uint32_t others = m->relas - m->relatives, right;

	right = use_entries(m, m->rela + m->relatives, others, e, m->value);
	if (right == others)
		right += use_entries(m, m->jmprel, m->jmprels, e + others, m->value + others);
	return right == entries_for(m) || refuse_plan(m->set, RTLD_PLAN_BINDING, m->place, right);
}

bool rtld_use_plan(struct rtld_set *set)
{
	const struct plan_head *head = set->plan;
	uint32_t i, findings = set->errors->count;
	const struct plan_entry *e;

	if (!head)
		return refuse_plan(set, RTLD_PLAN_NONE, RTLD_NONE, 0);
	if (!has_form(head, set->plan_size))
		return refuse_plan(set, RTLD_PLAN_FORM, RTLD_NONE, 0);
	if (!is_for_set(set, head))
		return false;
	e = entries_of(head);
	for (i = 0; i < set->count; i++) {
		struct rtld_module *m = &set->module[i];

		if (!use_module(m, e)) {
			set->errors->count = findings;
			return false;
		}
		e += entries_for(m);
	}
	set->planned = (struct rtld_plan_result){RTLD_PLAN_USED, RTLD_NONE, 0};
	return true;
}

void rtld_set_plan(struct rtld_set *set, const void *plan, size_t size)
{
	set->plan = plan;
	set->plan_size = size;
	set->resolved = false;
	set->linked = false;
}

bool rtld_plan_used(const struct rtld_set *set)
{
	return set->resolved && set->planned.state == RTLD_PLAN_USED;
}

struct rtld_plan_result rtld_plan_result(const struct rtld_set *set)
{
	return set->planned;
}

/* -- making one -- */

bool rtld_has_build_id(const struct rtld_set *set, uint32_t module)
{
	return module < set->count && set->module[module].build_id;
}

size_t rtld_plan_size(const struct rtld_set *set)
{
	uint64_t entries = 0;
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		if (!set->resolved || !rtld_has_build_id(set, i))
			return 0;
		entries += entries_for(&set->module[i]);
	}
	return plan_bytes(set->count, entries);
}

static struct plan_entry make_entry(const struct rtld_module *m, uint32_t symbol)
{
	struct plan_entry e = {0, 0};

	if (!symbol)
		return e;
	e.provider = m->bind[symbol];
	if (rtld_binds(e.provider) && e.provider != (m->place << RTLD_BIND_SHIFT | symbol))
		e.length = strlen(m->strings + m->symbol[symbol].name) + 1;
	return e;
}

static void write_entries(const struct rtld_module *m, const struct elf64_rela *r, uint32_t count,
			  struct plan_entry *e)
{
	const struct elf64_rela *end = r + count;

	for (; r < end; r++, e++)
		*e = make_entry(m, r->symbol);
}

int rtld_plan_write(const struct rtld_set *set, void *plan, size_t size)
{
	struct plan_head *head = plan;
	struct plan_module *p;
	struct plan_entry *start, *e;
	uint32_t i;

	if (!size || size != rtld_plan_size(set) || (uintptr_t)plan % 4)
		return PLINTH_E_INVAL;
	*head = (struct plan_head){
		PLAN_MAGIC, PLAN_VERSION, set->flags & RTLD_RULES_ELF, set->count, 0,
	};
	p = (struct plan_module *)modules_of(head);
	start = e = (struct plan_entry *)entries_of(head);
	for (i = 0; i < set->count; i++, p++) {
		const struct rtld_module *m = &set->module[i];
		uint32_t others = m->relas - m->relatives;

		memcpy(p->build_id, m->build_id, RTLD_BUILD_ID);
		p->entries = entries_for(m);
		write_entries(m, m->rela + m->relatives, others, e);
		write_entries(m, m->jmprel, m->jmprels, e + others);
		e += p->entries;
	}
	head->entries = e - start;
	return 0;
}
