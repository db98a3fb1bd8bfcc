/* SPDX-License-Identifier: MIT */
/* The file of a link plan: where it is, and that it is whole. */
#ifndef PLINTHCTL_PLAN_FILE_H
#define PLINTHCTL_PLAN_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define PLAN_FILE_NAME "modules.plan"

/* plan_file_beside() - its path: in the folder of the first of the modules it is for. */
void plan_file_beside(const char *module, char *path, size_t size);

/*
 * plan_file_read() - its bytes, in memory to be freed, or NULL and *n_bytes 0.
 * A plan only saves time, so what cannot be read is as good as none. One that is too long for the driver fits
 * no modules, as an empty one does not, and the status says so: that is what comes of it.
 */
void *plan_file_read(const char *path, size_t *n_bytes);

/* plan_file_write() - whole or not at all; false with a message printed. */
bool plan_file_write(const char *path, const void *bytes, size_t n_bytes);

#endif
