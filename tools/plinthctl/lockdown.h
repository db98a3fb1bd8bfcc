/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_LOCKDOWN_H
#define PLINTHCTL_LOCKDOWN_H

#include <stdbool.h>

/* lockdown_is_on() - does the kernel take signed modules only, as it does after a Secure Boot? */
bool lockdown_is_on(void);

#endif
