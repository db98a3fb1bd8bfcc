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

#define PLAN_MAGIC	0x6e616c50u	/* "Plan" */
#define PLAN_VERSION	1u
#define BUILD_ID	20u		/* bytes: SHA-1, as linkers write it */
#define NT_GNU_BUILD_ID	3u

struct plan_head {
	uint32_t magic;
	uint32_t version;
	uint32_t rules;		/* flags of the set that matter */
	uint32_t modules;
	uint32_t entries;	/* of all modules together */
};

struct plan_module {
	uint8_t build_id[BUILD_ID];
	uint32_t entries;
};

/* One for each symbol that a relocation of the module refers to. */
struct plan_entry {
	uint32_t symbol;
	uint32_t provider;
	uint32_t length;	/* bytes of the name, the NUL counted */
};

static const void *build_id(const struct rtld_set *set, uint32_t module)
{
	size_t size = 0;
	const void *id = rtld_find_note(set, module, "GNU", NT_GNU_BUILD_ID,
					&size);

	return size == BUILD_ID ? id : NULL;
}

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

/* -- using a plan -- */

static bool is_for_set(const struct rtld_set *set, const struct plan_head *head,
		       size_t size)
{
	const struct plan_module *p;
	uint64_t entries = 0;
	uint32_t i;

	if ((uintptr_t)head % 4 || size < sizeof(*head) ||
	    head->magic != PLAN_MAGIC || head->version != PLAN_VERSION ||
	    head->rules != (set->flags & RTLD_RULES_ELF) ||
	    head->modules != set->count ||
	    plan_bytes(head->modules, head->entries) != size)
		return false;
	for (i = 0, p = modules_of(head); i < set->count; i++, p++) {
		const void *id = build_id(set, i);

		if (!id || memcmp(id, p->build_id, BUILD_ID))
			return false;
		entries += p->entries;
	}
	return entries == head->entries;
}

/* Bindings that need no other module. */
static RTLD_COLD bool is_right_alone(const struct rtld_module *m,
				     const struct plan_entry *e)
{
	const struct elf64_sym *s = &m->symbol[e->symbol];

	if (e->provider == RTLD_BIND_ZERO)
		return s->shndx == SHN_UNDEF && rtld_is_weak(s);
	return s->shndx != SHN_UNDEF &&
	       e->provider == (m->place << RTLD_BIND_SHIFT | e->symbol);
}

static inline bool is_export(const struct rtld_module *m, uint32_t symbol)
{
	if (m->gnu.word)
		return symbol - m->gnu.first < m->gnu.end - m->gnu.first;
	return symbol && symbol < m->info.symbols &&
	       rtld_exported(&m->symbol[symbol]);
}

/*
 * If `length` bytes are equal and the last is NUL, the names are: should there
 * be a NUL before, it is in both.
 */
static inline bool is_right(const struct rtld_module *m,
			    const struct plan_entry *e)
{
	const struct rtld_set *set = m->set;
	uint32_t i = e->provider >> RTLD_BIND_SHIFT, at, name;
	uint32_t symbol = e->provider & RTLD_BIND_SYM;
	const struct elf64_sym *s = &m->symbol[e->symbol];
	const struct rtld_module *from = &set->module[i];
	uint64_t n = e->length;

	if (i >= set->count || !((!s->shndx && !s->other) ||
				 rtld_is_for_all(m, s)) ||
	    !is_export(from, symbol))
		return is_right_alone(m, e);
	at = from->symbol[symbol].name;
	name = s->name;
	return n && n <= m->strings_size - name &&
	       n <= from->strings_size - at && !m->strings[name + n - 1] &&
	       rtld_same_bytes(from->strings + at, m->strings + name, n);
}

static bool use_entries(const struct rtld_module *m,
			const struct plan_entry *e, uint32_t count)
{
	const struct plan_entry *end = e + count;
	uint32_t symbols = m->info.symbols, *bind = m->bind;

	for (; e < end; e++) {
		if (e->symbol >= symbols || !is_right(m, e))
			return false;
		bind[e->symbol] = e->provider;
	}
	return true;
}

/* Has every reference of the table been bound? */
static bool is_complete(const struct rtld_module *m, const struct elf64_rela *r,
			uint32_t count)
{
	const struct elf64_rela *end = r + count;
	const uint32_t *bind = m->bind;

	for (; r < end; r++)
		if (r->symbol && bind[r->symbol] == RTLD_BIND_UNSEEN)
			return false;
	return true;
}

bool rtld_use_plan(struct rtld_set *set)
{
	const struct plan_head *head = set->plan;
	const struct plan_module *p;
	const struct plan_entry *e;
	uint32_t i;

	if (!head || !is_for_set(set, head, set->plan_size))
		return false;
	e = entries_of(head);
	for (i = 0, p = modules_of(head); i < set->count; i++, p++) {
		const struct rtld_module *m = &set->module[i];

		if (!use_entries(m, e, p->entries) ||
		    !is_complete(m, m->rela + m->relatives,
				 m->relas - m->relatives) ||
		    !is_complete(m, m->jmprel, m->jmprels))
			return false;
		e += p->entries;
	}
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
	return set->resolved && set->planned;
}

/* -- making one -- */

/* Entries of a module, or none if it has a reference no plan can promise. */
static bool count_entries(const struct rtld_module *m, uint32_t *entries)
{
	uint32_t i;

	for (i = 0, *entries = 0; i < m->info.symbols; i++) {
		if (m->bind[i] == RTLD_BIND_UNSEEN)
			continue;
		if (m->bind[i] == RTLD_BIND_ZERO && !rtld_is_weak(&m->symbol[i]))
			return false;
		++*entries;
	}
	return true;
}

size_t rtld_plan_size(const struct rtld_set *set)
{
	uint64_t entries = 0;
	uint32_t i, n;

	for (i = 0; i < set->count; i++) {
		if (!set->resolved || !build_id(set, i) ||
		    !count_entries(&set->module[i], &n))
			return 0;
		entries += n;
	}
	return plan_bytes(set->count, entries);
}

static struct plan_entry *write_entries(const struct rtld_module *m,
					struct plan_entry *e)
{
	uint32_t i;

	for (i = 0; i < m->info.symbols; i++) {
		const char *name = m->strings + m->symbol[i].name;

		if (m->bind[i] != RTLD_BIND_UNSEEN)
			*e++ = (struct plan_entry){ i, m->bind[i],
						    strlen(name) + 1 };
	}
	return e;
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
		PLAN_MAGIC, PLAN_VERSION, set->flags & RTLD_RULES_ELF,
		set->count, 0,
	};
	p = (struct plan_module *)modules_of(head);
	start = e = (struct plan_entry *)entries_of(head);
	for (i = 0; i < set->count; i++, p++) {
		struct plan_entry *before = e;

		memcpy(p->build_id, build_id(set, i), BUILD_ID);
		e = write_entries(&set->module[i], e);
		p->entries = e - before;
	}
	head->entries = e - start;
	return 0;
}
