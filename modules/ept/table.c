/* SPDX-License-Identifier: MIT */
/* The four levels of EPT paging structures (SDM, "EPT Translation Mechanism"). */
#include <stddef.h>

#include <plinth/memory.h>

#include "internal.h"

#define ENTRIES	      512u
#define ENTRY_ACCESS  7ull
#define ENTRY_LARGE   (1ull << 7)
#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define TYPE_SHIFT    3
#define ALL_ACCESS    (EPT_READ | EPT_WRITE | EPT_EXECUTE)
#define REACH	      (1ull << 48) /* of four levels */

static struct {
	uint64_t *root;
	uint64_t root_pa;
	bool large_1g;
} table;

static uint64_t *new_table(uint64_t *pa)
{
	uint64_t *page = mem_page_alloc();

	if (page && mem_virt_to_phys(page, pa)) {
		mem_page_free(page);
		page = NULL;
	}
	return page;
}

int table_init(bool large_1g)
{
	table.large_1g = large_1g;
	table.root = new_table(&table.root_pa);
	return table.root ? 0 : PLINTH_E_NOMEM;
}

static bool is_table(uint64_t entry, unsigned int level)
{
	return level > 1 && entry & ENTRY_ACCESS && !(entry & ENTRY_LARGE);
}

static uint64_t *table_of(uint64_t entry)
{
	return mem_phys_to_virt(entry & ENTRY_ADDRESS);
}

/* Tables below one at @level; four levels deep at the most. */
static void free_below(uint64_t *t, unsigned int level)
{
	for (unsigned int i = 0; level > 1 && i < ENTRIES; i++)
		if (is_table(t[i], level)) {
			free_below(table_of(t[i]), level - 1);
			mem_page_free(table_of(t[i]));
		}
}

void table_fini(void)
{
	if (table.root) {
		free_below(table.root, 4);
		mem_page_free(table.root);
	}
	table.root = NULL;
	table.root_pa = 0;
}

uint64_t table_root(void)
{
	return table.root_pa;
}

static unsigned int shift_of(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

/* A large page becomes a table of the next smaller ones with the same rights. */
static int split(uint64_t *slot, unsigned int level)
{
	uint64_t old = *slot, pa, step = 1ull << shift_of(level - 1);
	uint64_t *t = new_table(&pa);

	if (!t)
		return PLINTH_E_NOMEM;
	if (level == 2)
		old &= ~ENTRY_LARGE;
	for (unsigned int i = 0; old & ENTRY_ACCESS && i < ENTRIES; i++)
		t[i] = old + i * step;
	/* One store: other CPUs see the large page or the full table. */
	__atomic_store_n(slot, pa | ALL_ACCESS, __ATOMIC_RELEASE);
	return 0;
}

/* The slot of @gpa at @level; missing tables are made, large pages on the way are split. */
static int slot_at(uint64_t gpa, unsigned int level, uint64_t **out)
{
	uint64_t *t = table.root;

	for (unsigned int l = 4; l > level; l--) {
		uint64_t *slot = &t[gpa >> shift_of(l) & (ENTRIES - 1)];
		int err = is_table(*slot, l) ? 0 : split(slot, l);

		if (err)
			return err;
		t = table_of(*slot);
	}
	*out = &t[gpa >> shift_of(level) & (ENTRIES - 1)];
	return 0;
}

/* The level of the largest page at @gpa that lies before @end and has one type. */
static unsigned int largest_level(uint64_t gpa, uint64_t end)
{
	if (table.large_1g && !(gpa & (PAGE_1G - 1)) && end - gpa >= PAGE_1G && mtrr_type(gpa, PAGE_1G) != TYPE_MIXED)
		return 3;
	if (!(gpa & (PAGE_2M - 1)) && mtrr_type(gpa, PAGE_2M) != TYPE_MIXED)
		return 2;
	return 1;
}

int table_fill(uint64_t start, uint64_t end)
{
	uint64_t gpa = start;

	while (gpa < end) {
		unsigned int level = largest_level(gpa, end);
		uint64_t bytes = 1ull << shift_of(level);
		uint64_t *slot;
		int err = slot_at(gpa, level, &slot);

		if (err)
			return err;
		*slot = gpa | (uint64_t)mtrr_type(gpa, bytes) << TYPE_SHIFT | ALL_ACCESS | (level > 1 ? ENTRY_LARGE : 0);
		gpa += bytes;
	}
	return 0;
}

int ept_set_page(uint64_t gpa, uint64_t hpa, uint32_t access)
{
	uint64_t *slot;
	int err;

	if ((gpa | hpa) & (PAGE_4K - 1) || gpa >= REACH || access & ~(uint32_t)ALL_ACCESS || !table.root)
		return PLINTH_E_INVAL;
	err = slot_at(gpa, 1, &slot);
	if (!err)
		__atomic_store_n(slot, hpa | (uint64_t)mtrr_type(gpa, PAGE_4K) << TYPE_SHIFT | access, __ATOMIC_RELEASE);
	return err;
}

int ept_get_page(uint64_t gpa, uint64_t *hpa, uint32_t *access)
{
	uint64_t *t = table.root;
	unsigned int level = 4;
	uint64_t entry;

	if (!t || gpa >= REACH)
		return PLINTH_E_FAULT;
	while (is_table(entry = t[gpa >> shift_of(level) & (ENTRIES - 1)], level)) {
		t = table_of(entry);
		level--;
	}
	if (!(entry & ENTRY_ACCESS))
		return PLINTH_E_FAULT;
	*hpa = (entry & ENTRY_ADDRESS & ~((1ull << shift_of(level)) - 1)) | (gpa & ((1ull << shift_of(level)) - PAGE_4K));
	*access = (uint32_t)(entry & ENTRY_ACCESS);
	return 0;
}
