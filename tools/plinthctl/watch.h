/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_WATCH_H
#define PLINTHCTL_WATCH_H

/*
 * watch() - the counters as they grow, one screen every @seconds, @count screens or without end (0).
 * Returns the program's exit status, e.g. when the modules are unloaded.
 */
int watch(double seconds, unsigned long count);

#endif
