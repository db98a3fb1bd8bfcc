/* SPDX-License-Identifier: MIT */
/*
 * The guest's programs in one file: it is the one by whose name it was called.
 * "guest_programs --list" prints the names. PROGRAMS is meson.build's list; a
 * main() that takes no arguments gets them, too, and has no use for them.
 */
#include <stdio.h>
#include <string.h>

#define PROGRAM(name) int name##_main(int argc, char **argv);
PROGRAMS
#undef PROGRAM

static const struct program {
	const char *name;
	int (*main)(int argc, char **argv);
} programs[] = {
#define PROGRAM(name) {#name, name##_main},
	PROGRAMS
#undef PROGRAM
};

#define COUNT (sizeof(programs) / sizeof(programs[0]))

static int list(void)
{
	for (size_t i = 0; i < COUNT; i++)
		puts(programs[i].name);
	return 0;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";

	if (argc > 1 && !strcmp(argv[1], "--list") && !strcmp(name, "guest_programs"))
		return list();
	for (size_t i = 0; i < COUNT; i++)
		if (!strcmp(programs[i].name, name))
			return programs[i].main(argc, argv);
	fprintf(stderr, "%s: none of the guest's programs\n", name);
	return 127;
}
