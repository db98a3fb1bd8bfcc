/* SPDX-License-Identifier: MIT */
/*
 * The EPT paging structures that all CPUs share (SDM, "EPT Translation Mechanism"). They only grow while the VMM is
 * loaded: an entry that is there is never written over by what the guest touches, and no table is ever taken out, so
 * no CPU can walk into one that serves another region by now.
 */
#include <stddef.h>

#include <plinth/intrinsics.h>
#include <plinth/memory.h>

#include "internal.h"

#define ENTRY_ACCESS  7ull
#define ENTRY_LARGE   (1ull << 7)
#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define ENTRY_DECIDED (1ull << 52) /* by ept_set_page(); ignored by the CPU: "nothing allowed" is not "nothing there" */
#define TYPE_SHIFT    3
#define TYPE_MASK     (7ull << TYPE_SHIFT)

static struct {
	uint64_t *root;
	uint64_t root_pa;
	struct table_kind kind;
	uint64_t *spare; /* the first word of each leads to the next */
	char lock;
} table;

void table_lock(void)
{
	while (__atomic_test_and_set(&table.lock, __ATOMIC_ACQUIRE))
		cpu_pause();
}

void table_unlock(void)
{
	__atomic_clear(&table.lock, __ATOMIC_RELEASE);
}

const struct table_kind *table_kind(void)
{
	return &table.kind;
}

uint64_t table_pointer_of(uint64_t root_pa)
{
	return root_pa | (uint64_t)(table.kind.levels - 1) << 3 | TYPE_WB;
}

uint64_t table_pointer(void)
{
	return table_pointer_of(table.root_pa);
}

void table_reach(uint64_t reach)
{
	table.kind.reach = reach;
}

/* -- pages for tables -------------------------------------------------------------------- */

/* The pool gives pages at a load and to ept_set_page(); what the guest touches is mapped from the spare ones. */
enum source { FROM_POOL, FROM_SPARE };

/* A page and its physical address, which nobody asks the memory module for in an exit. */
static uint64_t *page_new(uint64_t *pa)
{
	uint64_t *page = mem_page_alloc();

	if (page && mem_virt_to_phys(page, pa)) {
		mem_page_free(page);
		page = NULL;
	}
	return page;
}

/* While a page is spare, its first word leads to the next and its second is where it lies. */
static uint64_t *page_take(enum source source, uint64_t *pa)
{
	uint64_t *page = table.spare;

	if (source == FROM_POOL)
		return page_new(pa);
	if (page) {
		table.spare = (uint64_t *)page[0];
		*pa = page[1];
	}
	return page;
}

static int spare_init(unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++) {
		uint64_t pa, *page = page_new(&pa);

		if (!page)
			return PLINTH_E_NOMEM;
		page[0] = (uint64_t)table.spare;
		page[1] = pa;
		table.spare = page;
	}
	return 0;
}

int table_init(const struct table_kind *kind, unsigned int spare)
{
	table.kind = *kind;
	table.spare = NULL;
	table_unlock();
	table.root = mem_page_alloc();
	if (!table.root || mem_virt_to_phys(table.root, &table.root_pa))
		return PLINTH_E_NOMEM;
	return spare_init(spare);
}

static bool is_table(uint64_t entry, unsigned int level)
{
	return level > 1 && entry & ENTRY_ACCESS && !(entry & ENTRY_LARGE);
}

static uint64_t *table_of(uint64_t entry)
{
	return mem_phys_to_virt(entry & ENTRY_ADDRESS);
}

/* Tables below one at @level; five levels deep at the most. */
static void free_below(uint64_t *t, unsigned int level)
{
	for (unsigned int i = 0; level > 1 && i < EPT_ENTRIES; i++)
		if (is_table(t[i], level)) {
			free_below(table_of(t[i]), level - 1);
			mem_page_free(table_of(t[i]));
		}
}

void table_fini(void)
{
	uint64_t pa;

	if (table.root) {
		free_below(table.root, table.kind.levels);
		mem_page_free(table.root);
	}
	table.root = NULL;
	while (table.spare)
		mem_page_free(page_take(FROM_SPARE, &pa));
}

/* -- entries ------------------------------------------------------------------------------ */

/* One store: other CPUs see what was there or all of what is new. */
static void set(uint64_t *slot, uint64_t entry)
{
	__atomic_store_n(slot, entry, __ATOMIC_RELEASE);
}

static uint64_t *slot_in(uint64_t *t, uint64_t gpa, unsigned int level)
{
	return &t[gpa >> table_shift(level) & (EPT_ENTRIES - 1)];
}

static uint64_t leaf(uint64_t gpa, unsigned int level, enum memory_type type)
{
	return gpa | (uint64_t)type << TYPE_SHIFT | EPT_ALL | (level > 1 ? ENTRY_LARGE : 0);
}

/* One page at @level; 0: there is none of that size, or it would have more than one type. */
static uint64_t leaf_of_type(uint64_t gpa, unsigned int level, enum memory_type type)
{
	if (level > table_leaf_level() || gpa >= table.kind.reach || type == TYPE_MIXED)
		return 0;
	return leaf(gpa, level, type);
}

void table_fill(uint64_t *t, unsigned int level, uint64_t base, bool uncached)
{
	uint64_t bytes = 1ull << table_shift(level);
	enum memory_type all = mtrr_type(base, bytes * EPT_ENTRIES);

	for (unsigned int i = 0; i < EPT_ENTRIES; i++) {
		uint64_t gpa = base + i * bytes;
		enum memory_type type = all == TYPE_MIXED ? mtrr_type(gpa, bytes) : all;

		t[i] = leaf_of_type(gpa, level, type == TYPE_MIXED && uncached ? TYPE_UC : type);
	}
}

/* A table with all that the slot of @gpa at @level stands for; 0: no page. */
static uint64_t table_for(uint64_t gpa, unsigned int level, enum source source)
{
	uint64_t base = gpa & ~((1ull << table_shift(level)) - 1), pa;
	uint64_t *t = page_take(source, &pa);

	if (!t)
		return 0;
	table_fill(t, level - 1, base, false);
	return pa | EPT_ALL;
}

/*
 * What belongs in an empty slot, or in that of a page whose types have changed: one page, or a table. Only types can ask
 * for a table where a page is possible; if there is none left an uncached page is slow and never wrong.
 */
static uint64_t entry_for(uint64_t gpa, unsigned int level, enum source structure)
{
	uint64_t bytes = 1ull << table_shift(level), base = gpa & ~(bytes - 1);
	uint64_t entry = leaf_of_type(base, level, mtrr_type(base, bytes));

	if (!entry && level > 1)
		entry = table_for(gpa, level, level > table_leaf_level() ? structure : FROM_SPARE);
	return entry ? entry : leaf_of_type(base, level, TYPE_UC);
}

/* -- walking ------------------------------------------------------------------------------- */

uint64_t *table_at(uint64_t gpa, unsigned int level)
{
	uint64_t *t = table.root;

	for (unsigned int l = table.kind.levels; l > level; l--) {
		uint64_t entry = *slot_in(t, gpa, l);

		if (!is_table(entry, l))
			return NULL;
		t = table_of(entry);
	}
	return t;
}

uint64_t table_find(uint64_t gpa, unsigned int *level)
{
	uint64_t *t = table.root;
	uint64_t entry;

	*level = table.kind.levels;
	while (is_table(entry = *slot_in(t, gpa, *level), *level)) {
		t = table_of(entry);
		--*level;
	}
	return entry;
}

static int map(uint64_t gpa, enum source structure)
{
	uint64_t *t = table.root;

	for (unsigned int level = table.kind.levels;; level--) {
		uint64_t *slot = slot_in(t, gpa, level);
		uint64_t entry = *slot ? *slot : entry_for(gpa, level, structure);

		if (!entry)
			return PLINTH_E_NOMEM;
		if (!*slot)
			set(slot, entry);
		if (!is_table(entry, level))
			return 0;
		t = table_of(entry);
	}
}

int table_map(uint64_t gpa)
{
	return gpa < table.kind.reach ? map(gpa, FROM_SPARE) : PLINTH_E_FAULT;
}

/* A table comes full of whatever has one type; what has more than one is looked at in smaller steps. */
int table_prepare(uint64_t start, uint64_t end)
{
	uint64_t step;

	if (end > table.kind.reach)
		end = table.kind.reach;
	for (uint64_t gpa = start; gpa < end; gpa += step) {
		int err = map(gpa, FROM_POOL);

		if (err)
			return err;
		step = mtrr_type(gpa & ~(PAGE_1G - 1), PAGE_1G) == TYPE_MIXED ? PAGE_2M : PAGE_1G;
	}
	return 0;
}

/* -- types that change ------------------------------------------------------------------------ */

static void retype_below(uint64_t *t, unsigned int level, uint64_t base)
{
	uint64_t bytes = 1ull << table_shift(level);

	for (unsigned int i = 0; i < EPT_ENTRIES; i++) {
		uint64_t gpa = base + i * bytes, entry = t[i];

		if (is_table(entry, level))
			retype_below(table_of(entry), level - 1, gpa);
		else if (level == 1 && entry)
			set(&t[i], (entry & ~TYPE_MASK) | (uint64_t)mtrr_type(gpa, PAGE_4K) << TYPE_SHIFT);
		else if (entry)
			set(&t[i], entry_for(gpa, level, FROM_SPARE));
	}
}

void table_retype(void)
{
	retype_below(table.root, table.kind.levels, 0);
}

/* -- the interface ----------------------------------------------------------------------------- */

/* The slot of a 4 KiB page; missing tables are made, large pages on the way are split. */
static int slot_of_page(uint64_t gpa, uint64_t **out)
{
	uint64_t *t = table.root;

	for (unsigned int level = table.kind.levels; level > 1; level--) {
		uint64_t *slot = slot_in(t, gpa, level);
		uint64_t entry = is_table(*slot, level) ? *slot : table_for(gpa, level, FROM_POOL);

		if (!entry)
			return PLINTH_E_NOMEM;
		if (entry != *slot)
			set(slot, entry);
		t = table_of(entry);
	}
	*out = slot_in(t, gpa, 1);
	return 0;
}

/* Access that the CPU takes for a misconfiguration (SDM, "EPT Misconfigurations"), which is fatal. */
static int access_check(uint32_t access)
{
	if (access & ~(uint32_t)EPT_ALL || (access & EPT_WRITE && !(access & EPT_READ)))
		return PLINTH_E_INVAL;
	return access == EPT_EXECUTE && !table.kind.execute_only ? PLINTH_E_NOTSUP : 0;
}

int ept_set_page(uint64_t gpa, uint64_t hpa, uint32_t access)
{
	int err = access_check(access);
	uint64_t *slot;

	if (!table.root || (gpa | hpa) & (PAGE_4K - 1) || gpa >= table.kind.reach || hpa >= table.kind.reach)
		return PLINTH_E_INVAL;
	if (err)
		return err;
	table_lock();
	err = slot_of_page(gpa, &slot);
	if (!err)
		set(slot, hpa | (uint64_t)mtrr_type(gpa, PAGE_4K) << TYPE_SHIFT | access | ENTRY_DECIDED);
	table_unlock();
	return err;
}

int ept_get_page(uint64_t gpa, uint64_t *hpa, uint32_t *access)
{
	unsigned int level = 0;
	uint64_t entry, within;

	if (!table.root || gpa >= table.kind.reach)
		return PLINTH_E_FAULT;
	table_lock();
	entry = table_find(gpa, &level);
	table_unlock();
	within = (1ull << table_shift(level)) - 1;
	*hpa = entry ? (entry & ENTRY_ADDRESS & ~within) | (gpa & within & ~(PAGE_4K - 1)) : gpa & ~(PAGE_4K - 1);
	*access = entry ? (uint32_t)(entry & ENTRY_ACCESS) : EPT_ALL;
	return 0;
}
