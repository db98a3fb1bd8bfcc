/* SPDX-License-Identifier: MIT */
/*
 * Spaces, and what is decided about a region of one: slat.h. A change is made in two rounds: the first makes
 * all tables that it takes and changes no translation, so that the second cannot fail.
 */
#include <string.h>

#include <plinth/memory.h>
#include <plinth/vcpu.h>

#include "internal.h"

static struct slat_space *spaces; /* all of them */

/* -- life ----------------------------------------------------------------------------------- */

static int space_fill(struct slat_space *space, uint32_t spare)
{
	int err = pages_init(space, spare);

	if (err)
		return err;
	if (space->is_host) {
		space->root = pages_new(&space->root_pa);
		return space->root ? 0 : PLINTH_E_NOMEM;
	}
	space->root = pages_take(space, FROM_SPARE, &space->root_pa);
	memset(space->root, 0, PAGE_4K);
	return 0;
}

int spaces_add(struct slat_space *space, bool is_host, uint32_t spare)
{
	int err;

	memset(space, 0, sizeof(*space));
	space->is_host = is_host;
	err = space_fill(space, spare);
	table_lock();
	space->next = spaces;
	spaces = space;
	table_unlock();
	if (err)
		spaces_remove(space);
	return err;
}

void spaces_remove(struct slat_space *space)
{
	struct slat_space **link = &spaces;

	table_lock();
	while (*link && *link != space)
		link = &(*link)->next;
	if (*link)
		*link = space->next;
	table_unlock();
	table_free(space);
	mem_page_free(space->root);
	pages_fini(space);
	space->root = NULL;
}

int slat_create(uint32_t pages, struct slat_space **out)
{
	struct slat_space *space;
	int err;

	if (!slat_host())
		return PLINTH_E_NOTSUP;
	space = pages ? mem_alloc(sizeof(*space), 0) : NULL;
	if (!space)
		return PLINTH_E_NOMEM;
	err = spaces_add(space, false, pages);
	if (err)
		mem_free(space);
	else
		*out = space;
	return err;
}

void slat_destroy(struct slat_space *space)
{
	if (!space)
		return;
	spaces_remove(space);
	mem_free(space);
}

void spaces_retype(void)
{
	for (struct slat_space *space = spaces; space; space = space->next)
		direct_retype(space);
}

/* -- a change --------------------------------------------------------------------------------- */

enum what { MAP, TRAP, RESTORE };

struct change {
	struct slat_space *space;
	enum what what;
	uint64_t gpa, bytes;
	uint64_t away; /* MAP: from a guest's address to the machine's */
	uint32_t access;
};

/* May one page of 2 MiB stand for what becomes of it? */
static bool is_whole(const struct change *c, uint64_t gpa)
{
	uint64_t *slots;

	if (gpa != table_begin(gpa, 2) || c->gpa + c->bytes - gpa < PAGE_2M)
		return false;
	slots = table_at(c->space, gpa, 2);
	/* Others may still go by a table that is there: it stays, unless all that is in it ends. */
	if (slots && entry_is_table(*table_slot(slots, gpa, 2), 2))
		return false;
	if (c->what == MAP)
		return c->away == table_begin(c->away, 2) && mtrr_type(gpa + c->away, PAGE_2M) != TYPE_MIXED;
	return c->what == TRAP && c->space->is_host ? mtrr_type(gpa, PAGE_2M) != TYPE_MIXED : true;
}

/* At which level the entry lies that changes. */
static unsigned int level_of(const struct change *c, uint64_t gpa)
{
	return is_whole(c, gpa) ? 2 : 1;
}

static uint64_t decided(const struct change *c, uint64_t gpa, unsigned int level, uint64_t before)
{
	const uint64_t hpa = gpa + c->away;

	if (c->what == RESTORE)
		return c->space->is_host ? direct_page(gpa, level) : 0;
	if (c->what == MAP)
		before = entry_leaf(hpa, level, mtrr_type(hpa, table_bytes(level)));
	else if (!before)
		before = direct_page(gpa, level);
	return (before & ~ENTRY_ACCESS) | c->access | ENTRY_DECIDED;
}

/*
 * Is there anything that a restore would change? Else nothing is split for it, and the next place to look at
 * is *next.
 */
static bool is_decided(const struct change *c, uint64_t gpa, uint64_t *next)
{
	unsigned int level;
	uint64_t entry = table_find(c->space, gpa, &level);

	*next = table_begin(gpa, level) + table_bytes(level);
	return entry & ENTRY_DECIDED && !(entry & ENTRY_HIDDEN);
}

/*
 * What the VMM has hidden stays so, and no other guest gets it. Another's empty place leads nowhere, whatever
 * access it had.
 */
static int change_check(const struct change *c, uint64_t gpa, unsigned int level)
{
	unsigned int found;

	if (hidden_any(gpa + c->away, level))
		return PLINTH_E_INVAL;
	if (c->what == MAP && c->space->is_host && hidden_any(gpa, level))
		return PLINTH_E_INVAL;
	return c->what == TRAP && !c->space->is_host && !table_find(c->space, gpa, &found) ? PLINTH_E_FAULT
											   : 0;
}

/* -- one round each ------------------------------------------------------------------------------ */

static int make_tables(const struct change *c)
{
	uint64_t next;
	int err = 0;

	for (uint64_t gpa = c->gpa; gpa < c->gpa + c->bytes && !err; gpa = next) {
		const unsigned int level = level_of(c, gpa);

		if (c->what == RESTORE && !is_decided(c, gpa, &next))
			continue;
		next = gpa + table_bytes(level);
		err = change_check(c, gpa, level);
		if (!err)
			err = table_reserve(c->space, gpa, level);
	}
	return err;
}

static void set_entries(const struct change *c)
{
	uint64_t next;

	for (uint64_t gpa = c->gpa; gpa < c->gpa + c->bytes; gpa = next) {
		const unsigned int level = level_of(c, gpa);
		uint64_t *slot;

		if (c->what == RESTORE && !is_decided(c, gpa, &next))
			continue;
		next = gpa + table_bytes(level);
		slot = table_slot(table_at(c->space, gpa, level), gpa, level);
		entry_set(slot, decided(c, gpa, level, *slot));
	}
}

static bool has_decided(const uint64_t *t)
{
	for (unsigned int i = 0; i < EPT_ENTRIES; i++)
		if (t[i] & ENTRY_DECIDED)
			return true;
	return false;
}

/* Return: was a table taken out? */
static bool merge(struct slat_space *space, uint64_t gpa)
{
	uint64_t *slots = table_at(space, gpa, 2), *slot = slots ? table_slot(slots, gpa, 2) : NULL;
	uint64_t whole;

	if (!slot || !entry_is_table(*slot, 2) || has_decided(entry_table(*slot)))
		return false;
	whole = space->is_host ? direct_page(table_begin(gpa, 2), 2) : 0;
	/* More than one memory type there: the table is not of somebody's making. */
	if (space->is_host && !whole)
		return false;
	if (!pages_retire(space, entry_table(*slot), *slot & ENTRY_ADDRESS))
		return false;
	entry_set(slot, whole);
	return true;
}

static bool merge_all(const struct change *c)
{
	bool any = false;

	for (uint64_t gpa = table_begin(c->gpa, 2); gpa < c->gpa + c->bytes; gpa += PAGE_2M)
		any |= merge(c->space, gpa);
	return any;
}

/* -- the interface --------------------------------------------------------------------------------- */

/* Access that the CPU takes for a misconfiguration (SDM, "EPT Misconfigurations"), which is fatal. */
static int access_check(uint32_t access)
{
	if (access & ~SLAT_ALL || (access & SLAT_WRITE && !(access & SLAT_READ)))
		return PLINTH_E_INVAL;
	return access == SLAT_EXECUTE && !table_kind()->execute_only ? PLINTH_E_NOTSUP : 0;
}

static int apply(const struct change *c)
{
	int err = access_check(c->access);

	if (!c->space || !c->space->root || !table_has(c->gpa, c->bytes) ||
	    !table_has(c->gpa + c->away, c->bytes))
		return PLINTH_E_INVAL;
	if (err)
		return err;
	table_lock();
	err = make_tables(c);
	if (!err)
		set_entries(c);
	table_unlock();
	return err;
}

int slat_map(struct slat_space *space, uint64_t gpa, uint64_t hpa, uint64_t bytes, uint32_t access)
{
	const struct change c = {
		.space = space, .what = MAP, .gpa = gpa, .bytes = bytes, .away = hpa - gpa, .access = access};

	return apply(&c);
}

int slat_trap(struct slat_space *space, uint64_t gpa, uint64_t bytes, uint32_t access)
{
	const struct change c = {.space = space, .what = TRAP, .gpa = gpa, .bytes = bytes, .access = access};

	return apply(&c);
}

int slat_restore(struct slat_space *space, uint64_t gpa, uint64_t bytes)
{
	const struct change c = {
		.space = space, .what = RESTORE, .gpa = gpa, .bytes = bytes, .access = SLAT_READ};
	int err = apply(&c);
	uint64_t ticket;
	bool retired;

	if (err)
		return err;
	table_lock();
	retired = merge_all(&c);
	table_unlock();
	if (!retired)
		return 0;
	ticket = slat_flush(space);
	table_lock();
	pages_stamp(space, ticket);
	table_unlock();
	return 0;
}

int slat_get(struct slat_space *space, uint64_t gpa, uint64_t *hpa, uint32_t *access)
{
	unsigned int level = 0;
	uint64_t entry, within;

	if (!space || !space->root || gpa >= table_kind()->reach)
		return PLINTH_E_FAULT;
	table_lock();
	entry = table_find(space, gpa, &level);
	table_unlock();
	if (!entry && !space->is_host)
		return PLINTH_E_FAULT;
	within = table_bytes(level) - 1;
	*hpa = entry ? entry_address(entry, level) | (gpa & within & ~(PAGE_4K - 1)) : gpa & ~(PAGE_4K - 1);
	*access = entry ? (uint32_t)(entry & ENTRY_ACCESS) : SLAT_ALL;
	return 0;
}

/* The scratch page, to which hidden ones lead, is a page of the VMM and hidden, too. */
int spaces_ordinary(struct slat_space *space, uint64_t gpa, uint64_t *hpa, uint32_t *access)
{
	uint64_t page;
	uint32_t allowed;
	bool ordinary;
	int err = slat_get(space, gpa, &page, &allowed);

	if (err)
		return err;
	table_lock();
	ordinary = !hidden_any(page, 1) && mtrr_type(page, PAGE_4K) == TYPE_WB;
	table_unlock();
	if (!ordinary)
		return PLINTH_E_PERM;
	*hpa = page;
	*access = allowed;
	return 0;
}

uint64_t slat_flush(struct slat_space *space)
{
	(void)space;
	return vcpu_flush();
}

bool slat_flushed(uint64_t ticket)
{
	return vcpu_flushed(ticket);
}
