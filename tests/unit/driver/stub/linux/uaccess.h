/* SPDX-License-Identifier: MIT */
/* There is no user space: all of it can be reached but the null pointer. */
#ifndef STUB_LINUX_UACCESS_H
#define STUB_LINUX_UACCESS_H

#include <string.h>

#include <linux/types.h>

#define u64_to_user_ptr(at) ((void *)(uintptr_t)(at))

static inline unsigned long copy_to_user(void *to, const void *from, unsigned long bytes)
{
	if (to && bytes)
		memcpy(to, from, bytes);
	return to ? 0 : bytes;
}

static inline unsigned long copy_from_user(void *to, const void *from, unsigned long bytes)
{
	if (from)
		memcpy(to, from, bytes);
	return from ? 0 : bytes;
}

#endif
