/* SPDX-License-Identifier: MIT */
/* Wants three functions that no sample has. */
int lonely_first(void);
int lonely_second(void);
int lonely_third(void);

__attribute__((visibility("default"))) int lonely(void);
__attribute__((visibility("default"))) int lonely(void)
{
	return lonely_first() + lonely_second() + lonely_third();
}
