/* SPDX-License-Identifier: MIT */
/*
 * Somebody's memory, to be looked at: prints its addresses, then each change of its first word that it sees.
 *
 *   peek_target
 *
 * Lines: "data A" two pages, of which each word is its own address; "absent A" the page behind them, which
 * nobody has touched; "zero A" the next, which was only read, so that the kernel's page of zeros is there;
 * "ready".
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE  4096u
#define WORDS (PAGE / sizeof(uint64_t))

int main(void)
{
	volatile uint64_t *data =
		mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile uint64_t *absent = data + 2 * WORDS, *zero = data + 3 * WORDS;
	uint64_t seen;

	if (data == MAP_FAILED || zero[0])
		return 1;
	for (unsigned int i = 0; i < 2 * WORDS; i++)
		data[i] = (uintptr_t)&data[i];
	printf("data %#lx\nabsent %#lx\nzero %#lx\nready\n", (unsigned long)data, (unsigned long)absent,
	       (unsigned long)zero);
	fflush(stdout);
	for (seen = data[0];; usleep(10000)) {
		if (data[0] == seen)
			continue;
		seen = data[0];
		printf("sees %#lx\n", (unsigned long)seen);
		fflush(stdout);
	}
}
