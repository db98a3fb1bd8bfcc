/* SPDX-License-Identifier: MIT */
#include "hex_word.h"

#include <ctype.h>
#include <string.h>

static int digit_of(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool hex_word_add(const char *word, uint8_t *bytes, size_t most, size_t *n)
{
	for (const char *at = word; *at; at += 2) {
		const int high = digit_of(at[0]), low = high < 0 ? -1 : digit_of(at[1]);

		if (low < 0)
			return false;
		if (*n < most)
			bytes[*n] = (uint8_t)(high << 4 | low);
		++*n;
	}
	return true;
}
