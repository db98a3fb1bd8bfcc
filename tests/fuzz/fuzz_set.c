/* SPDX-License-Identifier: MIT */
/* The input is a set: flags, then length and bytes of each file. */
#include <string.h>

#include "fuzz.h"
#include "rtld.h"

#define HEAD 8u /* of the input, and of each file: keeps files aligned */

uint32_t fuzz_split(const uint8_t *data, size_t size, struct fuzz_file *file, uint32_t *flags)
{
	uint32_t n = 0;
	size_t at = HEAD;

	*flags = size ? data[0] & (RTLD_RULES_ELF | RTLD_LAZY_PLT) : 0;
	while (n < FUZZ_FILES && at < size && size - at > HEAD) {
		uint32_t length;

		memcpy(&length, data + at, sizeof(length));
		at += HEAD;
		if (length > size - at)
			length = size - at;
		file[n++] = (struct fuzz_file){data + at, length};
		at += ((size_t)length + 7) / 8 * 8;
	}
	return n;
}
