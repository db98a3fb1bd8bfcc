/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_CAPABILITY_H
#define STUB_LINUX_CAPABILITY_H

#include <stdbool.h>

#define CAP_SYS_RAWIO 17

bool capable(int capability);

#endif
