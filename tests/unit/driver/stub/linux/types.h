/* SPDX-License-Identifier: MIT */
/* As much of the kernel's headers as drivers/linux/main.c needs. */
#ifndef STUB_LINUX_TYPES_H
#define STUB_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint8_t u8;

#define be32_to_cpu(value) __builtin_bswap32(value)

#endif
