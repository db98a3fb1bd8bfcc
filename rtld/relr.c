/* SPDX-License-Identifier: MIT */
/*
 * Relative relocations in short form: an even word is the address of a word
 * to relocate, an odd one has a bit for each of the 63 words that follow.
 * Source: generic-abi, "SHT_RELR".
 */
#include "internal.h"

#define SPAN (63 * 8) /* bytes one bitmap covers */

/* Checking and applying: a word of the table, and each bit of it. */
#define WORD_STEPS    16u
#define BIT_STEPS     2u
#define SEGMENT_STEPS 3u	/* each PT_LOAD that an address may be in */
#define CLOSE_STEPS   (63u * 4) /* where a bitmap is checked bit by bit, */
#define TARGET_STEPS  (63u * 3) /* and for each PT_LOAD then */

static int fail_relr(struct rtld_module *m, enum rtld_check check, uint32_t i, uint64_t value, uint64_t limit)
{
	return rtld_fail(m, check, RTLD_T_RELR, i, value, limit);
}

static int check_address(struct rtld_module *m, uint32_t i, uint64_t at, uint64_t next)
{
	if (rtld_pay(m, BIT_STEPS + SEGMENT_STEPS * m->targets))
		return PLINTH_E_LIMIT;
	if (at % 8)
		return fail_relr(m, RTLD_RELR_ALIGN, i, at, 8);
	if (at < next)
		return fail_relr(m, RTLD_RELR_ORDER, i, at, next);
	if (!rtld_is_target(m, at))
		return fail_relr(m, RTLD_RELR_PLACE, i, at, m->info.image_size);
	m->info.relative++;
	return 0;
}

static uint32_t count_bits(uint64_t n)
{
	n -= n >> 1 & 0x5555555555555555ull;
	n = (n & 0x3333333333333333ull) + (n >> 2 & 0x3333333333333333ull);
	n = (n + (n >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return n * 0x0101010101010101ull >> 56;
}

/* At an edge of what may be changed: each on its own. */
static RTLD_COLD int check_closely(struct rtld_module *m, uint32_t i, uint64_t at)
{
	uint64_t bits = m->relr[i] >> 1;

	if (rtld_pay(m, CLOSE_STEPS + TARGET_STEPS * m->targets))
		return PLINTH_E_LIMIT;
	for (; bits; bits >>= 1, at += 8) {
		if (!(bits & 1))
			continue;
		if (!rtld_is_target(m, at))
			return fail_relr(m, RTLD_RELR_PLACE, i, at, m->info.image_size);
	}
	return 0;
}

/* The words of a bitmap are neighbours: nearly always all of them may be changed. */
static int check_bits(struct rtld_module *m, uint32_t i, uint64_t at, struct rtld_window *w)
{
	uint32_t bits = count_bits(m->relr[i] >> 1);

	m->info.relative += bits;
	if (rtld_pay(m, BIT_STEPS * bits))
		return PLINTH_E_LIMIT;
	if (!rtld_in_window(w, at))
		rtld_find_window(m, at, w);
	if (rtld_in_window(w, at) && rtld_in_window(w, at + SPAN - 8))
		return 0;
	return check_closely(m, i, at);
}

/*
 * `next` stays far below 2^64: it starts at an address inside the image, and
 * grows by SPAN for each of fewer than 2^27 words.
 */
static int check_words(struct rtld_module *m)
{
	struct rtld_window w = {0, 0};
	uint64_t next = 0;
	uint32_t i;
	int err = rtld_pay(m, WORD_STEPS * (uint64_t)m->relrs);

	for (i = 0; i < m->relrs && !err; i++) {
		uint64_t word = m->relr[i];

		if (!(word & 1)) {
			err = check_address(m, i, word, next);
			next = word + 8;
		} else if (!i) {
			err = fail_relr(m, RTLD_RELR_FIRST, i, word, 0);
		} else {
			err = check_bits(m, i, next, &w);
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
		for (bits = word >> 1; bits; bits &= bits - 1)
			*(uint64_t *)(image + (at - low) + 8 * __builtin_ctzll(bits)) += bias;
		next += SPAN;
	}
}
