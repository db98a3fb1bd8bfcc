/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_KERNEL_H
#define STUB_LINUX_KERNEL_H

#include <linux/list.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
