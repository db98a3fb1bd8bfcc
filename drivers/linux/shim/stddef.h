/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef DRIVERS_LINUX_SHIM_STDDEF_H
#define DRIVERS_LINUX_SHIM_STDDEF_H
#include <linux/stddef.h>
#include <linux/types.h>
#endif
