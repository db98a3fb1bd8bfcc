/* SPDX-License-Identifier: MIT */
/*
 * Watched pages of the host. In the shared tables some accesses of them are violations; beside those stands a
 * view with a top level of its own in which they are what they would be. A CPU that carries out an access of
 * one goes by the view for an instruction (touch.c): so it alone gets by, and no other CPU misses anything.
 *
 * The view shares all tables but those on the way to a watched page, of which it has copies. They are made as
 * the shared ones are whenever a CPU flushes, before it does, and when one finds something missing there: a
 * change that takes something away holds from the flush on, as everywhere, and one that adds something is
 * found by the access.
 */
#include <string.h>

#include <plinth/intrinsics.h>
#include <plinth/memory.h>
#include <plinth/vmcs.h>

#include "internal.h"

#define LEVELS_BELOW_TOP 4u /* at the most: the top has copies of all levels below it */
#define COPIES		 (SLAT_WATCHES * LEVELS_BELOW_TOP)
#define NOBODYS		 (~0ull)

/* Of a table of the shared ones, by what it stands for. */
struct copy {
	uint64_t *page;
	uint64_t pa;
	uint64_t begin;	 /* the first address of it, or NOBODYS */
	uint64_t ticket; /* slat_flush(), since it is nobody's: a CPU may walk it until then */
	uint64_t level;
};

/* A page of the pool, from the first watch on until the unload. */
struct watches {
	uint64_t *root;
	uint64_t root_pa;
	uint64_t n;
	uint64_t page[SLAT_WATCHES];
	uint64_t n_copies; /* that have pages */
	struct copy copy[COPIES];
};

_Static_assert(sizeof(struct watches) <= PAGE_4K, "a page");

static struct watches *w;

/* -- life ------------------------------------------------------------------------------------- */

/* Whole or not at all: what there is of it, CPUs look at under the lock. */
static int make_watches(void)
{
	struct watches *made;

	if (w)
		return 0;
	made = mem_page_alloc();
	if (!made)
		return PLINTH_E_NOMEM;
	made->root = pages_new(&made->root_pa);
	if (!made->root) {
		mem_page_free(made);
		return PLINTH_E_NOMEM;
	}
	table_lock();
	w = made;
	watch_follow();
	table_unlock();
	return 0;
}

void watch_fini(void)
{
	if (!w)
		return;
	for (uint64_t i = 0; i < w->n_copies; i++)
		mem_page_free(w->copy[i].page);
	mem_page_free(w->root);
	mem_page_free(w);
	w = NULL;
}

/* -- copies ------------------------------------------------------------------------------------ */

static struct copy *copy_find(uint64_t begin, unsigned int level)
{
	for (uint64_t i = 0; i < w->n_copies; i++)
		if (w->copy[i].begin == begin && w->copy[i].level == level)
			return &w->copy[i];
	return NULL;
}

/* One that no CPU can walk any more, or a new one. */
static struct copy *copy_free(void)
{
	struct copy *c = w->copy;

	for (; c < w->copy + w->n_copies; c++)
		if (c->begin == NOBODYS && c->ticket && slat_flushed(c->ticket))
			return c;
	if (w->n_copies == COPIES)
		return NULL;
	c->page = pages_new(&c->pa);
	if (!c->page)
		return NULL;
	w->n_copies++;
	return c;
}

/* Of each table on the way to a page. Those that are made for a watch that fails serve the next one. */
static int make_copies(uint64_t gpa)
{
	for (unsigned int level = table_kind()->levels - 1; level; level--) {
		const uint64_t begin = table_begin(gpa, level + 1);
		struct copy *c = copy_find(begin, level);

		if (c)
			continue;
		c = copy_free();
		if (!c)
			return PLINTH_E_NOMEM;
		*c = (struct copy){.page = c->page, .pa = c->pa, .begin = begin, .level = level};
		memset(c->page, 0, PAGE_4K);
	}
	return 0;
}

static bool is_needed(const struct copy *c)
{
	for (uint64_t i = 0; i < w->n; i++)
		if (table_begin(w->page[i], (unsigned int)c->level + 1) == c->begin)
			return true;
	return false;
}

/* The view does not lead to these any more: a flush from here on is the last that anybody walks them. */
static void retire_copies(uint64_t ticket)
{
	for (uint64_t i = 0; i < w->n_copies; i++) {
		struct copy *c = &w->copy[i];

		if (c->begin == NOBODYS || is_needed(c))
			continue;
		c->begin = NOBODYS;
		c->ticket = ticket;
	}
}

/* -- the view ---------------------------------------------------------------------------------- */

static bool is_watched(uint64_t gpa, unsigned int level)
{
	for (uint64_t i = 0; i < w->n; i++)
		if (table_begin(w->page[i], level) == gpa)
			return true;
	return false;
}

/* The entry of an address that a watched page is among. */
static uint64_t entry_in_view(uint64_t shared, uint64_t gpa, unsigned int level)
{
	const struct copy *c;

	/* It can lead elsewhere for those who execute it. */
	if (level == 1)
		return (shared & ~ENTRY_ADDRESS) | gpa | SLAT_ALL;
	c = entry_is_table(shared, level) ? copy_find(gpa, level - 1) : NULL;
	return c ? c->pa | SLAT_ALL : shared;
}

/* Other CPUs may walk it meanwhile: they find the old entry or the new one. */
static void copy_table(uint64_t *to, const uint64_t *shared, unsigned int level, uint64_t begin)
{
	for (unsigned int i = 0; i < EPT_ENTRIES; i++) {
		const uint64_t gpa = begin + i * table_bytes(level);
		uint64_t entry = __atomic_load_n(&shared[i], __ATOMIC_RELAXED);

		if (is_watched(gpa, level))
			entry = entry_in_view(entry, gpa, level);
		if (to[i] != entry)
			entry_set(&to[i], entry);
	}
}

/* From the last table up: whoever gets to one finds it filled. */
void watch_follow(void)
{
	if (!w)
		return;
	for (unsigned int level = 1; level < table_kind()->levels; level++)
		for (uint64_t i = 0; i < w->n_copies; i++) {
			const struct copy *c = &w->copy[i];
			const uint64_t *shared = c->begin == NOBODYS || c->level != level
							 ? NULL
							 : table_at(slat_host(), c->begin, level);

			if (shared)
				copy_table(c->page, shared, level, c->begin);
		}
	copy_table(w->root, slat_host()->root, table_kind()->levels, 0);
}

bool watch_passes(void)
{
	return w && cpu_vmread(VMCS_EPT_POINTER) == table_pointer_of(w->root_pa);
}

int watch_pass(bool on)
{
	const uint64_t root_pa = on && w ? w->root_pa : slat_host()->root_pa;

	/* It goes by it already, and has found something closed there: the view is older than the tables. */
	if (on && watch_passes())
		watch_follow();
	if (cpu_vmwrite(VMCS_EPT_POINTER, table_pointer_of(root_pa)))
		return PLINTH_E_VIRT;
	return window_flush();
}

/* -- the interface ------------------------------------------------------------------------------- */

static int check_page(uint64_t gpa)
{
	uint64_t hpa;
	uint32_t access;
	int err;

	if (!slat_host() || !table_has(gpa, PAGE_4K))
		return PLINTH_E_INVAL;
	err = spaces_ordinary(slat_host(), gpa, &hpa, &access);
	if (err)
		return err;
	return hpa == gpa && access == SLAT_ALL ? 0 : PLINTH_E_BUSY;
}

static int note_watch(uint64_t gpa)
{
	int err;

	if (w->n == SLAT_WATCHES)
		return PLINTH_E_LIMIT;
	err = make_copies(gpa);
	if (!err)
		w->page[w->n++] = gpa;
	return err;
}

static void forget_watch(uint64_t gpa)
{
	for (uint64_t i = 0; i < w->n; i++)
		if (w->page[i] == gpa) {
			w->page[i] = w->page[--w->n];
			return;
		}
}

/* Noted, or not any more: the view follows, and what it does without is free when all have flushed. */
static void settle_watches(void)
{
	uint64_t ticket;

	table_lock();
	watch_follow();
	table_unlock();
	ticket = slat_flush(slat_host());
	table_lock();
	retire_copies(ticket);
	table_unlock();
}

int slat_watch(uint64_t gpa, uint32_t access)
{
	int err = check_page(gpa);

	if (!err)
		err = make_watches();
	if (err)
		return err;
	table_lock();
	err = note_watch(gpa);
	table_unlock();
	if (err)
		return err;
	err = slat_trap(slat_host(), gpa, PAGE_4K, access);
	if (err) {
		table_lock();
		forget_watch(gpa);
		table_unlock();
	}
	settle_watches();
	return err;
}

/* The lock is held. */
static int lead_elsewhere(uint64_t gpa, uint64_t pa)
{
	uint64_t *slots, *slot;

	if (!w || !is_watched(gpa, 1))
		return PLINTH_E_INVAL;
	slots = table_at(slat_host(), gpa, 1);
	slot = slots ? table_slot(slots, gpa, 1) : NULL;
	if (!slot || (*slot & ENTRY_ACCESS) != SLAT_EXECUTE)
		return PLINTH_E_INVAL;
	entry_set(slot, (*slot & ~ENTRY_ADDRESS) | pa);
	return 0;
}

int slat_execute_from(uint64_t gpa, const void *page)
{
	uint64_t pa;
	int err = mem_virt_to_phys(page, &pa);

	if (err || pa & (PAGE_4K - 1))
		return PLINTH_E_FAULT;
	table_lock();
	err = lead_elsewhere(gpa, pa);
	table_unlock();
	/* Of a flush that this CPU refuses the log has a line; it then goes on by the page itself. */
	if (!err)
		(void)!slat_flush(slat_host());
	return err;
}

int slat_unwatch(uint64_t gpa)
{
	bool found;
	int err;

	table_lock();
	found = w && is_watched(gpa, 1);
	table_unlock();
	err = found ? slat_restore(slat_host(), gpa, PAGE_4K) : PLINTH_E_INVAL;
	if (err)
		return err;
	table_lock();
	forget_watch(gpa);
	table_unlock();
	settle_watches();
	return 0;
}
