/* SPDX-License-Identifier: MIT */
/* Provides a function in its second version only. */
__attribute__((visibility("default"))) int later_call(void) __asm__("later_call.v2");
__attribute__((visibility("default"))) int later_call(void)
{
	return 2;
}
