/* SPDX-License-Identifier: MIT */
/* What can be asked in every state. */
#include <string.h>

#include "drivers/common/internal.h"

bool core_is_corrupt(const struct core *core)
{
	return core->state == PLINTH_CORRUPT;
}

static uint32_t count_online(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < os_cpu_count(); i++)
		n += os_cpu_is_online(i);
	return n;
}

static void fill_loaded(const struct core *core, struct plinth_ctl_status *out)
{
	out->slot_va = core->slot_va;
	out->base_va = core->base_va;
	out->end_va = core->end_va;
	out->heap_bytes = core->heap_bytes;
	out->link_plan = core->link_plan;
	out->pool_bytes = core->space[SPACE_POOL].pages * OS_PAGE;
	out->shared_bytes = core->space[SPACE_SHARED].pages * OS_PAGE;
	for (uint32_t i = 0; i < core->n_modules; i++)
		out->image_bytes += core->modules[i].about.bytes;
}

void core_status(struct core *core, struct plinth_ctl_status *out)
{
	uint32_t size = out->size;

	core_lock();
	*out = (struct plinth_ctl_status){
		.size = size,
		.state = core->state,
		.module_abi = PLINTH_MODULE_ABI,
		.n_cpus = os_cpu_count(),
		.n_online = count_online(),
		.n_guests = cpus_guests(core),
		.n_modules = core->n_modules,
		.memory_bytes = core->pages_held * OS_PAGE,
		.link_ticks = core->link_ticks,
		.load_ticks = core->load_ticks,
		.start_ticks = core->start_ticks,
		.stop_ticks = core->stop_ticks,
	};
	if (core->n_modules)
		fill_loaded(core, out);
	core_unlock();
}

uint64_t core_modules(struct core *core, void *out, uint64_t room, size_t item_bytes)
{
	size_t bytes =
		item_bytes < sizeof(struct plinth_ctl_module) ? item_bytes : sizeof(struct plinth_ctl_module);
	uint64_t count;

	os_lock();
	count = core->n_modules;
	for (uint32_t i = 0; i < count && i < room; i++) {
		struct plinth_ctl_module about = core->modules[i].about;

		lazy_describe(core, i, &about);
		memcpy((uint8_t *)out + i * item_bytes, &about, bytes);
	}
	os_unlock();
	return count;
}

/*
 * A copy of a ring is not whole where the VMM wrote meanwhile: a record that is another one now, or none, is
 * none in the copy, too. Records begin with their numbers.
 */
static void drop_torn(uint8_t *copy, const uint8_t *shared, uint64_t offset, uint64_t records,
		      uint64_t record_bytes, uint64_t room)
{
	for (uint64_t i = 0; i < records && offset + record_bytes <= room; i++, offset += record_bytes) {
		uint64_t now;

		plinth_words_load(&now, shared + offset, 1);
		if (memcmp(&now, copy + offset, sizeof(now)))
			memset(copy + offset, 0, sizeof(now));
	}
}

static void copy_shared(uint8_t *copy, struct plinth_shared *shared, uint32_t n_cpus, uint64_t room)
{
	const uint8_t *from = (const uint8_t *)shared;
	uint64_t last;

	plinth_words_load(copy, from, room / sizeof(last));
	if (room % sizeof(last)) {
		plinth_words_load(&last, from + room / sizeof(last) * sizeof(last), 1);
		memcpy(copy + room / sizeof(last) * sizeof(last), &last, room % sizeof(last));
	}
	for (uint32_t i = 0; i < n_cpus; i++) {
		uint64_t block = (uint64_t)((const uint8_t *)plinth_shared_own(shared, i) - from);

		drop_torn(copy, from, block + offsetof(struct plinth_shared_cpu, log), PLINTH_LOG_RECORDS,
			  sizeof(struct plinth_log_record), room);
		drop_torn(copy, from, block + offsetof(struct plinth_shared_cpu, trace), PLINTH_TRACE_RECORDS,
			  sizeof(struct plinth_trace_record), room);
	}
}

uint64_t core_shared(struct core *core, void *out, uint64_t room)
{
	const struct space_region *shared = &core->space[SPACE_SHARED];
	uint64_t bytes;

	os_lock();
	bytes = shared->kernel ? shared->pages * OS_PAGE : 0;
	if (bytes && room)
		copy_shared(out, shared->kernel, core->n_cpus, bytes < room ? bytes : room);
	os_unlock();
	return bytes;
}
