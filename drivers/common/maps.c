/* SPDX-License-Identifier: MIT */
/*
 * What is mapped, as both sets of page tables say, row by row. Guests do not see the tables: once all CPUs
 * are guests only the VMM can say what is mapped, so it is asked.
 */
#include <string.h>

#include "drivers/common/internal.h"

const char *maps_name(const struct core *core, uint64_t va)
{
	if (va >= CORE_UPPER_HALF)
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
			return region_kinds[i].name;
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
	const struct pt pt = page_tables_of(q->core, q->table);
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
	int err = os_run_on(cpu, fn, (void *)q);

	if (!err && q->table == PLINTH_MAP_LAUNCH && q->out->va >= CORE_UPPER_HALF)
		err = PLINTH_E_FAULT;
	if (err)
		return err;
	q->out->table = q->table;
	cut_at_slots(q->core, q->out);
	note_copy_text(q->out->name, maps_name(q->core, q->out->va), sizeof(q->out->name));
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
