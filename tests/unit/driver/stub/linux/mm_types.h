/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_MM_TYPES_H
#define STUB_LINUX_MM_TYPES_H

#include <linux/types.h>

struct mm_struct {
	void *pgd;
};

#endif
