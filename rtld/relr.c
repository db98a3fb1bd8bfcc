/* SPDX-License-Identifier: MIT */
/*
 * Relative relocations in short form: an even word is the address of a word
 * to relocate, an odd one has a bit for each of the 63 words that follow.
 * Source: generic-abi, "SHT_RELR".
 */
#include "internal.h"

#define SPAN	(63 * 8)	/* bytes one bitmap covers */

static int fail(struct rtld_module *m, enum rtld_check check, uint32_t i,
		uint64_t value, uint64_t limit)
{
	return rtld_fail(m, check, RTLD_T_RELR, i, value, limit);
}

static int check_address(struct rtld_module *m, uint32_t i, uint64_t at,
			 uint64_t next)
{
	if (at % 8)
		return fail(m, RTLD_RELR_ALIGN, i, at, 8);
	if (at < next)
		return fail(m, RTLD_RELR_ORDER, i, at, next);
	if (!rtld_is_target(m, at))
		return fail(m, RTLD_RELR_PLACE, i, at, m->info.image_size);
	m->info.relative++;
	return 0;
}

static int check_bits(struct rtld_module *m, uint32_t i, uint64_t at)
{
	uint64_t bits = m->relr[i] >> 1;

	for (; bits; bits >>= 1, at += 8) {
		if (!(bits & 1))
			continue;
		if (!rtld_is_target(m, at))
			return fail(m, RTLD_RELR_PLACE, i, at,
				    m->info.image_size);
		m->info.relative++;
	}
	return 0;
}

/*
 * `next` stays far below 2^64: it starts at an address inside the image, and
 * grows by SPAN for each of fewer than 2^27 words.
 */
static int check_words(struct rtld_module *m)
{
	uint64_t next = 0;
	uint32_t i;
	int err = 0;

	for (i = 0; i < m->relrs && !err; i++) {
		uint64_t word = m->relr[i];

		if (!(word & 1)) {
			err = check_address(m, i, word, next);
			next = word + 8;
		} else if (!i) {
			err = fail(m, RTLD_RELR_FIRST, i, word, 0);
		} else {
			err = check_bits(m, i, next);
			next += SPAN;
		}
	}
	return err;
}

int rtld_check_relr(struct rtld_module *m)
{
	uint64_t size = m->tag[RTLD_DT_RELRSZ];
	const void *at;
	int err;

	if (!size)
		return 0;
	err = rtld_tag_view(m, RTLD_DT_RELR, size, 8, &at);
	if (err)
		return err;
	m->relr = at;
	m->relrs = size / 8;
	return check_words(m);
}

void rtld_apply_relr(const struct rtld_module *m)
{
	uint8_t *image = m->info.write;
	uint64_t bias = m->bias, low = m->info.low, next = 0;
	uint32_t i;

	for (i = 0; i < m->relrs; i++) {
		uint64_t word = m->relr[i], bits, at = next;

		if (!(word & 1)) {
			*(uint64_t *)(image + (word - low)) += bias;
			next = word + 8;
			continue;
		}
		for (bits = word >> 1; bits; bits >>= 1, at += 8)
			if (bits & 1)
				*(uint64_t *)(image + (at - low)) += bias;
		next += SPAN;
	}
}
