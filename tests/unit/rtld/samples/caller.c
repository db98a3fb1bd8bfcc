/* SPDX-License-Identifier: MIT */
/* Calls 600 functions of another module, each by its own jump slot. */
#include "hundreds.h"

#define EXPORT	      __attribute__((visibility("default")))
#define DECLARE(name) long name(long x);
#define CALL(name)    x = name(x) * 3;

HUNDREDS(DECLARE)
void many_spy(void);

EXPORT long caller_all(long x);
EXPORT long caller_all(long x)
{
	HUNDREDS(CALL)
	return x;
}

EXPORT void caller_rest(void);
EXPORT void caller_rest(void)
{
	many_spy();
}

EXPORT long caller_one(long x);
EXPORT long caller_one(long x)
{
	return many_100(x);
}
