/* SPDX-License-Identifier: MIT */
/*
 * The comparison itself: one thing at a time is changed behind everybody's back, on a machine that is
 * loaded or not, and the comparison names it. What it does not see no sweep sees.
 */
#include "sweep.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "model/vmx/vmx.h"

#define VICTIM 1u      /* CPU */
#define REGION 0x8000u /* physical memory that nobody allocates */

static struct model_cpu *cpu(void)
{
	return &model.cpu[VICTIM];
}

static struct plinth_shared_cpu *block(void)
{
	return plinth_shared_cpu(core_shared_region(machine.core), VICTIM);
}

static void page_leaks(void)
{
	cr_assert_not_null(os_alloc_pages(1, OS_PAGE));
}

/* The last level's entry of an address in the VMM's slot, below both top levels. */
static uint64_t *entry_of(uint64_t va)
{
	uint64_t table = machine.core->tables.root_pa;

	for (unsigned int shift = 39; shift > 12; shift -= 9)
		table = ((uint64_t *)model.physical(table))[va >> shift & 511] & PT_BITS_ADDRESS;
	return &((uint64_t *)model.physical(table))[va >> 12 & 511];
}

static void page_mapped(void)
{
	uint64_t *free = entry_of(machine.core->space[SPACE_BOOT].va);

	while (*free)
		free++;
	*free = 0x1000 | PT_BIT_PRESENT;
}

static void page_writable(void)
{
	*entry_of(machine.core->space[SPACE_BOOT].va) ^= PT_BIT_WRITE;
}

static void root_emptied(void)
{
	((uint64_t *)model.physical(machine.core->tables.root_pa))[machine.core->slot_va >> 39 & 511] = 0;
}

/* Each record that is being written, or was overwritten half way, has another number than its place. */
static void record_torn(void)
{
	struct plinth_shared_cpu *ring = plinth_shared_cpu(core_shared_region(machine.core), 0);

	cr_assert(ring->log_head);
	ring->log[(ring->log_head - 1) % PLINTH_LOG_RECORDS].sequence = 0;
}

/* As after a start whose other traces are gone. */
static void vmcs_activated(void)
{
	struct model_cpu before = *cpu();

	model.here = VICTIM;
	cpu()->virt_on = true;
	*(uint32_t *)model.physical(REGION) = (uint32_t)(model.kind->caps.basic & 0x7fffffff);
	cr_assert_eq(model_vmclear(REGION), 0);
	cr_assert_eq(model_vmptrld(REGION), 0);
	*cpu() = before;
}

/* The rows are in both lists in the same order. */
static void do_change(unsigned int number)
{
	unsigned int row = 0;

#define CHANGE(what, loaded, says)                                                                           \
	if (row++ == number)                                                                                 \
		what;
#include "changes.def"
#undef CHANGE
}

static const struct {
	const char *what, *says;
	bool loaded;
} changes[] = {
#define CHANGE(what, loaded, says) {#what, says, loaded},
#include "changes.def"
#undef CHANGE
};

#define N_CHANGES (sizeof(changes) / sizeof(changes[0]))

static void expect_named(unsigned int number)
{
	struct machine_world before, after;
	const char *differs;

	machine_snapshot(&before);
	machine_snapshot(&after);
	cr_expect_null(machine_compare(&before, &after), "%s: differs before anything was changed",
		       sweep_case());
	do_change(number);
	machine_snapshot(&after);
	differs = machine_compare(&before, &after);
	cr_expect(differs && !strcmp(differs, changes[number].says), "%s: the comparison says \"%s\"",
		  sweep_case(), differs ? differs : "nothing");
}

Test(world, every_change_is_named)
{
	for (unsigned int i = 0; i < N_CHANGES; i++) {
		sweep_label("%s", changes[i].what);
		sweep_count();
		machine_reset(&model_kinds[0], 2);
		if (changes[i].loaded) {
			cr_assert_eq(sweep_warm(), 0, "%s", machine.report.text);
			model.violations = 0;
		}
		expect_named(i);
	}
	sweep_report("changes that the comparison of worlds names");
}
