/* SPDX-License-Identifier: MIT */
/* As much of the kernel's headers as drivers/linux/main.c needs. */
#ifndef STUB_LINUX_TYPES_H
#define STUB_LINUX_TYPES_H

#include <stdint.h>

typedef uint64_t u64;
typedef uint32_t u32;

#endif
