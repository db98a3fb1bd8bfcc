/* SPDX-License-Identifier: MIT */
/*
 * The hash tables: proved once to be safe to walk, then walked by lookup.c.
 *
 * Linkers write the chains of a GNU hash table one after the other, in the
 * order of the buckets. Insisting on that gives the number of symbols and
 * makes the proof linear: chains cannot meet, so no file can make many buckets
 * share one long chain.
 */
#include "internal.h"

/* What a bucket, and what a symbol's word or link costs, looked at twice. */
#define BUCKET_STEPS 4ull
#define CHAIN_STEPS  4ull

#define PART (RTLD_MAX_CHAIN / 2)

static int fail_gnu(struct rtld_module *m, enum rtld_check check, uint64_t index, uint64_t value,
		    uint64_t limit)
{
	return rtld_fail(m, check, RTLD_T_GNU_HASH, index, value, limit);
}

static int read_gnu_header(struct rtld_module *m, uint64_t *words)
{
	const struct elf64_gnu_hash *h;
	struct rtld_gnu *g = &m->gnu;
	const void *at;
	uint64_t room, need;
	int err = rtld_tag_view(m, RTLD_DT_GNU_HASH, sizeof(*h), 8, &at);

	if (err)
		return err;
	h = at;
	if (!h->buckets)
		return fail_gnu(m, RTLD_GNU_HASH_BUCKETS, 0, 0, 0);
	if (!h->bloom_words || h->bloom_words & (h->bloom_words - 1))
		return fail_gnu(m, RTLD_GNU_HASH_BLOOM, 0, h->bloom_words, 0);
	if (h->bloom_shift > 31)
		return fail_gnu(m, RTLD_GNU_HASH_SHIFT, 0, h->bloom_shift, 31);
	rtld_view_room(m, m->tag[RTLD_DT_GNU_HASH], &room);
	need = sizeof(*h) + 8ull * h->bloom_words + 4ull * h->buckets;
	if (need > room)
		return fail_gnu(m, RTLD_GNU_HASH_RANGE, 0, need, room);
	*g = (struct rtld_gnu){
		.buckets = h->buckets,
		.first = h->symoffset,
		.end = h->symoffset,
		.bloom_mask = h->bloom_words - 1,
		.shift = h->bloom_shift,
		.bloom = (const void *)(h + 1),
	};
	g->bucket = (const void *)(g->bloom + h->bloom_words);
	g->word = g->bucket + h->buckets;
	*words = (room - need) / 4;
	return rtld_pay(m, BUCKET_STEPS * h->buckets);
}

/*
 * Tables in order, by the fewest steps; false means only that it has to be
 * looked at more closely. The start of the last chain is found first: the word
 * before it ends a chain, so no chain that starts below goes past it, and its
 * bucket is not empty, so nobody who looks for a bucket goes past that.
 */
static bool skim_gnu_chains(const struct rtld_gnu *g, const uint32_t *last, uint32_t words, uint32_t *end)
{
	const uint32_t *b = g->bucket;
	/* Of symbol n, word[n]; only used from the first one on. */
	const uint32_t *word = (const uint32_t *)((uintptr_t)g->word - 4ull * g->first);
	uint32_t at = g->first, stop = *last;

	if (!at || stop >= RTLD_MAX_SYMBOLS || (stop > at && !(word[stop - 1] & 1)))
		return false;
	while (at != stop) {
		while (*b != at)
			if (*b++)
				return false;
		b++;
		do
			at++;
		while (!(word[at - 1] & 1));
	}
	while (!*b)
		b++;
	if (words > stop - g->first + RTLD_MAX_CHAIN)
		words = stop - g->first + RTLD_MAX_CHAIN;
	while (at - g->first < words && !(word[at] & 1))
		at++;
	*end = at + 1;
	return b == last && at - g->first < words && at < RTLD_MAX_SYMBOLS;
}

/* The same for tables that may have anything in them, and what is wrong. */
static RTLD_COLD int walk_gnu_chains(struct rtld_module *m, uint64_t words)
{
	struct rtld_gnu *g = &m->gnu;
	const uint32_t *b = g->bucket, *buckets_end = b + g->buckets;
	const uint32_t *word = g->word, *end = word + words, *start;
	/* A bucket with value n starts at address zero + 4 n; only compared. */
	uint64_t zero = (uintptr_t)word - 4ull * g->first;

	for (; b < buckets_end; b++) {
		if (!*b)
			continue;
		if (zero + 4ull * *b != (uintptr_t)word)
			return fail_gnu(m, RTLD_GNU_HASH_BUCKET, b - g->bucket, *b,
					((uintptr_t)word - zero) / 4);
		start = word;
		do {
			if (word == end)
				return fail_gnu(m, RTLD_GNU_HASH_CHAIN, b - g->bucket, *b, words);
			if (word - start == RTLD_MAX_CHAIN)
				return fail_gnu(m, RTLD_HASH_CROWD, b - g->bucket, RTLD_MAX_CHAIN + 1,
						RTLD_MAX_CHAIN);
		} while (!(*word++ & 1));
		if (rtld_pay(m, CHAIN_STEPS * (word - start)))
			return PLINTH_E_LIMIT;
	}
	g->end = g->first + (uint32_t)(word - g->word);
	if (g->end < g->first || g->end > RTLD_MAX_SYMBOLS)
		return word == g->word ? 0
				       : rtld_fail(m, RTLD_SYMBOL_COUNT, RTLD_T_SYMTAB, 0,
						   (uint64_t)g->first + (word - g->word), RTLD_MAX_SYMBOLS);
	return 0;
}

/*
 * May there be a chain longer than RTLD_MAX_CHAIN? It would go through all of one of
 * these parts; usually, the first few words of each tell that none does.
 */
static bool has_crowd(const struct rtld_gnu *g)
{
	const uint32_t *word = g->word, *end = word + (g->end - g->first);
	uint32_t k;

	for (; end - word >= PART; word += PART) {
		for (k = 0; k < PART && !(word[k] & 1); k++)
			;
		if (k == PART)
			return true;
	}
	return false;
}

/* The last bucket that is not empty, if the way to its chain can be there and is paid for. */
static const uint32_t *find_last(struct rtld_module *m, uint32_t words)
{
	const struct rtld_gnu *g = &m->gnu;
	const uint32_t *last = g->bucket + g->buckets - 1;

	while (last > g->bucket && !*last)
		last--;
	if (*last < g->first || *last - g->first >= words ||
	    !rtld_spend(m->set, CHAIN_STEPS * (*last - g->first)))
		return NULL;
	return last;
}

static int check_gnu_chains(struct rtld_module *m, uint64_t words)
{
	const uint32_t *last;
	uint32_t end;

	if (words > RTLD_MAX_SYMBOLS)
		words = RTLD_MAX_SYMBOLS;
	last = find_last(m, words);
	if (!last || !skim_gnu_chains(&m->gnu, last, words, &end))
		return walk_gnu_chains(m, words);
	m->gnu.end = end;
	return has_crowd(&m->gnu) ? walk_gnu_chains(m, words) : 0;
}

static int fail_sysv(struct rtld_module *m, enum rtld_check check, uint64_t index, uint64_t value,
		     uint64_t limit)
{
	return rtld_fail(m, check, RTLD_T_SYSV_HASH, index, value, limit);
}

static int read_sysv_header(struct rtld_module *m)
{
	const struct elf64_sysv_hash *h;
	const void *at;
	uint64_t room, need;
	int err = rtld_tag_view(m, RTLD_DT_HASH, sizeof(*h), 4, &at);

	if (err)
		return err;
	h = at;
	if (!h->buckets)
		return fail_sysv(m, RTLD_SYSV_HASH_BUCKETS, 0, 0, 0);
	rtld_view_room(m, m->tag[RTLD_DT_HASH], &room);
	need = sizeof(*h) + 4 * ((uint64_t)h->buckets + h->chains);
	if (need > room)
		return fail_sysv(m, RTLD_SYSV_HASH_RANGE, 0, need, room);
	if (h->chains > RTLD_MAX_SYMBOLS)
		return rtld_fail(m, RTLD_SYMBOL_COUNT, RTLD_T_SYMTAB, 0, h->chains, RTLD_MAX_SYMBOLS);
	m->sysv.buckets = h->buckets;
	m->sysv.chains = h->chains;
	m->sysv.bucket = (const void *)(h + 1);
	m->sysv.chain = m->sysv.bucket + h->buckets;
	return rtld_pay(m, BUCKET_STEPS * h->buckets + CHAIN_STEPS * h->chains);
}

/* Chains that do not meet have, all together, no more steps than symbols. */
static int check_sysv_chains(struct rtld_module *m)
{
	const struct rtld_sysv *h = &m->sysv;
	uint64_t steps = 0, before;
	uint32_t b, i;

	for (i = 0; i < h->chains; i++)
		if (h->chain[i] >= h->chains)
			return fail_sysv(m, RTLD_SYSV_HASH_INDEX, (uint64_t)h->buckets + i, h->chain[i],
					 h->chains);
	for (b = 0; b < h->buckets; b++) {
		if (h->bucket[b] && h->bucket[b] >= h->chains)
			return fail_sysv(m, RTLD_SYSV_HASH_INDEX, b, h->bucket[b], h->chains);
		before = steps;
		for (i = h->bucket[b]; i; i = h->chain[i])
			if (++steps > h->chains)
				return fail_sysv(m, RTLD_SYSV_HASH_LOOP, b, i, h->chains);
		if (steps - before > RTLD_MAX_CHAIN)
			return fail_sysv(m, RTLD_HASH_CROWD, b, steps - before, RTLD_MAX_CHAIN);
	}
	return 0;
}

static int check_gnu(struct rtld_module *m)
{
	uint64_t words = 0;
	int err = read_gnu_header(m, &words);

	return err ? err : check_gnu_chains(m, words);
}

static int check_sysv(struct rtld_module *m)
{
	int err = read_sysv_header(m);

	return err ? err : check_sysv_chains(m);
}

int rtld_check_hash(struct rtld_module *m)
{
	bool gnu = rtld_has(m, RTLD_DT_GNU_HASH);
	bool sysv = rtld_has(m, RTLD_DT_HASH);
	int err = 0;

	if (!gnu && !sysv)
		return rtld_fail(m, RTLD_HASH_NONE, RTLD_T_GNU_HASH, 0, 0, 0);
	if (gnu)
		err = check_gnu(m);
	if (!err && sysv)
		err = check_sysv(m);
	if (!err && gnu && sysv && m->gnu.end > m->sysv.chains && m->gnu.end > m->gnu.first)
		err = rtld_fail(m, RTLD_HASH_COUNT, RTLD_T_GNU_HASH, 0, m->gnu.end, m->sysv.chains);
	return err;
}
