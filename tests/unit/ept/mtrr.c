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

static bool absent;	   /* CPUID shows no range registers: whoever reads one raises #GP */
static uint32_t refused;   /* of the MSRs, one that raises #GP in spite of CPUID */
static unsigned int asked; /* MSRs that were read */

void cpu_cpuid(uint32_t leaf, uint32_t subleaf, struct cpu_leaf *out)
{
	(void)subleaf;
	*out = (struct cpu_leaf){.edx = leaf == 1 && !absent ? 1u << 12 : 0};
}

unsigned int caps_address_bits(void)
{
	return BITS;
}

int cpu_rdmsr_safe(uint32_t msr, uint64_t *value)
{
	asked++;
	cr_assert_lt(msr, 0x300, "MSR 0x%x is no range register", msr);
	cr_assert(!absent, "MSR 0x%x is read on a CPU without range registers", msr);
	if (msr == refused)
		return PLINTH_E_FAULT;
	*value = msrs[msr];
	return 0;
}

static bool take(void)
{
	struct mtrr_state state;

	mtrr_read(&state);
	return mtrr_use(&state);
}

static void types(uint64_t cap, uint64_t def)
{
	memset(msrs, 0, sizeof(msrs));
	absent = false;
	refused = 0;
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
	(void)take();
	cr_expect_eq(mtrr_type(0, PAGE_4K), TYPE_UC);
	cr_expect_eq(mtrr_type(PAGE_1G, PAGE_1G), TYPE_UC);
}

Test(mtrr, without_ranges_the_default)
{
	types(8, TYPE_WB | ENABLED);
	(void)take();
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
	(void)take();
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
	(void)take();
	cr_expect_eq(mtrr_type(0xa0000, PAGE_4K), TYPE_WB);
	types(0x508, TYPE_WB | ENABLED);
	(void)take();
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
	(void)take();
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
		(void)take();
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
	(void)take();
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
	(void)take();
	cr_expect_eq(mtrr_type(31 * PAGE_1G, PAGE_1G), TYPE_WT);
	cr_expect_eq(mtrr_type(32 * PAGE_1G, PAGE_1G), TYPE_WB);
}

/* A mask with holes below a region's size says nothing about it; above, it is one type or the other. */
Test(mtrr, a_mask_with_holes_above)
{
	types(1, TYPE_WB | ENABLED);
	msrs[0x200] = 8 * PAGE_1G | TYPE_UC;
	msrs[0x201] = ((~(PAGE_1G - 1) & ((1ull << BITS) - 1)) & ~(2 * PAGE_1G)) | VALID;
	(void)take();
	cr_expect_eq(mtrr_type(8 * PAGE_1G, PAGE_1G), TYPE_UC);
	cr_expect_eq(mtrr_type(9 * PAGE_1G, PAGE_1G), TYPE_WB);
	cr_expect_eq(mtrr_type(10 * PAGE_1G, PAGE_1G), TYPE_UC, "the bit that is not looked at");
	cr_expect_eq(mtrr_type(10 * PAGE_1G, PAGE_2M), TYPE_UC);
	cr_expect_eq(mtrr_type(8 * PAGE_1G, 8 * PAGE_1G), TYPE_MIXED);
	cr_expect_eq(mtrr_type(16 * PAGE_1G, 16 * PAGE_1G), TYPE_WB);
}

/* Nobody but the page tables decides about types then. */
Test(mtrr, a_cpu_without_any)
{
	types(0x508, TYPE_UC | ENABLED);
	absent = true;
	asked = 0;
	(void)take();
	cr_expect_eq(asked, 0);
	cr_expect_eq(mtrr_type(0, PAGE_4K), TYPE_WB);
	cr_expect_eq(mtrr_type(0, PAGE_1G), TYPE_WB);
}

/* A hypervisor below that shows them and refuses them. */
Test(mtrr, registers_that_raise_gp)
{
	static const uint32_t needed[] = {CAP, DEFAULT};

	for (size_t i = 0; i < 2; i++) {
		types(0x508, TYPE_UC | ENABLED);
		refused = needed[i];
		(void)take();
		cr_expect_eq(mtrr_type(0, PAGE_1G), TYPE_WB, "MSR 0x%x", refused);
	}
	types(0x508, TYPE_WB | ENABLED | FIXED);
	msrs[0x250] = 0x0606060606060606;
	range(0, PAGE_1G, PAGE_1G, TYPE_UC);
	range(1, 2 * PAGE_1G, PAGE_1G, TYPE_WT);
	refused = 0x200;
	(void)take();
	cr_expect_eq(mtrr_type(PAGE_1G, PAGE_1G), TYPE_WB, "a range that cannot be read");
	cr_expect_eq(mtrr_type(2 * PAGE_1G, PAGE_1G), TYPE_WT, "the next one");
	refused = 0x201;
	(void)take();
	cr_expect_eq(mtrr_type(PAGE_1G, PAGE_1G), TYPE_WB);
	refused = 0x250;
	(void)take();
	cr_expect_eq(mtrr_type(0, PAGE_4K), TYPE_UC, "never wrong");
}

/* Types that do not exist would be a misconfiguration in a table. */
Test(mtrr, types_that_do_not_exist)
{
	static const uint8_t bad[] = {2, 3, 7, 8, 255};

	for (size_t i = 0; i < sizeof(bad); i++) {
		types(0x501, TYPE_WB | ENABLED | FIXED);
		msrs[0x250] = bad[i];
		msrs[0x200] = PAGE_1G | bad[i];
		msrs[0x201] = (((1ull << BITS) - PAGE_1G) & ~0xfffull) | VALID;
		(void)take();
		cr_expect_eq(mtrr_type(0, PAGE_4K), TYPE_UC);
		cr_expect_eq(mtrr_type(PAGE_1G, PAGE_1G), TYPE_UC);
		types(0, bad[i] | ENABLED);
		(void)take();
		cr_expect_eq(mtrr_type(PAGE_1G, PAGE_1G), TYPE_UC);
	}
	types(0, TYPE_WC | ENABLED);
	(void)take();
	cr_expect_eq(mtrr_type(PAGE_1G, PAGE_1G), TYPE_WC);
	types(0, TYPE_WP | ENABLED);
	(void)take();
	cr_expect_eq(mtrr_type(PAGE_1G, PAGE_1G), TYPE_WP);
}

Test(mtrr, changes_are_told)
{
	types(2, TYPE_WB | ENABLED);
	cr_expect(take(), "from nothing");
	cr_expect(!take(), "the same");
	range(1, PAGE_1G, PAGE_1G, TYPE_UC);
	cr_expect(take());
	cr_expect(!take());
	msrs[DEFAULT] &= ~(uint64_t)ENABLED;
	cr_expect(take());
}
