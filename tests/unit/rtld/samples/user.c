/* SPDX-License-Identifier: MIT */
/* A module that uses base: JUMP_SLOT, GLOB_DAT and 64 relocations. */
#define EXPORT __attribute__((visibility("default")))
#define IMPORT extern EXPORT

IMPORT int base_numbers[4];
IMPORT int base_note(int what);
IMPORT int base_last(void);
IMPORT int base_sum(void);
IMPORT int nobody_has_this(void) __attribute__((weak));
IMPORT int user_extra(void) __attribute__((weak));

/* One past the second element: a symbol with an addend. */
EXPORT int *user_pointer = &base_numbers[1];
EXPORT int (*user_table[2])(int) = {base_note, base_note};

EXPORT int user_run(int x);
EXPORT int user_run(int x)
{
	base_note(x);
	return base_last() * 10 + base_numbers[0];
}

EXPORT int user_sum(void);
EXPORT int user_sum(void)
{
	return base_sum() + *user_pointer;
}

EXPORT int user_weak(void);
EXPORT int user_weak(void)
{
	if (nobody_has_this)
		return nobody_has_this();
	return user_extra ? user_extra() : -1;
}

static __attribute__((constructor)) void start(void)
{
	base_note(200);
}

static __attribute__((destructor)) void end(void)
{
	base_note(299);
}
