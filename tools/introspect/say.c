/* SPDX-License-Identifier: MIT */
#include "say.h"

#include <errno.h>
#include <unistd.h>

#define LINE_BYTES 1024u

static size_t say_part(char *line, size_t used, const char *text)
{
	while (*text && used < LINE_BYTES)
		line[used++] = *text++;
	return used;
}

/* In one piece, so that no other program's line comes in between. */
void say_and_exit(const char *text)
{
	const char *const parts[] = {"plinth: ", program_invocation_short_name, ": ", text, "\n"};
	char line[LINE_BYTES];
	size_t used = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		used = say_part(line, used, parts[i]);
	(void)!write(STDERR_FILENO, line, used);
	_exit(1);
}
