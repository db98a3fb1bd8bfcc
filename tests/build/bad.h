/* SPDX-License-Identifier: MIT */
/* The public interface of the modules that break one rule each. */
#ifndef PLINTH_TESTS_BUILD_BAD_H
#define PLINTH_TESTS_BUILD_BAD_H

#include <plinth/abi.h>

PLINTH_EXPORT int bad_probe(int value);

#endif
