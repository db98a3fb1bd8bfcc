/* SPDX-License-Identifier: MIT */
/* A module's note: its names, and whether it fits this driver. */
#include <string.h>

#include "drivers/common/internal.h"

void note_copy_text(char *to, const char *from, size_t bytes)
{
	size_t i;

	for (i = 0; i + 1 < bytes && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	memset(to + i, 0, bytes - i);
}

int note_read(struct core *core, const char *file, uint32_t module, struct plinth_ctl_module *out)
{
	const struct plinth_module *note;
	size_t bytes = 0;

	note = rtld_find_note(core->link.set, module, PLINTH_NOTE_NAME, PLINTH_NOTE_MODULE, &bytes);
	if (!note || bytes < sizeof(note->abi)) {
		report_line(core->report,
			    "%s: not a Plinth module: it has no %s note; declare it with PLINTH_MODULE()",
			    file, PLINTH_NOTE_NAME);
		return PLINTH_E_ABI;
	}
	if (note->abi != PLINTH_MODULE_ABI) {
		report_line(
			core->report,
			"%s: built for module ABI %u, but this driver serves %u; the %s is the older one: "
			"take both from one release, or rebuild the module with this driver's headers",
			file, note->abi, PLINTH_MODULE_ABI,
			note->abi < PLINTH_MODULE_ABI ? "module" : "driver");
		return PLINTH_E_ABI;
	}
	if (bytes != sizeof(*note) || note->size != sizeof(*note)) {
		report_line(core->report,
			    "%s: its %s note has %llu bytes instead of %llu; rebuild the module", file,
			    PLINTH_NOTE_NAME, (unsigned long long)bytes, (unsigned long long)sizeof(*note));
		return PLINTH_E_ABI;
	}
	out->abi = note->abi;
	note_copy_text(out->name, note->name, sizeof(out->name));
	note_copy_text(out->version, note->version, sizeof(out->version));
	note_copy_text(out->description, note->description, sizeof(out->description));
	note_copy_text(out->role, rtld_info(core->link.set, module)->name, sizeof(out->role));
	return 0;
}
