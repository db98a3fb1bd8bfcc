/* SPDX-License-Identifier: MIT */
/* What the linked modules offer to the core: entry points, functions for the end. */
#include "drivers/common/internal.h"

static const char *const core_entry_names[ENTRY_COUNT] = {
	[ENTRY_INIT] = "entry_init",	   [ENTRY_FINI] = "entry_fini",	  [ENTRY_PREPARE] = "entry_prepare",
	[ENTRY_RELEASE] = "entry_release", [ENTRY_START] = "entry_start", [ENTRY_CHECK] = "entry_check",
	[ENTRY_CALL] = "entry_call",
};

int link_entry_points(void *ctx)
{
	struct core *core = ctx;
	int first = 0;

	for (uint32_t i = 0; i < ENTRY_COUNT; i++) {
		int err = rtld_lookup(core->link.set, core_entry_names[i], &core->entry[i]);

		if (!err)
			continue;
		report_line(core->report, "no module exports %s: add the entry module", core_entry_names[i]);
		first = err;
	}
	return first;
}
