/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_WATCH_H
#define PLINTHCTL_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * watch() - the counters as they grow, one screen every @seconds, @count screens or without end (0).
 * @json: each an object on a line of its own
 * Returns the program's exit status, e.g. when the modules are unloaded.
 */
int watch(double seconds, uint64_t count, bool json);

#endif
