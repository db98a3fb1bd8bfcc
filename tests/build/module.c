/* SPDX-License-Identifier: MIT */
/* A module with nothing wrong but what the row in meson.build adds: BAD_CODE, a flag, a linker option. */
#include "bad.h"

/* BAD_CODE comes as bare words: quotes within it survive only so. */
#define TEXT(...)	   #__VA_ARGS__
#define EXPANDED_TEXT(...) TEXT(__VA_ARGS__)

#ifndef BAD_NO_NOTE
PLINTH_MODULE(BAD_NAME, "0.1.0", "breaks one rule of the build checks");
#endif

int bad_probe(int value)
{
#ifdef BAD_LEAF
	volatile int local = value; /* a leaf function keeps it in the red zone if it may */

	return local;
#else
	__asm__ volatile(EXPANDED_TEXT(BAD_CODE));
	return value;
#endif
}
