/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_SLAB_H
#define STUB_LINUX_SLAB_H

#include <stdlib.h>

#define GFP_KERNEL			0
#define kvzalloc(bytes, flags)		calloc(1, (bytes) + (flags))
#define kvfree_sensitive(memory, bytes) free(memory)

#endif
