/* SPDX-License-Identifier: MIT */
/*
 * Is what is mapped what may be? Both sets of page tables are walked after each load, and before each CPU
 * becomes a guest, on that CPU: guests do not see the tables.
 */
#include <string.h>

#include "drivers/common/internal.h"
#include "lib/map_rule.h"

#define STACK_ALIGN 16u

struct check {
	struct core *core;
	enum plinth_map_table table;
	uint64_t stack_top; /* 0: none to be looked at */
};

static int refuse_mapping(const struct check *check, uint64_t va, const char *what)
{
	report_line(check->core->report,
		    "0x%llx (%s) in the %s tables is %s: the VMM is not started like that",
		    (unsigned long long)va, maps_name(check->core, va), map_table_name(check->table), what);
	return PLINTH_E_INVAL;
}

static int judge_leaf(void *ctx, const struct pt_leaf *leaf)
{
	const struct check *check = ctx;
	const char *what = map_forbidden(leaf->flags);

	if (what)
		return refuse_mapping(check, leaf->va, what);
	if (leaf->va < check->core->slot_va || leaf->va + leaf->bytes > check->core->slot_va + SLOT_BYTES)
		return refuse_mapping(check, leaf->va, "outside the VMM's addresses");
	return 0;
}

/* Of the root tables: nothing of the kernel may be there. */
static int judge_upper_half(const struct check *check)
{
	const uint64_t *top = core_root_pgd(check->core);

	for (uint32_t i = PT_ENTRIES / 2; i < PT_ENTRIES; i++)
		if (top[i] & PT_BIT_PRESENT)
			return refuse_mapping(
				check,
				-((uint64_t)(PT_ENTRIES - i) << (12 + 9 * (check->core->tables.levels - 1))),
				"the kernel's");
	return 0;
}

/* In both tables: the start runs on it with one, exits with the other. */
static int judge_stack(const struct check *check, const struct pt *pt)
{
	struct pt_leaf leaf;

	if (!check->stack_top)
		return 0;
	if (check->stack_top % STACK_ALIGN || check->stack_top - check->core->slot_va > SLOT_BYTES ||
	    pt_find(pt, check->stack_top - STACK_ALIGN, &leaf) || !(leaf.flags & PT_WRITE))
		return refuse_mapping(check, check->stack_top, "no stack");
	return 0;
}

/* What both tables have below entries that are the same they share: it has been looked at. */
static bool is_judged(const struct core *core, enum plinth_map_table table)
{
	return table == PLINTH_MAP_LAUNCH && !memcmp(core_launch_pgd(core), core_root_pgd(core), OS_PAGE / 2);
}

static int check_here(void *arg)
{
	struct check *check = arg;
	int err = 0;

	for (uint32_t table = 0; !err && table < PLINTH_MAP_TABLES; table++) {
		const struct pt pt = page_tables_of(check->core, table);

		check->table = table;
		if (!is_judged(check->core, table))
			err = pt_walk(&pt, judge_leaf, check);
		if (!err && table == PLINTH_MAP_ROOT)
			err = judge_upper_half(check);
		if (!err)
			err = judge_stack(check, &pt);
	}
	return err;
}

int map_check(void *ctx)
{
	struct check check = {.core = ctx};
	uint32_t cpu;
	int err = vmm_any_cpu(ctx, &cpu);

	return err ? err : os_run_on(cpu, check_here, &check);
}

int map_check_start(struct core *core, uint32_t cpu, uint64_t stack_top)
{
	struct check check = {.core = core, .stack_top = stack_top};

	if (!stack_top) {
		report_line(core->report,
			    "CPU %u: the shared region names no stack: the VMM is not started like that",
			    cpu);
		return PLINTH_E_INVAL;
	}
	return os_run_on(cpu, check_here, &check);
}
