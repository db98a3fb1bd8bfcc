/* SPDX-License-Identifier: MIT */
/* What the fuzzers of rtld share. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One file, or several in a row; both are given to rtld with all that follows. */
#define FUZZ_FILES 4u

struct fuzz_file {
	const uint8_t *bytes;
	size_t size;
};

/* Probe, place, link, and ask everything that can be asked. */
void fuzz_files(const struct fuzz_file *file, uint32_t files, uint32_t flags);

/*
 * How an input is cut into files. The probe fuzzer takes it whole. The set
 * fuzzer's inputs are: a byte of flags, then for each file a 32-bit length and
 * the bytes. Returns the number of files.
 */
uint32_t fuzz_split(const uint8_t *data, size_t size, struct fuzz_file *file, uint32_t *flags);

/* Change one field of an ELF file, if it is near enough to one. */
size_t fuzz_mutate_elf(uint8_t *data, size_t size, uint32_t *seed);

/* The entry points libFuzzer looks for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
/* libFuzzer's; replay.c has one for runs without it. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

#endif
