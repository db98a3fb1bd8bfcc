/* SPDX-License-Identifier: MIT */
/* A strong definition of what base defines weakly. */
__attribute__((visibility("default"))) int base_choice(void);
__attribute__((visibility("default"))) int base_choice(void)
{
	return 1000;
}
