/* SPDX-License-Identifier: MIT */
/* Second-level translation that several CPUs ask for, and change, at once. */
#include <string.h>

#include <plinth/slat.h>

#include "cpus.h"
#include "drivers/common/internal.h"
#include "lib/pagetable.h"
#include "model/internal.h"
#include "model/translation.h"
#include "scenario_ept.h"
#include "sched.h"
#include "vmm.h"

#define PAGE	   4096ull
#define PAGE_1G	   (1ull << 30)
#define KERNEL_RIP 0xffffffff81000000ull

#define FIRST_GIB 5u /* not mapped at first where the CPU has no 1 GiB pages */
#define GIBS	  2u

static uint64_t sent[MODEL_CPUS]; /* writes of a trapped page, by CPU */

static uint64_t draw_gpa(void)
{
	return FIRST_GIB * PAGE_1G + sched_random() % (GIBS * PAGE_1G / PAGE) * PAGE;
}

/* A kind of CPU whose every further GiB costs a table. */
void ept_prepare(void)
{
	const struct model_change small = {
		.kind = model.kind->name, .address_bits = model.kind->physical_bits, .lacks = MODEL_LACKS_1G};

	memset(sent, 0, sizeof(sent));
	model.kind = model_changed(&small);
}

static void touch_gpa(uint32_t number)
{
	struct model_exit violation = {
		.kind = PLINTH_EXIT_SLAT_VIOLATION, .access = READ, .length = 3, .physical = draw_gpa()};

	if (os_slat_gib_pages())
		return;
	model.cpu[number].rip = KERNEL_RIP;
	if (cpus_exit(number, &violation) != MODEL_GUEST)
		cpus_complain("CPU %u: a violation ended the guest", number);
}

/* Pages of this CPU alone, among those that all touch. */
static void allow_page(uint32_t number)
{
	uint64_t gpa = draw_gpa() & ~(7 * PAGE);

	uint64_t answer = cpus_order(number, VMM_PAGE, gpa + 2 * number * PAGE, SLAT_READ);

	if (answer != VMM_OK && answer != VMM_FULL)
		cpus_complain("CPU %u: slat_map(): answer %llu", number, (unsigned long long)answer);
}

/* Nothing is allowed there, and stays so, whoever says it again; each access is seen once. */
static void write_trapped(uint32_t number)
{
	struct model_exit violation = {.kind = PLINTH_EXIT_SLAT_VIOLATION,
				       .access = WRITE,
				       .length = 3,
				       .physical = VMM_TRAPPED + 8 * number};

	if (cpus_order(number, VMM_PAGE, VMM_TRAPPED, 0) != VMM_OK)
		return;
	model.cpu[number].rip = KERNEL_RIP;
	if (cpus_exit(number, &violation) != MODEL_GUEST)
		cpus_complain("CPU %u: a write of a trapped page ended the guest", number);
	else if (model.cpu[number].rip != KERNEL_RIP + 3)
		cpus_complain("CPU %u: nobody did its write of a trapped page", number);
	else
		sent[number]++;
}

void ept_act(uint32_t cpu, uint32_t left)
{
	(void)left;
	switch (sched_random() % 6) {
	case 0: allow_page(cpu); break;
	case 1: write_trapped(cpu); break;
	default: touch_gpa(cpu); break;
	}
}

static uint64_t scratch; /* what is there in place of every page of the VMM's */

static int expect_hidden(void *ctx, const struct pt_leaf *leaf)
{
	const struct space_region *space = machine.core->space;
	uint64_t hpa = 0;
	uint32_t access = 0;

	(void)ctx;
	if (leaf->va - space[SPACE_SHARED].va < space[SPACE_SHARED].pages * PAGE ||
	    leaf->va == space[SPACE_TUNING].va || leaf->va == space[SPACE_MAILBOX].va)
		return 0;
	if (slat_get(slat_host(), leaf->pa, &hpa, &access))
		access = SLAT_EXECUTE;
	scratch = scratch ? scratch : hpa;
	if (hpa != scratch || access & SLAT_EXECUTE)
		cpus_complain("the guest reaches the VMM's page 0x%llx: it finds 0x%llx, access %u",
			      (unsigned long long)leaf->pa, (unsigned long long)hpa, access);
	return 0;
}

void ept_check(void)
{
	const struct pt pt = {
		.root_pa = machine.core->tables.root_pa, .levels = machine.levels, .table = machine_table};

	uint64_t all = 0;

	for (uint32_t i = 0; i < model.n_cpus; i++)
		all += sent[i];
	if (all != vmm_trapped())
		cpus_complain("%llu writes of a trapped page, %llu seen", (unsigned long long)all,
			      (unsigned long long)vmm_trapped());
	scratch = 0;
	if (pt_walk(&pt, expect_hidden, NULL))
		cpus_complain("the VMM's page tables are bad");
}
