/* SPDX-License-Identifier: MIT */
/*
 * Names, for those who have many: the GNU hash (h = 33 h + c, starting at 5381, modulo 2^32) and
 * comparison, eight bytes at a time.
 *
 * Eight steps of the hash are h * 33^8 + sum of c[i] * 33^(7 - i). The sum is
 * formed in three rounds that join neighbours: bytes to 16-bit lanes, these to
 * 32-bit lanes, these to one word. No lane can overflow before the last round,
 * which is modulo 2^32 anyway. For a rest of k < 8 bytes the word is shifted so
 * that the bytes come last; the zero bytes in front add nothing.
 */
#ifndef RTLD_NAME_H
#define RTLD_NAME_H

#include <string.h>

#include "internal.h"

#define RTLD_ONES 0x0101010101010101ull
#define RTLD_TOPS 0x8080808080808080ull

static const uint32_t rtld_power33[9] = {
	1u, 33u, 1089u, 35937u, 1185921u, 39135393u, 1291467969u, 3963737313u, 1954312449u,
};

static inline uint64_t rtld_load8(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint32_t rtld_sum8(uint64_t w)
{
	uint64_t first = w & 0x00ff00ff00ff00ffull;
	uint64_t second = w >> 8 & 0x00ff00ff00ff00ffull;

	w = (first + second) + (first << 5);
	first = w & 0x0000ffff0000ffffull;
	/* 24 bits in each half from here on: the product's upper half is exact. */
	w = first * 1089 + (w >> 16 & 0x0000ffff0000ffffull);
	return w * (1185921ull << 32 | 1) >> 32;
}

/* The last bytes of a string table, or a name whose end is among them. */
RTLD_COLD uint64_t rtld_hash_bytes(const char *text, const char *at, const char *end, uint32_t hash);

/* Length in the upper half, hash in the lower. */
static inline uint64_t rtld_hash_and_length(const char *text, const char *end)
{
	const char *at = text, *last = end - 8;
	uint64_t word, nul, zeros;
	uint32_t hash = 5381;

	/* A string table is never at the start of a file: end - 8 is in it. */
	for (; at <= last; at += 8) {
		word = rtld_load8(at);
		nul = (word - RTLD_ONES) & RTLD_TOPS;
		/* Bytes above 127 look like NUL so far; names rarely have any. */
		if (nul && (nul & ~word)) {
			/* Below the NUL, and moved up: shifts by 64 are none. */
			zeros = __builtin_ctzll(nul & ~word);
			hash = hash * rtld_power33[zeros / 8] + rtld_sum8(word << (zeros ^ 63) << 8);
			return (uint64_t)(at - text + (zeros / 8)) << 32 | hash;
		}
		hash = hash * rtld_power33[8] + rtld_sum8(word);
	}
	return rtld_hash_bytes(text, at, end, hash);
}

static inline struct rtld_name rtld_hash_name(const char *text, const char *end)
{
	uint64_t both = rtld_hash_and_length(text, end);

	return (struct rtld_name){text, both >> 32, both};
}

/* Are the last bytes before a_end and b_end equal? There are at least 8. */
static inline bool rtld_same_long(const char *a, const char *a_end, const char *b_end)
{
	const char *last = a_end - 8;
	ptrdiff_t to_b = b_end - a_end;

	/* The last eight may be among the ones before: better than a rest. */
	if (rtld_load8(last) != rtld_load8(last + to_b))
		return false;
	do {
		if (rtld_load8(a) != rtld_load8(a + to_b))
			return false;
		a += 8;
	} while (a < last);
	return true;
}

static inline bool rtld_same_short(const char *a, const char *b, uint64_t bytes)
{
	uint64_t i;

	for (i = 0; i < bytes; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/*
 * Are both names `bytes` long with their NUL, and equal? Should there be a NUL
 * before the last byte, it is in both.
 */
static inline bool rtld_same_name(const struct rtld_module *m, uint32_t name, const struct rtld_module *other,
				  uint32_t at, uint32_t bytes)
{
	const char *a = m->strings + name, *a_end = a + bytes;
	const char *b = other->strings + at, *b_end = b + bytes;

	if (a_end > m->strings_end || b_end > other->strings_end)
		return false;
	if (bytes < 8)
		return bytes && !a_end[-1] && rtld_same_short(a, b, bytes);
	return !a_end[-1] && rtld_same_long(a, a_end, b_end);
}

static inline bool rtld_is_named(const struct rtld_module *m, uint32_t offset, const struct rtld_name *name)
{
	uint64_t bytes = name->length + 1; /* the NUL must be equal too */
	const char *text = m->strings + offset;

	if (bytes > m->strings_size - offset)
		return false;
	return bytes < 8 ? rtld_same_short(text, name->text, bytes)
			 : rtld_same_long(text, text + bytes, name->text + bytes);
}

#endif
