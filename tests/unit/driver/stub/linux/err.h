/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_ERR_H
#define STUB_LINUX_ERR_H

#include <stdint.h>

#define ERR_PTR(error) ((void *)(intptr_t)(error))
#define IS_ERR(at)     ((uintptr_t)(at) >= (uintptr_t)-4095)

#endif
