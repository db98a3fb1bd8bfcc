/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef DRIVERS_LINUX_SHIM_STDINT_H
#define DRIVERS_LINUX_SHIM_STDINT_H

#include <linux/limits.h>
#include <linux/types.h>

#define UINT16_MAX U16_MAX
#define UINT32_MAX U32_MAX
#define UINT64_MAX U64_MAX
#define INT32_MAX  S32_MAX
#define INT64_MAX  S64_MAX

typedef s64 intmax_t;
typedef u64 uintmax_t;

#endif
