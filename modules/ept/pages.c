/* SPDX-License-Identifier: MIT */
/*
 * Pages for tables. The host's space takes them from the pool at a load and for whoever decides about
 * something; what the guest touches is mapped from spare ones alone. Any other space has spare ones only.
 *
 * A table that was taken out is not written to before every CPU has flushed, for one may walk it: so its
 * place is noted elsewhere, while a page that is spare holds that of the next in its first word, and its own
 * address in the second.
 */
#include <stddef.h>
#include <string.h>

#include <plinth/memory.h>

#include "internal.h"

uint64_t *pages_new(uint64_t *pa)
{
	uint64_t *page = mem_page_alloc();

	if (page && mem_virt_to_phys(page, pa)) {
		mem_page_free(page);
		page = NULL;
	}
	return page;
}

static void spare_push(struct slat_space *space, uint64_t *page, uint64_t pa)
{
	page[0] = (uint64_t)space->spare;
	page[1] = pa;
	space->spare = page;
	space->n_spare++;
}

static uint64_t *spare_pop(struct slat_space *space, uint64_t *pa)
{
	uint64_t *page = space->spare;

	if (!page)
		return NULL;
	space->spare = (uint64_t *)page[0];
	space->n_spare--;
	*pa = page[1];
	return page;
}

int pages_init(struct slat_space *space, uint32_t spare)
{
	for (uint32_t i = 0; i < spare; i++) {
		uint64_t pa, *page = pages_new(&pa);

		if (!page)
			return PLINTH_E_NOMEM;
		spare_push(space, page, pa);
	}
	space->reserve = space->is_host ? spare : 0;
	return 0;
}

void pages_fini(struct slat_space *space)
{
	uint64_t pa;

	while (space->spare)
		mem_page_free(spare_pop(space, &pa));
	for (uint32_t i = 0; i < space->n_retired; i++)
		mem_page_free(space->retired[i].page);
	space->n_retired = 0;
}

/* Nobody walks them any more. */
static void reclaim(struct slat_space *space)
{
	for (uint32_t i = space->n_retired; i--;) {
		const struct retired gone = space->retired[i];

		if (gone.ticket == NO_TICKET || !slat_flushed(gone.ticket))
			continue;
		space->retired[i] = space->retired[--space->n_retired];
		spare_push(space, gone.page, gone.pa);
	}
}

uint64_t *pages_take(struct slat_space *space, enum source source, uint64_t *pa)
{
	reclaim(space);
	if (space->is_host && source == FROM_POOL && space->n_spare <= space->reserve)
		return pages_new(pa);
	return spare_pop(space, pa);
}

bool pages_retire(struct slat_space *space, uint64_t *page, uint64_t pa)
{
	if (space->n_retired == RETIRED_MAX)
		return false;
	space->retired[space->n_retired++] = (struct retired){.page = page, .pa = pa, .ticket = NO_TICKET};
	return true;
}

void pages_stamp(struct slat_space *space, uint64_t ticket)
{
	for (uint32_t i = 0; i < space->n_retired; i++)
		if (space->retired[i].ticket == NO_TICKET)
			space->retired[i].ticket = ticket ? ticket : UINT64_MAX;
}
