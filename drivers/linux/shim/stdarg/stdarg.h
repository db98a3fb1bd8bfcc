/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef DRIVERS_LINUX_SHIM_STDARG_H
#define DRIVERS_LINUX_SHIM_STDARG_H
#include <linux/stdarg.h>
#endif
