/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef DRIVERS_LINUX_SHIM_STRING_H
#define DRIVERS_LINUX_SHIM_STRING_H
#include <linux/string.h>
#endif
