/* SPDX-License-Identifier: MIT */
/*
 * Speaks to the program that runs the emulated PC: "pcctl WORD [NUMBER]".
 *
 * The words go through the emulator's debug port and not the console, so
 * they can neither be torn by kernel messages nor be mistaken for output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <termios.h>
#include <unistd.h>

#define DEBUG_PORT 0xe9

int main(int argc, char **argv)
{
	char text[64];
	int len;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: pcctl WORD [NUMBER]\n");
		return 2;
	}
	len = snprintf(text, sizeof(text), argc == 3 ? "@pc %s %s\n" : "@pc %s\n", argv[1],
		       argc == 3 ? argv[2] : "");
	if (len < 0 || (size_t)len >= sizeof(text)) {
		fprintf(stderr, "pcctl: the words are too long\n");
		return 2;
	}
	if (ioperm(DEBUG_PORT, 1, 1)) {
		perror("pcctl: ioperm");
		return 1;
	}
	/* What was printed so far must be with the host first. */
	if (isatty(STDOUT_FILENO))
		tcdrain(STDOUT_FILENO);
	for (int i = 0; i < len; i++)
		outb(text[i], DEBUG_PORT);
	return 0;
}
