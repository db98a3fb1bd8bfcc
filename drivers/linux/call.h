/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef DRIVERS_LINUX_CALL_H
#define DRIVERS_LINUX_CALL_H

#include "drivers/common/core.h"

/* call_from_user() - core_call() with message and answer in user space. */
int call_from_user(struct plinth_ctl_call *arg, struct core_report *report);

#endif
