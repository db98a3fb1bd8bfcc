/* SPDX-License-Identifier: MIT */
/* What libFuzzer calls, for either way to cut the input. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file file[FUZZ_FILES];
	uint32_t flags, n = fuzz_split(data, size, file, &flags);

	fuzz_files(file, n, flags);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct fuzz_file file[FUZZ_FILES];
	uint32_t flags, n, state = seed | 1, times = 1 + seed / 7 % 3;

	n = fuzz_split(data, size, file, &flags);
	if (!n || seed % 5 == 0)
		return LLVMFuzzerMutate(data, size, max);
	while (times--) {
		const struct fuzz_file *f = &file[seed / 31 % n];

		fuzz_mutate_elf((uint8_t *)f->bytes, f->size, &state);
	}
	return size;
}
