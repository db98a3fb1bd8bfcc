/* SPDX-License-Identifier: MIT */
/* bad.h with one function more, which no module defines. */
#ifndef PLINTH_TESTS_BUILD_MISSING_H
#define PLINTH_TESTS_BUILD_MISSING_H

#include <plinth/abi.h>

PLINTH_EXPORT int bad_probe(int value);
PLINTH_EXPORT int bad_missing(int value);

#endif
