/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_LOCKDOWN_H
#define PLINTHCTL_LOCKDOWN_H

/*
 * lockdown_reason() - why the kernel takes signed modules only, as it does after a Secure Boot:
 * a few words; NULL if it takes others too, or nobody can say.
 */
const char *lockdown_reason(void);

#endif
