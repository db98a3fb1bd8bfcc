/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_REFCOUNT_H
#define STUB_LINUX_REFCOUNT_H

typedef struct {
	int count;
} refcount_t;

#endif
