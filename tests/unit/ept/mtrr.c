/* SPDX-License-Identifier: MIT */
/* Memory types from range registers (SDM, "Memory Type Range Registers (MTRRs)", "MTRR Precedences"). */
#include <criterion/criterion.h>
#include <string.h>

#include <plinth/intrinsics.h>

#include "internal.h"

#define CAP	0xfeu
#define DEFAULT 0x2ffu
#define ENABLED 0x800u
#define FIXED	0x400u
#define VALID	0x800ull
#define BITS	36u
#define MIB	(1ull << 20)

static uint64_t msrs[0x300];

uint64_t cpu_rdmsr(uint32_t msr)
{
	cr_assert_lt(msr, 0x300, "MSR 0x%x is no range register", msr);
	return msrs[msr];
}

static void types(uint64_t cap, uint64_t def)
{
	memset(msrs, 0, sizeof(msrs));
	msrs[CAP] = cap;
	msrs[DEFAULT] = def;
}

static void range(uint32_t i, uint64_t base, uint64_t bytes, enum memory_type type)
{
	msrs[0x200 + 2 * i] = base | type;
	msrs[0x201 + 2 * i] = (((1ull << BITS) - bytes) & ~0xfffull) | VALID;
}

Test(mtrr, switched_off_everything_is_uncached)
{
	types(0x508, TYPE_WB | FIXED);
	range(0, 0, 1ull << 32, TYPE_WB);
	mtrr_read(BITS);
	cr_expect_eq(mtrr_type(0, PAGE_4K), TYPE_UC);
	cr_expect_eq(mtrr_type(PAGE_1G, PAGE_1G), TYPE_UC);
}

Test(mtrr, without_ranges_the_default)
{
	types(8, TYPE_WB | ENABLED);
	mtrr_read(BITS);
	cr_expect_eq(mtrr_type(0, PAGE_4K), TYPE_WB);
	cr_expect_eq(mtrr_type(0, PAGE_1G), TYPE_WB, "without fixed ranges the first MiB is like the rest");
}

/* The first MiB: 64 KiB, 16 KiB and 4 KiB steps. Each has a type of its own here. */
Test(mtrr, fixed_ranges)
{
	types(0x508, TYPE_WB | ENABLED | FIXED);
	msrs[0x250] = 0x0001040506000104;
	msrs[0x258] = 0x0605040100060504;
	msrs[0x259] = 0x0000000000000605;
	msrs[0x268] = 0x0504010006050401;
	msrs[0x26f] = 0x0600000000000005;
	mtrr_read(BITS);
	for (unsigned int i = 0; i < 8; i++) {
		cr_expect_eq(mtrr_type(i * 0x10000ull, PAGE_4K), msrs[0x250] >> 8 * i & 0xff,
			     "64 KiB step %u", i);
		cr_expect_eq(mtrr_type(i * 0x10000ull + 0xf000, PAGE_4K), msrs[0x250] >> 8 * i & 0xff);
		cr_expect_eq(mtrr_type(0x80000 + i * 0x4000ull, PAGE_4K), msrs[0x258] >> 8 * i & 0xff,
			     "16 KiB step %u", i);
		cr_expect_eq(mtrr_type(0xa0000 + i * 0x4000ull, PAGE_4K), msrs[0x259] >> 8 * i & 0xff);
		cr_expect_eq(mtrr_type(0xc0000 + i * 0x1000ull, PAGE_4K), msrs[0x268] >> 8 * i & 0xff,
			     "4 KiB step %u", i);
		cr_expect_eq(mtrr_type(0xf8000 + i * 0x1000ull, PAGE_4K), msrs[0x26f] >> 8 * i & 0xff);
	}
	cr_expect_eq(mtrr_type(0x100000, PAGE_4K), TYPE_WB, "above them the default");
	cr_expect_eq(mtrr_type(0, PAGE_2M), TYPE_MIXED);
	cr_expect_eq(mtrr_type(PAGE_2M, PAGE_2M), TYPE_WB);
}

/* They count only where the CPU has them and they are switched on. */
Test(mtrr, fixed_ranges_that_do_not_count)
{
	types(0x008, TYPE_WB | ENABLED | FIXED);
	mtrr_read(BITS);
	cr_expect_eq(mtrr_type(0xa0000, PAGE_4K), TYPE_WB);
	types(0x508, TYPE_WB | ENABLED);
	mtrr_read(BITS);
	cr_expect_eq(mtrr_type(0xa0000, PAGE_4K), TYPE_WB);
}

Test(mtrr, variable_ranges)
{
	types(8, TYPE_UC | ENABLED);
	range(0, 0, 2 * PAGE_1G, TYPE_WB);
	range(5, 3 * PAGE_1G, 16 * MIB, TYPE_WC);
	range(7, 3 * PAGE_1G + 32 * MIB, PAGE_4K, TYPE_WT);
	range(6, 3 * PAGE_1G + 65 * MIB, MIB, TYPE_WT);
	msrs[0x200 + 2 * 3] = 4 * PAGE_1G | TYPE_WP; /* not valid */
	msrs[0x201 + 2 * 3] = ~(PAGE_1G - 1) & ((1ull << BITS) - 1) & ~VALID;
	mtrr_read(BITS);
	cr_expect_eq(mtrr_type(0, PAGE_1G), TYPE_WB);
	cr_expect_eq(mtrr_type(PAGE_1G, PAGE_1G), TYPE_WB);
	cr_expect_eq(mtrr_type(2 * PAGE_1G, PAGE_1G), TYPE_UC);
	cr_expect_eq(mtrr_type(3 * PAGE_1G, PAGE_1G), TYPE_MIXED, "a range within");
	cr_expect_eq(mtrr_type(3 * PAGE_1G, PAGE_2M), TYPE_WC);
	cr_expect_eq(mtrr_type(3 * PAGE_1G + 14 * MIB, PAGE_2M), TYPE_WC, "up to its end");
	cr_expect_eq(mtrr_type(3 * PAGE_1G + 16 * MIB, PAGE_2M), TYPE_UC);
	cr_expect_eq(mtrr_type(3 * PAGE_1G + 32 * MIB, PAGE_2M), TYPE_MIXED);
	cr_expect_eq(mtrr_type(3 * PAGE_1G + 32 * MIB, PAGE_4K), TYPE_WT);
	cr_expect_eq(mtrr_type(3 * PAGE_1G + 32 * MIB + PAGE_4K, PAGE_4K), TYPE_UC);
	cr_expect_eq(mtrr_type(3 * PAGE_1G + 64 * MIB, PAGE_2M), TYPE_MIXED,
		     "a range that begins in its middle");
	cr_expect_eq(mtrr_type(4 * PAGE_1G, PAGE_1G), TYPE_UC, "a range that is not valid");
}

Test(mtrr, two_ranges_over_the_same_memory)
{
	static const struct {
		enum memory_type a, b, both;
	} cases[] = {
		{TYPE_WB, TYPE_WB, TYPE_WB}, {TYPE_WB, TYPE_UC, TYPE_UC}, {TYPE_UC, TYPE_WB, TYPE_UC},
		{TYPE_WB, TYPE_WT, TYPE_WT}, {TYPE_WT, TYPE_WB, TYPE_WT}, {TYPE_WC, TYPE_UC, TYPE_UC},
		{TYPE_WT, TYPE_UC, TYPE_UC}, {TYPE_WC, TYPE_WB, TYPE_UC}, /* undefined, so the safe one */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		types(2, TYPE_WB | ENABLED);
		range(0, 0, 4 * PAGE_1G, cases[i].a);
		range(1, PAGE_1G, PAGE_1G, cases[i].b);
		mtrr_read(BITS);
		cr_expect_eq(mtrr_type(PAGE_1G, PAGE_2M), cases[i].both, "%d and %d", (int)cases[i].a,
			     (int)cases[i].b);
		cr_expect_eq(mtrr_type(PAGE_1G, PAGE_4K), cases[i].both, "%d and %d", (int)cases[i].a,
			     (int)cases[i].b);
		cr_expect_eq(mtrr_type(0, PAGE_1G), cases[i].a);
	}
}

/* Not only a power of two can be masked: every second page, here. Large pages have no one type then. */
Test(mtrr, a_mask_with_holes)
{
	types(1, TYPE_WB | ENABLED);
	msrs[0x200] = PAGE_1G | TYPE_UC;
	msrs[0x201] = (~(PAGE_1G - 1) & ((1ull << BITS) - 1)) | PAGE_4K | VALID;
	mtrr_read(BITS);
	cr_expect_eq(mtrr_type(PAGE_1G, PAGE_2M), TYPE_MIXED);
	cr_expect_eq(mtrr_type(PAGE_1G, PAGE_4K), TYPE_UC);
	cr_expect_eq(mtrr_type(PAGE_1G + PAGE_4K, PAGE_4K), TYPE_WB);
	cr_expect_eq(mtrr_type(PAGE_1G + 2 * PAGE_4K, PAGE_4K), TYPE_UC);
}

/* More registers than the architecture numbers are not asked for. */
Test(mtrr, more_ranges_than_there_can_be)
{
	types(0xff, TYPE_WB | ENABLED);
	for (uint32_t i = 0; i < 32; i++)
		range(i, i * PAGE_1G, PAGE_1G, TYPE_WT);
	mtrr_read(BITS);
	cr_expect_eq(mtrr_type(31 * PAGE_1G, PAGE_1G), TYPE_WT);
	cr_expect_eq(mtrr_type(32 * PAGE_1G, PAGE_1G), TYPE_WB);
}
