/* SPDX-License-Identifier: MIT */
/*
 * "Out of memory" of the VMM's: of the heap, which the user chooses; of the pool's pages, which this core
 * counts for the modules that come with Plinth; of addresses, where what was given back may still wait. What
 * helps is said here alone.
 */
#include "drivers/common/internal.h"
#include "lib/format.h"

static uint64_t value(const uint64_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_RELAXED);
}

/* Counted from the newest load on: there it begins with 0. */
void shortage_mark(struct core *core)
{
	const struct plinth_shared *shared = core_shared_region(core);

	core->shortages = shared ? value(&shared->shortage.times) : 0;
}

static const char *name(const struct core *core, uint64_t row)
{
	return row < core->n_modules && row < PLINTH_MEMORY_MODULES - 1 ? core->modules[row].about.name
									: "a module";
}

/* clang-format off */
static const char of_heap[] =
	"the heap of %llu KiB is used up (%s wanted %llu bytes, %s has most): load with a larger heap";
static const char of_pages[] =
	"the pool of %llu pages is used up (%s wanted %llu more, %s has most), and a larger heap does not help: load "
	"without modules of your own, or without optional ones; with Plinth's alone it is a defect: report it";
static const char of_addresses[] =
	"the VMM's addresses are used up (%llu in a row wanted): stop and start, then what was given back can be used; "
	"if that does not help, load without modules of your own";
/* clang-format on */

const char *shortage_advice(const struct core *core, char *text, size_t bytes)
{
	const struct plinth_shortage *shortage = &core_shared_region(core)->shortage;
	const char *by = name(core, value(&shortage->by)), *most = name(core, value(&shortage->most));
	unsigned long long wanted = value(&shortage->wanted);

	if (value(&shortage->times) == core->shortages)
		return NULL;
	switch (value(&shortage->kind)) {
	case PLINTH_SHORTAGE_HEAP:
		plinth_snprintf(text, bytes, of_heap, (unsigned long long)core->heap_bytes / 1024, by, wanted,
				most);
		return text;
	case PLINTH_SHORTAGE_PAGES:
		plinth_snprintf(text, bytes, of_pages, (unsigned long long)core->space[SPACE_POOL].pages, by,
				wanted, most);
		return text;
	case PLINTH_SHORTAGE_ADDRESSES: plinth_snprintf(text, bytes, of_addresses, wanted); return text;
	default: return NULL;
	}
}
