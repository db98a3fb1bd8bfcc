/* SPDX-License-Identifier: MIT */
/*
 * The fuzzers without libFuzzer, as a test: each input as it is, then ROUNDS
 * changes of it, always the same ones.
 * usage: replay ROUNDS FILE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define MAX (1u << 20)

static uint32_t state = 1;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	(void)max;
	state = state * 1664525 + 1013904223;
	if (!size)
		return size;
	if (state % 16 == 0)
		return state / 16 % size;
	data[state / 16 % size] ^= 1u << state / 7 % 8;
	return size;
}

static size_t read_input(const char *path, uint8_t *data)
{
	FILE *f = fopen(path, "rb");
	size_t size = f ? fread(data, 1, MAX, f) : 0;

	if (!size) {
		fprintf(stderr, "replay: %s: cannot be read\n", path);
		exit(2);
	}
	fclose(f);
	return size;
}

int main(int argc, char **argv)
{
	static _Alignas(16) uint8_t input[MAX], data[MAX];
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, i;
	int k;

	if (argc < 3) {
		fprintf(stderr, "usage: replay ROUNDS FILE...\n");
		return 2;
	}
	for (k = 2; k < argc; k++) {
		size_t size = read_input(argv[k], input), n = size;

		LLVMFuzzerTestOneInput(input, size);
		for (i = 0; i < rounds; i++) {
			/* A few changes on top of each other, then from the start. */
			if (i % 4 == 0) {
				memcpy(data, input, size);
				n = size;
			}
			n = LLVMFuzzerCustomMutator(data, n, MAX, i * 2654435761u + k);
			LLVMFuzzerTestOneInput(data, n);
		}
	}
	printf("%d inputs, %lu changes each\n", argc - 2, rounds);
	return 0;
}
