/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdlib.h>

#include "device.h"
#include "shared.h"

/* Is it what this program was built for, and all there? */
static bool is_good(const struct plinth_shared *shared, uint64_t bytes)
{
	return bytes >= sizeof(*shared) && shared->magic == PLINTH_SHARED_MAGIC &&
	       shared->version == PLINTH_SHARED_VERSION &&
	       shared->cpu_stride >= sizeof(struct plinth_shared_cpu) &&
	       shared->cpu_offset + (uint64_t)shared->n_cpus * shared->cpu_stride <= bytes;
}

struct plinth_shared *shared_get(const char *command)
{
	struct plinth_shared *shared;
	uint64_t bytes;

	shared = device_list(PLINTH_CTL_SHARED, 1, &bytes);
	if (!shared || is_good(shared, bytes))
		return shared;
	if (bytes)
		error_line("%s: the driver's shared region is of another version: use the plinthctl that "
			   "came with the driver",
			   command);
	else
		error_line("%s: no modules are loaded, so there is nothing to show", command);
	free(shared);
	return NULL;
}
