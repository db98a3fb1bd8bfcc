/* SPDX-License-Identifier: MIT */
#include <plinth/abi.h>

PLINTH_MODULE("intrinsics", "0.1.0", "every privileged instruction, VM entry and exit, on real hardware");
