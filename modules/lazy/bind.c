/* SPDX-License-Identifier: MIT */
/*
 * Fills one jump slot, and seals the pages of slots after the last. Every name has been
 * bound when the modules were linked, so this cannot fail. No lock: it may interrupt itself.
 */
#include <plinth/intrinsics.h>
#include <plinth/lazy.h>
#include <plinth/shared.h>

#include "bind.h"

#define ENTRY_WRITE 2ull /* of a page-table entry */

/*
 * Nobody has anything left to write there: whoever still comes with an old slot finds it
 * claimed. So what other CPUs remember of the entries does no harm until they forget it.
 */
static void seal(const struct plinth_lazy_table *table)
{
	uint64_t *const *entries = (uint64_t *const *)table->entries_va;

	for (uint64_t i = 0; i < table->pages; i++) {
		__atomic_and_fetch(entries[i], ~ENTRY_WRITE, __ATOMIC_SEQ_CST);
		cpu_invlpg(table->pages_va + i * LAZY_PAGE);
	}
}

/* For `plinthctl modules`; nothing of ours depends on it. */
static void log_bound(const struct plinth_lazy_table *table, uint32_t bound)
{
	struct plinth_lazy_use *use = (struct plinth_lazy_use *)table->use_va;

	if (!use)
		return;
	__atomic_add_fetch(&use->bound, 1, __ATOMIC_RELAXED);
	if (bound == table->slots)
		__atomic_store_n(&use->sealed, (uint32_t)table->pages, __ATOMIC_RELAXED);
}

uint64_t lazy_bind(const struct plinth_lazy_table *table, uint64_t index)
{
	const struct plinth_lazy_slot *slot = (const struct plinth_lazy_slot *)table->slots_va + index;
	uint8_t *claimed = (uint8_t *)table->claimed_va;
	uint32_t bound;

	if (index >= table->slots)
		__builtin_trap(); /* no PLT entry of a linker */
	if (__atomic_exchange_n(&claimed[index], 1, __ATOMIC_RELAXED))
		return slot->value;
	__atomic_store_n((uint64_t *)slot->at, slot->value, __ATOMIC_RELEASE);
	bound = __atomic_add_fetch((uint32_t *)table->bound_va, 1, __ATOMIC_ACQ_REL);
	/* As many as there are slots: all are written, and nobody writes any more. */
	if (bound == table->slots)
		seal(table);
	log_bound(table, bound);
	return slot->value;
}
