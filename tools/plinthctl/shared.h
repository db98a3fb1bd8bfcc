/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_SHARED_H
#define PLINTHCTL_SHARED_H

#include <plinth/shared.h>

#define SHARED_MAX_CPUS 8192u /* more than any kernel has */

/*
 * shared_get() - a checked copy of the region the VMM writes, to be freed.
 * Returns NULL with a message printed, e.g. when no modules are loaded.
 */
struct plinth_shared *shared_get(const char *command);

#endif
