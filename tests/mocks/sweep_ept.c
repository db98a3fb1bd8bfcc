/* SPDX-License-Identifier: MIT */
/*
 * What second-level translation gives a guest: every page of the VMM is hidden, all else is there
 * one to one, and what the guest tries with a hidden page ends as the documentation says. The
 * tables are read by the model's walker.
 */
#include "exits.h"

#include "drivers/common/internal.h"
#include "lib/pagetable.h"
#include "model/translation.h"

#define PAGE 4096ull

static bool within_space(enum space_id id, uint64_t va)
{
	const struct space_region *region = &machine.core->space[id];

	return va - region->va < region->pages * PAGE;
}

/* What the guest does, if the translation does not let it: an exit, and #GP; nothing becomes visible. */
static void try_access(uint64_t gpa, uint32_t access)
{
	struct translation before = translation_of(0, gpa), after;
	struct model_exit exit = {
		.kind = PLINTH_EXIT_SLAT_VIOLATION, .physical = gpa, .length = 3, .access = access};

	if (access & before.access)
		return;
	exits_put_guest(0);
	sweep_label("physical 0x%llx, access %u of %u", (unsigned long long)gpa, access, before.access);
	exits_try(0, &exit);
	after = translation_of(0, gpa);
	cr_expect_eq(after.access, before.access, "%s: now it may do %u", sweep_case(), after.access);
	cr_expect_eq(after.pa, before.pa, "%s: now it sees another page", sweep_case());
}

#define LOW_PAGES 0x20000u /* of physical memory: all that the machine has given out */

/* The scratch page, which stands for all hidden ones. */
static uint64_t scratch;
static unsigned int n_shared, n_theirs; /* n_theirs: pages that the guest may have */
static bool vmm_page[LOW_PAGES];

static void expect_scratch(uint64_t pa, struct translation t)
{
	scratch = scratch ? scratch : t.pa;
	cr_expect_eq(t.pa, scratch, "0x%llx: not the scratch page", (unsigned long long)pa);
	cr_expect_eq(t.access, READ | WRITE, "0x%llx: hidden with access %u", (unsigned long long)pa,
		     t.access);
}

static void expect_itself(uint64_t pa, struct translation t, uint32_t access)
{
	cr_expect_eq(t.pa, pa, "0x%llx leads to 0x%llx", (unsigned long long)pa, (unsigned long long)t.pa);
	cr_expect_eq(t.access, access, "0x%llx: access %u instead of %u", (unsigned long long)pa, t.access,
		     access);
}

static int check_leaf(void *ctx, const struct pt_leaf *leaf)
{
	struct translation t = translation_of(0, leaf->pa);

	(void)ctx;
	cr_assert_lt(leaf->pa / PAGE, LOW_PAGES);
	vmm_page[leaf->pa / PAGE] = true;
	if (within_space(SPACE_SHARED, leaf->va)) {
		expect_itself(leaf->pa, t, READ);
		n_shared++;
	} else if (within_space(SPACE_TUNING, leaf->va) || within_space(SPACE_MAILBOX, leaf->va)) {
		expect_itself(leaf->pa, t, READ | WRITE | FETCH);
		n_theirs++;
	} else {
		expect_scratch(leaf->pa, t);
	}
	for (uint32_t access = READ; access <= FETCH; access <<= 1)
		try_access(leaf->pa, access);
	return 0;
}

/* The neighbours of the VMM's pages, which lay in the same large page: nobody hid them. */
static void check_neighbours(void)
{
	for (uint64_t i = 0; i < LOW_PAGES; i++)
		if (!vmm_page[i])
			expect_itself(i * PAGE, translation_of(0, i * PAGE), READ | WRITE | FETCH);
}

Test(ept, vmm_hidden)
{
	struct pt pt;

	exits_power_on(&model_kinds[0]);
	pt = (struct pt){
		.root_pa = machine.core->tables.root_pa, .levels = machine.levels, .table = machine_table};
	cr_assert_eq(pt_walk(&pt, check_leaf, NULL), 0);
	cr_expect_eq(n_shared, machine.core->space[SPACE_SHARED].pages);
	cr_expect_eq(n_theirs, 2u);
	cr_expect(vmm_page[os_virt_to_phys(core_launch_pgd(machine.core)) / PAGE],
		  "the launch tables are among them");
	check_neighbours();
	sweep_report("what a guest tries with the VMM's pages");
}

/* Memory of the machine, devices, what no CPU of this width can name. */
Test(ept, everything_else)
{
	static const uint64_t addresses[] = {
		0,	     0x1000,	   0x9f000,	 0xa0000,      0xfffff000,     0x100000000,
		0x7fffff000, 0x4000000000, 0x7ffffff000, 0x8000000000, 0xffffffffff000};

	exits_power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		uint64_t gpa = addresses[i];

		if (gpa >> model.kind->physical_bits) {
			cr_expect_eq(translation_of(0, gpa & ((1ull << 48) - 1)).access, 0,
				     "0x%llx is mapped", (unsigned long long)gpa);
			for (uint32_t access = READ; access <= FETCH; access <<= 1)
				try_access(gpa, access);
		} else {
			sweep_count();
			expect_itself(gpa, translation_of(0, gpa), READ | WRITE | FETCH);
		}
	}
	sweep_report("physical memory that is not the VMM's");
}
