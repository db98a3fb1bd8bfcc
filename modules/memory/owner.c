/* SPDX-License-Identifier: MIT */
/* Whose memory it is: the module's from which the call came. */
#include <string.h>

#include "internal.h"

static const struct plinth_boot_module *modules;
static uint32_t n_modules;
static struct plinth_shared *shared;

void owner_init(const struct plinth_boot *boot)
{
	modules = (const struct plinth_boot_module *)boot->modules_va;
	n_modules = boot->n_modules < PLINTH_MEMORY_MODULES ? (uint32_t)boot->n_modules
							    : PLINTH_MEMORY_MODULES - 1;
	shared = (struct plinth_shared *)boot->shared_va;
	memset(shared->memory, 0, sizeof(shared->memory));
	memset(&shared->shortage, 0, sizeof(shared->shortage));
}

uint32_t owner_of(const void *address)
{
	for (uint32_t i = 0; i < n_modules; i++)
		if ((uint64_t)address - modules[i].base_va < modules[i].bytes)
			return i;
	return PLINTH_MEMORY_MODULES - 1;
}

static void add(uint64_t *used, uint64_t *peak, int64_t change)
{
	plinth_count(used, (uint64_t)change);
	if (*used > *peak)
		plinth_set(peak, *used);
}

void owner_heap(uint32_t owner, int64_t bytes)
{
	struct plinth_memory_use *use = &shared->memory[owner % PLINTH_MEMORY_MODULES];

	add(&use->heap_used, &use->heap_peak, bytes);
}

void owner_pages(uint32_t owner, int64_t pages)
{
	struct plinth_memory_use *use = &shared->memory[owner % PLINTH_MEMORY_MODULES];

	add(&use->pages_used, &use->pages_peak, pages);
}

static uint32_t who_has_most(enum plinth_shortage_kind kind)
{
	uint64_t most = 0;
	uint32_t owner = 0;

	for (uint32_t i = 0; i < PLINTH_MEMORY_MODULES; i++) {
		const struct plinth_memory_use *use = &shared->memory[i];
		uint64_t has = kind == PLINTH_SHORTAGE_HEAP ? use->heap_used : use->pages_used;

		if (has <= most)
			continue;
		most = has;
		owner = i;
	}
	return owner;
}

void owner_refused(uint32_t owner, enum plinth_shortage_kind kind, uint64_t wanted)
{
	struct plinth_shortage *shortage = &shared->shortage;

	plinth_set(&shortage->kind, kind);
	plinth_set(&shortage->wanted, wanted);
	plinth_set(&shortage->by, owner);
	plinth_set(&shortage->most, who_has_most(kind));
	plinth_count(&shortage->times, 1);
}
