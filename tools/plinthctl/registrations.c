/* SPDX-License-Identifier: MIT */
#include "registrations.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "foreign.h"
#include "lib/exit_kind.h"
#include "output.h"

int registrations_get(const struct plinth_ctl_module *modules, uint64_t n_modules, struct registrations *out)
{
	struct plinth_ctl_call call = {
		.size = sizeof(call),
		.cpu = PLINTH_CALL_HERE,
		.name = PLINTH_CALL_REGISTRATIONS,
		.out = (uintptr_t)out->rows,
		.room = sizeof(out->rows),
	};

	if (device_call("modules", PLINTH_CTL_CALL, &call))
		return -1;
	out->n = call.out_bytes / sizeof(out->rows[0]);
	out->modules = modules;
	out->n_modules = n_modules;
	return 0;
}

/* -- whose, and who else -------------------------------------------------------------------- */

static bool owns_handler(const struct plinth_ctl_module *module, const struct plinth_ctl_registration *row)
{
	return row->handler - module->base_va < module->bytes;
}

static const char *owner_name(const struct registrations *all, const struct plinth_ctl_registration *row)
{
	for (uint64_t i = 0; i < all->n_modules; i++)
		if (owns_handler(&all->modules[i], row))
			return all->modules[i].name;
	return "?";
}

static uint32_t leaf_of(uint64_t number)
{
	return (uint32_t)(number >> 32);
}

static uint32_t subleaf_of(uint64_t number)
{
	return (uint32_t)number;
}

static bool ranges_meet(uint64_t a_first, uint64_t a_last, uint64_t b_first, uint64_t b_last)
{
	return a_first <= b_last && b_first <= a_last;
}

/* Is there anything that both are asked about? */
static bool share(const struct plinth_ctl_registration *a, const struct plinth_ctl_registration *b)
{
	const uint64_t *p = a->range, *q = b->range;

	if (a == b)
		return true;
	if (a->sort != b->sort || a->sort == PLINTH_REGISTERED_NAME || !(a->what & b->what))
		return false;
	if (a->sort != PLINTH_REGISTERED_CPUID)
		return ranges_meet(p[0], p[1], q[0], q[1]);
	return ranges_meet(leaf_of(p[0]), leaf_of(p[1]), leaf_of(q[0]), leaf_of(q[1])) &&
	       ranges_meet(subleaf_of(p[0]), subleaf_of(p[1]), subleaf_of(q[0]), subleaf_of(q[1]));
}

/*
 * Those who share something with a row, itself among them, in the order in which they act: the newest first,
 * but a CPUID's answer goes up from the oldest. Returns how many.
 */
static uint64_t chain_of(const struct registrations *all, const struct plinth_ctl_registration *row,
			 const struct plinth_ctl_registration **chain)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < all->n; i++) {
		const uint64_t at = row->sort == PLINTH_REGISTERED_CPUID ? i : all->n - 1 - i;

		if (share(row, &all->rows[at]))
			chain[n++] = &all->rows[at];
	}
	return n;
}

/* -- for people ------------------------------------------------------------------------------ */

static void print_range(const char *what, uint64_t first, uint64_t last)
{
	printf("%s %#" PRIx64, what, first);
	if (first != last)
		printf(" to %#" PRIx64, last);
}

static void print_kinds(const struct plinth_ctl_registration *row)
{
	printf("exits %s", exit_kind_name((uint32_t)row->range[0]));
	if (row->range[0] != row->range[1])
		printf(" to %s", exit_kind_name((uint32_t)row->range[1]));
}

static void print_leaves(const struct plinth_ctl_registration *row)
{
	const uint32_t first = subleaf_of(row->range[0]), last = subleaf_of(row->range[1]);

	print_range("CPUID", leaf_of(row->range[0]), leaf_of(row->range[1]));
	if (first || last != UINT32_MAX)
		print_range(", subleaf", first, last);
}

static void print_msrs(const struct plinth_ctl_registration *row)
{
	const bool reads = row->what & PLINTH_REGISTERED_READ, writes = row->what & PLINTH_REGISTERED_WRITE;

	print_range(reads && writes ? "reads and writes of MSR"
		    : reads	    ? "reads of MSR"
				    : "writes of MSR",
		    row->range[0], row->range[1]);
}

static void print_hypercalls(const struct plinth_ctl_registration *row)
{
	print_range(row->what & PLINTH_REGISTERED_PROCESS ? "anybody's hypercall" : "the kernel's hypercall",
		    row->range[0], row->range[1]);
}

static void print_name(const struct plinth_ctl_registration *row)
{
	char name[PLINTH_CALL_NAME + 1] = {0};

	memcpy(name, row->name, sizeof(row->name));
	printf("messages to ");
	foreign_print(stdout, name);
}

static void print_row(const struct registrations *all, const struct plinth_ctl_registration *row)
{
	static void (*const print[PLINTH_REGISTERED_SORTS])(const struct plinth_ctl_registration *) = {
		[PLINTH_REGISTERED_EXIT] = print_kinds, [PLINTH_REGISTERED_CPUID] = print_leaves,
		[PLINTH_REGISTERED_MSR] = print_msrs,	[PLINTH_REGISTERED_HYPERCALL] = print_hypercalls,
		[PLINTH_REGISTERED_NAME] = print_name,
	};
	const struct plinth_ctl_registration *chain[REGISTRATIONS_MOST];
	const uint64_t n = chain_of(all, row, chain);

	printf("  registered ");
	print[row->sort](row);
	for (uint64_t i = 0; i < n && n > 1; i++)
		printf("%s%s", i ? ", " : "; in this order: ", owner_name(all, chain[i]));
	puts("");
}

static bool is_shown(const struct registrations *all, uint64_t module,
		     const struct plinth_ctl_registration *row)
{
	return row->sort < PLINTH_REGISTERED_SORTS && owns_handler(&all->modules[module], row);
}

void registrations_print(const struct registrations *all, uint64_t module)
{
	for (uint64_t i = 0; i < all->n; i++)
		if (is_shown(all, module, &all->rows[i]))
			print_row(all, &all->rows[i]);
}

/* -- for programs ------------------------------------------------------------------------------ */

static void add_range(struct json_object *item, const char *first_name, uint64_t first, const char *last_name,
		      uint64_t last)
{
	json_add_number(item, first_name, first);
	json_add_number(item, last_name, last);
}

static void add_what(struct json_object *item, const struct plinth_ctl_registration *row, const char *one,
		     const char *two)
{
	struct json_object *what = json_object_new_array();

	if (row->what & 1)
		json_object_array_add(what, json_object_new_string(one));
	if (row->what & 2)
		json_object_array_add(what, json_object_new_string(two));
	json_object_object_add(item, "of", what);
}

static void add_facts(struct json_object *item, const struct plinth_ctl_registration *row)
{
	const uint64_t *range = row->range;

	switch (row->sort) {
	case PLINTH_REGISTERED_EXIT:
		json_add_text(item, "first", exit_kind_name((uint32_t)range[0]));
		json_add_text(item, "last", exit_kind_name((uint32_t)range[1]));
		return;
	case PLINTH_REGISTERED_CPUID:
		add_range(item, "first", leaf_of(range[0]), "last", leaf_of(range[1]));
		add_range(item, "first_subleaf", subleaf_of(range[0]), "last_subleaf", subleaf_of(range[1]));
		return;
	case PLINTH_REGISTERED_MSR:
		add_range(item, "first", range[0], "last", range[1]);
		add_what(item, row, "reads", "writes");
		return;
	case PLINTH_REGISTERED_HYPERCALL:
		add_range(item, "first", range[0], "last", range[1]);
		add_what(item, row, "kernel", "processes");
		return;
	default: json_object_object_add(item, "name", foreign_json_n(row->name, sizeof(row->name)));
	}
}

static struct json_object *row_json(const struct registrations *all,
				    const struct plinth_ctl_registration *row)
{
	static const char *const sorts[PLINTH_REGISTERED_SORTS] = {
		[PLINTH_REGISTERED_EXIT] = "exits",    [PLINTH_REGISTERED_CPUID] = "cpuid",
		[PLINTH_REGISTERED_MSR] = "msrs",      [PLINTH_REGISTERED_HYPERCALL] = "hypercalls",
		[PLINTH_REGISTERED_NAME] = "messages",
	};
	const struct plinth_ctl_registration *chain[REGISTRATIONS_MOST];
	const uint64_t n = chain_of(all, row, chain);
	struct json_object *item = json_object_new_object(), *order = json_object_new_array();

	json_add_text(item, "sort", sorts[row->sort]);
	add_facts(item, row);
	json_add_number(item, "handler", row->handler);
	for (uint64_t i = 0; i < n; i++)
		json_object_array_add(order, foreign_json(owner_name(all, chain[i])));
	json_object_object_add(item, "order", order);
	return item;
}

struct json_object *registrations_json(const struct registrations *all, uint64_t module)
{
	struct json_object *list = json_object_new_array();

	for (uint64_t i = 0; i < all->n; i++)
		if (is_shown(all, module, &all->rows[i]))
			json_object_array_add(list, row_json(all, &all->rows[i]));
	return list;
}
