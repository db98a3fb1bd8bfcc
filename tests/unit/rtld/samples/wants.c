/* SPDX-License-Identifier: MIT */
/* Refers to what twice.c has in two versions, and names none. */
#define EXPORT __attribute__((visibility("default")))

extern EXPORT int twice(void);
EXPORT int (*wants_pointer)(void) = twice;
