/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef DRIVERS_LINUX_SHIM_LIMITS_H
#define DRIVERS_LINUX_SHIM_LIMITS_H
#include <linux/limits.h>
#endif
