/* SPDX-License-Identifier: MIT */
/* The paging structures: the largest pages that the memory types allow, split where one page is decided
 * about. */
#include <criterion/criterion.h>
#include <string.h>

#include <plinth/memory.h>

#include "internal.h"

#define PAGES	     64u
#define FIRST_PA     0x40000000ull
#define ALL	     (EPT_READ | EPT_WRITE | EPT_EXECUTE)
#define HOLE	     (PAGE_1G + 3 * PAGE_2M) /* the page there has a type of its own */
#define ADDRESS_BITS 0x000ffffffffff000ull

static _Alignas(4096) uint64_t pages[PAGES][512];
static bool taken[PAGES];
static unsigned int left;   /* pages that may be taken */
static bool untranslatable; /* mem_virt_to_phys() fails */

void *mem_page_alloc(void)
{
	for (unsigned int i = 0; left && i < PAGES; i++)
		if (!taken[i]) {
			left--;
			taken[i] = true;
			return memset(pages[i], 0, sizeof(pages[i]));
		}
	return NULL;
}

void mem_page_free(void *page)
{
	uint64_t i = (uint64_t)((uint64_t(*)[512])page - pages);

	cr_assert_lt(i, PAGES);
	cr_assert(taken[i], "freed twice");
	taken[i] = false;
	left++;
}

int mem_virt_to_phys(const void *va, uint64_t *pa)
{
	if (untranslatable)
		return PLINTH_E_FAULT;
	*pa = FIRST_PA + ((uint64_t)va - (uint64_t)pages);
	return 0;
}

void *mem_phys_to_virt(uint64_t pa)
{
	cr_assert_lt(pa - FIRST_PA, sizeof(pages), "0x%llx is no table", (unsigned long long)pa);
	return (char *)pages + (pa - FIRST_PA);
}

enum memory_type mtrr_type(uint64_t pa, uint64_t bytes)
{
	if (HOLE >= pa && HOLE < pa + bytes)
		return bytes > PAGE_4K ? TYPE_MIXED : TYPE_UC;
	return TYPE_WB;
}

static unsigned int in_use(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PAGES; i++)
		n += taken[i];
	return n;
}

static void fresh(bool large_1g)
{
	memset(taken, 0, sizeof(taken));
	left = PAGES;
	untranslatable = false;
	cr_assert_eq(table_init(large_1g), 0);
}

/* What the CPU would find: the last entry on the way, and at which level. */
static uint64_t walk(uint64_t gpa, unsigned int *level)
{
	uint64_t entry = table_root();

	for (*level = 5; *level > 1;) {
		const uint64_t *t = mem_phys_to_virt(entry & ADDRESS_BITS);

		--*level;
		entry = t[gpa >> (12 + 9 * (*level - 1)) & 511];
		if (!(entry & ALL) || (*level > 1 && *level < 4 && entry & 1u << 7))
			break;
	}
	return entry;
}

static void expect(uint64_t gpa, unsigned int level, uint64_t entry)
{
	unsigned int found;
	uint64_t got = walk(gpa, &found);

	cr_expect_eq(found, level, "0x%llx: level %u instead of %u", (unsigned long long)gpa, found, level);
	cr_expect_eq(got, entry, "0x%llx: 0x%llx instead of 0x%llx", (unsigned long long)gpa,
		     (unsigned long long)got, (unsigned long long)entry);
}

#define LARGE (1u << 7)
#define WB    ((uint64_t)TYPE_WB << 3)
#define UC    ((uint64_t)TYPE_UC << 3)

Test(ept_table, pages_as_large_as_the_types_allow)
{
	fresh(true);
	cr_assert_eq(table_fill(0, 4 * PAGE_1G), 0);
	expect(0x12345000, 3, WB | LARGE | ALL);
	expect(PAGE_1G + 5 * PAGE_2M, 2, (PAGE_1G + 5 * PAGE_2M) | WB | LARGE | ALL);
	expect(HOLE, 1, HOLE | UC | ALL);
	expect(HOLE + PAGE_4K, 1, (HOLE + PAGE_4K) | WB | ALL);
	expect(3 * PAGE_1G, 3, 3 * PAGE_1G | WB | LARGE | ALL);
	expect(4 * PAGE_1G, 3, 0);
	table_fini();
	cr_expect_eq(in_use(), 0);
}

Test(ept_table, without_pages_of_a_gib)
{
	fresh(false);
	cr_assert_eq(table_fill(0, 2 * PAGE_1G), 0);
	expect(0x12345000, 2, 0x12200000 | WB | LARGE | ALL);
	expect(HOLE, 1, HOLE | UC | ALL);
	table_fini();
	cr_expect_eq(in_use(), 0);
}

Test(ept_table, one_page_decided_about)
{
	uint64_t hpa;
	uint32_t access;

	fresh(true);
	cr_assert_eq(table_fill(0, 2 * PAGE_1G), 0);
	cr_assert_eq(ept_set_page(0x5000, 0x777000, EPT_READ), 0);
	expect(0x5000, 1, 0x777000 | WB | EPT_READ);
	expect(0x6000, 1, 0x6000 | WB | ALL);
	expect(PAGE_2M, 2, PAGE_2M | WB | LARGE | ALL);
	cr_expect_eq(ept_get_page(0x5000, &hpa, &access), 0);
	cr_expect_eq(hpa, 0x777000);
	cr_expect_eq(access, EPT_READ);
	cr_expect_eq(ept_get_page(0x3ff0000, &hpa, &access), 0, "in a page of 2 MiB");
	cr_expect_eq(hpa, 0x3ff0000);
	cr_expect_eq(access, ALL);
	cr_expect_eq(ept_set_page(HOLE, HOLE, EPT_WRITE | EPT_READ), 0);
	expect(HOLE, 1, HOLE | UC | EPT_WRITE | EPT_READ);
	table_fini();
	cr_expect_eq(in_use(), 0);
}

Test(ept_table, a_page_of_a_gib_is_looked_into)
{
	uint64_t hpa;
	uint32_t access;

	fresh(true);
	cr_assert_eq(table_fill(0, PAGE_1G), 0);
	cr_expect_eq(ept_get_page(0x3ff5000, &hpa, &access), 0);
	cr_expect_eq(hpa, 0x3ff5000);
	cr_expect_eq(ept_get_page(PAGE_1G, &hpa, &access), PLINTH_E_FAULT);
	cr_expect_eq(ept_set_page(PAGE_1G, PAGE_1G, 0), 0, "where nothing is mapped");
	cr_expect_eq(ept_get_page(PAGE_1G, &hpa, &access), PLINTH_E_FAULT);
	cr_expect_eq(ept_set_page(PAGE_1G + PAGE_4K, 0x9000, ALL), 0);
	cr_expect_eq(ept_get_page(PAGE_1G + PAGE_4K, &hpa, &access), 0);
	cr_expect_eq(hpa, 0x9000);
}

Test(ept_table, refuses)
{
	uint64_t hpa;
	uint32_t access;

	fresh(true);
	cr_expect_eq(ept_set_page(0x5001, 0x5000, EPT_READ), PLINTH_E_INVAL);
	cr_expect_eq(ept_set_page(0x5000, 0x5010, EPT_READ), PLINTH_E_INVAL);
	cr_expect_eq(ept_set_page(0x5000, 0x5000, 8), PLINTH_E_INVAL);
	cr_expect_eq(ept_set_page(1ull << 48, 0x5000, EPT_READ), PLINTH_E_INVAL, "four levels reach 48 bits");
	cr_expect_eq(ept_get_page(1ull << 48, &hpa, &access), PLINTH_E_FAULT);
	table_fini();
	cr_expect_eq(ept_set_page(0x5000, 0x5000, EPT_READ), PLINTH_E_INVAL, "there is no table");
	cr_expect_eq(ept_get_page(0x5000, &hpa, &access), PLINTH_E_FAULT);
	table_fini();
	cr_expect_eq(in_use(), 0);
}

Test(ept_table, a_page_that_cannot_be_translated_is_no_table)
{
	memset(taken, 0, sizeof(taken));
	left = PAGES;
	untranslatable = true;
	cr_expect_eq(table_init(true), PLINTH_E_NOMEM);
	cr_expect_eq(in_use(), 0);
}

/* At every page: what there is stays valid, and all of it is freed. */
Test(ept_table, memory_runs_out)
{
	unsigned int n = 0;
	int err;

	do {
		fresh(true);
		left = n;
		err = table_fill(0, 3 * PAGE_1G);
		if (!err)
			err = ept_set_page(0x5000, 0x5000, EPT_READ);
		if (err)
			cr_expect_eq(err, PLINTH_E_NOMEM, "%u pages", n);
		table_fini();
		cr_expect_eq(in_use(), 0, "%u pages", n);
		cr_assert_lt(n++, PAGES);
	} while (err);
	cr_expect_geq(n, 6);
	memset(taken, 0, sizeof(taken));
	left = 0;
	cr_expect_eq(table_init(true), PLINTH_E_NOMEM);
	cr_expect_eq(table_root(), 0);
	table_fini();
}

/* A split must not change what another CPU translates meanwhile. */
Test(ept_table, a_split_that_fails_leaves_the_large_page)
{
	fresh(true);
	cr_assert_eq(table_fill(0, PAGE_1G), 0);
	left = 0;
	cr_expect_eq(ept_set_page(0x5000, 0x5000, EPT_READ), PLINTH_E_NOMEM);
	expect(0x5000, 3, WB | LARGE | ALL);
}
