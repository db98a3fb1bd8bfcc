/* SPDX-License-Identifier: MIT */
/*
 * What is mapped, as both sets of page tables say: shown on request, and checked after each
 * load and before each CPU becomes a guest, on that CPU: guests do not see the tables. Once
 * all CPUs are guests only the VMM can say what is mapped, so it is asked.
 */
#include <string.h>

#include "drivers/common/internal.h"
#include "lib/map_rule.h"

#define UPPER_HALF  (1ull << 63)
#define STACK_ALIGN 16u

static const char *const space_names[SPACE_COUNT] = {
	[SPACE_BOOT] = "boot",
	[SPACE_STACK] = "boot stack",
	[SPACE_SHARED] = "shared",
	[SPACE_TUNING] = "tuning",
	[SPACE_MAILBOX] = "mailbox",
	[SPACE_SLOTS] = "bindings",
	[SPACE_CLAIMS] = "bindings done",
	[SPACE_TABLES] = "lists",
	[SPACE_LAUNCH] = "launch tables",
	[SPACE_POOL] = "pool",
};

static uint64_t *pool_page(const struct core *core, uint64_t i)
{
	return (uint64_t *)((uint8_t *)core->space[SPACE_POOL].kernel + i * OS_PAGE);
}

/* A table that the memory module made of any page of the pool: looked for once. */
static uint64_t *discover(struct core *core, uint64_t pa)
{
	for (uint64_t i = core->n_tables; i < core->space[SPACE_POOL].pages; i++) {
		if (os_virt_to_phys(pool_page(core, i)) != pa)
			continue;
		if (core->n_known < core->max_tables)
			core->table[core->n_known++] = (struct core_table){.pa = pa, .page = i};
		return pool_page(core, i);
	}
	return NULL;
}

static uint64_t *reach(void *ctx, uint64_t pa)
{
	struct core *core = ctx;

	for (uint64_t i = 0; i < core->n_known; i++)
		if (core->table[i].pa == pa)
			return pool_page(core, core->table[i].page);
	if (pa == os_virt_to_phys(core_launch_pgd(core)))
		return core_launch_pgd(core);
	return discover(core, pa);
}

static struct pt tables_of(struct core *core, enum plinth_map_table table)
{
	return (struct pt){
		.root_pa = table == PLINTH_MAP_LAUNCH ? os_virt_to_phys(core_launch_pgd(core))
						      : core->tables.root_pa,
		.levels = core->levels,
		.table = reach,
		.ctx = core,
	};
}

static const char *name_of(const struct core *core, uint64_t va)
{
	if (va >= UPPER_HALF)
		return "kernel";
	for (uint32_t i = 0; i < core->n_modules; i++) {
		const struct core_module *module = &core->modules[i];

		if (va - module->slots_va < module->slots_bytes)
			return module->slots_name;
		if (va - module->about.base_va < module->about.bytes)
			return module->about.name;
	}
	for (uint32_t i = 0; i < SPACE_COUNT; i++)
		if (va - core->space[i].va < core->space[i].pages * OS_PAGE)
			return space_names[i];
	return "VMM";
}

/* -- one row ------------------------------------------------------------------- */

struct question {
	struct core *core;
	enum plinth_map_table table;
	uint64_t from;
	struct plinth_ctl_map *out;
};

static int read_here(void *arg)
{
	const struct question *q = arg;
	const struct pt pt = tables_of(q->core, q->table);
	struct pt_run run;
	int err = pt_next(&pt, q->from, &run);

	if (err)
		return err;
	q->out->va = run.va;
	q->out->bytes = run.bytes;
	q->out->flags = run.flags;
	return 0;
}

static int ask_here(void *arg)
{
	const struct question *q = arg;

	return os_vmm_map(q->core->stop_token, q->table, q->from, q->out);
}

/* Pages of jump slots get a row of their own, also while they allow the same as the data before them. */
static void cut_at_slots(const struct core *core, struct plinth_ctl_map *row)
{
	for (uint32_t i = 0; i < core->n_modules; i++) {
		const struct core_module *module = &core->modules[i];
		uint64_t start = module->slots_va - row->va;
		uint64_t end = start + module->slots_bytes;

		if (module->slots_bytes && start && start < row->bytes)
			row->bytes = start;
		else if (module->slots_bytes && end && end < row->bytes)
			row->bytes = end;
	}
}

/* PLINTH_E_FAULT: there are no more. Of the launch tables' upper half the kernel is the master. */
static int next_row(const struct question *q, int (*fn)(void *), uint32_t cpu)
{
	int result = 0;
	int err = os_run_on(cpu, fn, (void *)q, &result);

	if (!err)
		err = result;
	if (!err && q->table == PLINTH_MAP_LAUNCH && q->out->va >= UPPER_HALF)
		err = PLINTH_E_FAULT;
	if (err)
		return err;
	q->out->table = q->table;
	cut_at_slots(q->core, q->out);
	note_copy_text(q->out->name, name_of(q->core, q->out->va), sizeof(q->out->name));
	return 0;
}

/* -- the list ---------------------------------------------------------------- */

struct listing {
	uint8_t *out;
	uint64_t room, count;
	size_t item_bytes;
};

static void put(struct listing *l, const struct plinth_ctl_map *row)
{
	if (l->count < l->room)
		memcpy(l->out + l->count * l->item_bytes, row,
		       l->item_bytes < sizeof(*row) ? l->item_bytes : sizeof(*row));
	l->count++;
}

static int list_table(struct core *core, struct listing *l, enum plinth_map_table table)
{
	struct plinth_ctl_map row = {0};
	struct question q = {.core = core, .table = table, .out = &row};
	bool running = core->state == PLINTH_RUNNING;
	uint32_t cpu;
	int err = running ? cpus_any_guest(core, &cpu) : vmm_any_cpu(core, &cpu);

	while (!err) {
		err = next_row(&q, running ? ask_here : read_here, cpu);
		if (!err)
			put(l, &row);
		q.from = row.va + row.bytes;
		/* The last address there is. */
		if (!err && !q.from)
			break;
	}
	return err == PLINTH_E_FAULT ? 0 : err;
}

uint64_t core_maps(struct core *core, void *out, uint64_t room, size_t item_bytes)
{
	struct listing l = {.out = out, .room = room, .item_bytes = item_bytes};
	int err = 0;

	core_lock();
	if (core->state != PLINTH_LOADED && core->state != PLINTH_RUNNING)
		err = PLINTH_E_STATE;
	for (uint32_t table = 0; !err && table < PLINTH_MAP_TABLES; table++)
		err = list_table(core, &l, table);
	core_unlock();
	return err ? 0 : l.count;
}

/* -- the check ---------------------------------------------------------------- */

struct check {
	struct core *core;
	enum plinth_map_table table;
	uint64_t stack_top; /* 0: none to be looked at */
};

static int refuse_mapping(const struct check *check, uint64_t va, const char *what)
{
	report_line(check->core->report,
		    "0x%llx (%s) in the %s tables is %s: the VMM is not started like that",
		    (unsigned long long)va, name_of(check->core, va), map_table_name(check->table), what);
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

/* Of the root tables, whose first page is the pool's: nothing of the kernel may be there. */
static int judge_upper_half(const struct check *check)
{
	const uint64_t *top = pool_page(check->core, 0);

	for (uint32_t i = PT_ENTRIES / 2; i < PT_ENTRIES; i++)
		if (top[i] & PT_BIT_PRESENT)
			return refuse_mapping(
				check, -((uint64_t)(PT_ENTRIES - i) << (12 + 9 * (check->core->levels - 1))),
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

static int check_here(void *arg)
{
	struct check *check = arg;
	int err = 0;

	for (uint32_t table = 0; !err && table < PLINTH_MAP_TABLES; table++) {
		const struct pt pt = tables_of(check->core, table);

		check->table = table;
		err = pt_walk(&pt, judge_leaf, check);
		if (!err && table == PLINTH_MAP_ROOT)
			err = judge_upper_half(check);
		if (!err)
			err = judge_stack(check, &pt);
	}
	return err;
}

static int check_on(struct check *check, uint32_t cpu)
{
	int result = 0;
	int err = os_run_on(cpu, check_here, check, &result);

	return err ? err : result;
}

int maps_check(struct core *core, uint32_t cpu)
{
	struct check check = {.core = core};

	return check_on(&check, cpu);
}

int maps_check_stack(struct core *core, uint32_t cpu, uint64_t stack_top)
{
	struct check check = {.core = core, .stack_top = stack_top};

	if (!stack_top) {
		report_line(core->report,
			    "CPU %u: the shared region names no stack: the VMM is not started like that",
			    cpu);
		return PLINTH_E_INVAL;
	}
	return check_on(&check, cpu);
}

int maps_check_any(void *ctx)
{
	struct core *core = ctx;
	uint32_t cpu;
	int err = vmm_any_cpu(core, &cpu);

	return err ? err : maps_check(core, cpu);
}
