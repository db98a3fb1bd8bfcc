/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_STATUS_JSON_H
#define PLINTHCTL_STATUS_JSON_H

#include <plinth/control.h>

/* status_print_json() - what `status --json` prints, and load, start, stop and unload when they are done. */
void status_print_json(const struct plinth_ctl_status *status);

#endif
