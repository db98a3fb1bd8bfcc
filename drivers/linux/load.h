/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef DRIVERS_LINUX_LOAD_H
#define DRIVERS_LINUX_LOAD_H

#include "drivers/common/core.h"

/* load_from_user() - core_load() with the files' names and contents in user space. */
int load_from_user(const struct plinth_ctl_load *arg, struct core_report *report);

#endif
