/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_MM_H
#define STUB_LINUX_MM_H

#include <linux/mm_types.h>

#define PAGE_SIZE	    4096ull
#define ALIGN_DOWN(x, unit) ((x) & ~((unit)-1))
#define PAGE_ALIGN(x)	    ALIGN_DOWN((x) + PAGE_SIZE - 1, PAGE_SIZE)
#define __pa(address)	    ((u64)(uintptr_t)(address))
#define __va(address)	    ((void *)(uintptr_t)(STUB_DIRECT_MAP + (address)))
#define STUB_DIRECT_MAP	    0xffff888000000000ull
#define PHYS_PFN(address)   ((address) >> 12)

int page_is_ram(unsigned long page);

#endif
