/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_IOPORT_H
#define STUB_LINUX_IOPORT_H

#include <linux/types.h>

#define IORES_DESC_NONE	      0
#define IORESOURCE_BUSY	      1
#define IORESOURCE_SYSTEM_RAM 2

struct resource {
	u64 start, end;
};

int walk_iomem_res_desc(unsigned long desc, unsigned long flags, u64 start, u64 end, void *arg,
			int (*fn)(struct resource *run, void *arg));

#endif
