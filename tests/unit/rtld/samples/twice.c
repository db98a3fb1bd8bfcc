/* SPDX-License-Identifier: MIT */
/* One name in two versions, and where each is. */
#define EXPORT __attribute__((visibility("default")))

__asm__(".symver twice_old, twice@TWICE_1\n.symver twice_new, twice@@TWICE_2");
EXPORT int twice_old(void);
EXPORT int twice_old(void)
{
	return 1;
}

EXPORT int twice_new(void);
EXPORT int twice_new(void)
{
	return 2;
}

EXPORT int (*twice_pointers[2])(void) = {twice_old, twice_new};
