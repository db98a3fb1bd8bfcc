/* SPDX-License-Identifier: MIT */
/* What the core has of the system's memory: counted, and given back without a trace of the VMM. */
#include <string.h>

#include "drivers/common/internal.h"

#define PIECE 256u /* pages that are cleared at once */

void *core_alloc(struct core *core, uint64_t pages, size_t align, const char *what)
{
	void *memory = os_alloc_pages(pages, align);

	if (memory)
		core->pages_held += pages;
	else if (what)
		report_line(core->report, "out of memory: %llu KiB for %s", (unsigned long long)pages * 4,
			    what);
	return memory;
}

void core_free(struct core *core, void *memory, uint64_t pages)
{
	uint64_t piece;

	/* A CPU may still run on it, and the log lies in it. */
	if (!memory || core->state == PLINTH_CORRUPT)
		return;
	/* Whoever gets it next need not know where the VMM is, or what was in it. */
	for (uint64_t left = pages; left; left -= piece) {
		piece = left < PIECE ? left : PIECE;
		memset((uint8_t *)memory + (pages - left) * OS_PAGE, 0, piece * OS_PAGE);
		if (left > PIECE)
			(void)os_relax();
	}
	os_free_pages(memory, pages);
	core->pages_held -= pages;
}
