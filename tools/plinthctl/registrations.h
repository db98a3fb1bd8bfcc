/* SPDX-License-Identifier: MIT */
/* What modules have registered with the VMM, as it tells it (PLINTH_CALL_REGISTRATIONS). */
#ifndef PLINTHCTL_REGISTRATIONS_H
#define PLINTHCTL_REGISTRATIONS_H

#include <stdint.h>

#include <plinth/control.h>

struct json_object;

#define REGISTRATIONS_MOST (PLINTH_CALL_BYTES / sizeof(struct plinth_ctl_registration))

struct registrations {
	struct plinth_ctl_registration rows[REGISTRATIONS_MOST];
	uint64_t n;
	const struct plinth_ctl_module *modules; /* who they may belong to */
	uint64_t n_modules;
};

/* registrations_get() - ask the VMM; 0, or -1 with a message printed. */
int registrations_get(const struct plinth_ctl_module *modules, uint64_t n_modules, struct registrations *out);

/* registrations_print() - a line for each one of this module's. */
void registrations_print(const struct registrations *all, uint64_t module);

struct json_object *registrations_json(const struct registrations *all, uint64_t module);

#endif
