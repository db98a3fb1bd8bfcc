/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef DRIVERS_LINUX_SHIM_STDBOOL_H
#define DRIVERS_LINUX_SHIM_STDBOOL_H
#include <linux/types.h>
#endif
