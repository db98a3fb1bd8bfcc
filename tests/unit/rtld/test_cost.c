/* SPDX-License-Identifier: MIT */
/* Sets made to cost much: work that is not linear in the size of the files is refused soon, not done forever. */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <string.h>

#include "sample.h"

#define CROWD	60000u
#define NAME	40u		/* bytes of a name and its NUL, padded */
#define TABLES	0x100000ull	/* the address of the tables that are made here */

/* "aB" and "b!" have the same hash, so all these names have. */
static uint32_t make_names(char *names, uint32_t first, uint32_t n)
{
	uint32_t i, k, hash = 5381;

	for (i = 0; i < n; i++)
		for (k = 0; k < 16; k++)
			memcpy(names + NAME * i + 2 * k,
			       (first + i) >> k & 1 ? "b!" : "aB", 2);
	for (k = 0; k < 32; k++)
		hash = hash * 33 + (uint8_t)names[k];
	return hash;
}

/* Tables of n symbols, named from `first` on, replace those of the sample; gives the hash of all these names. */
struct tables {
	struct elf64_gnu_hash *head;
	uint32_t *bucket, *word;
	struct elf64_sym *sym;
	struct elf64_rela *rela;
	uint32_t hash;
};

static struct tables make_tables(struct sample *s, uint32_t first, uint32_t n)
{
	size_t symbols = 32 + (4 * (size_t)n + 7) / 8 * 8, relas = symbols + 24 * (n + 1ull);
	size_t strings = relas + 24ull * n, length = 1 + NAME * (size_t)n;
	uint8_t *at = sample_extend(s, TABLES, PF_R, strings + length);
	struct tables t = {
		.head = (void *)at, .bucket = (uint32_t *)(at + 24), .word = (uint32_t *)(at + 28),
		.sym = (void *)(at + symbols), .rela = (void *)(at + relas),
	};
	uint32_t i;

	*t.head = (struct elf64_gnu_hash){ .buckets = 1, .symoffset = n + 1, .bloom_words = 1 };
	memset(at + 16, 0xff, 8);
	t.hash = make_names((char *)at + strings + 1, first, n);
	for (i = 0; i < n; i++)
		t.sym[i + 1] = (struct elf64_sym){ .name = 1 + NAME * i, .info = STB_GLOBAL << 4 | STT_FUNC };
	sample_dyn(s, 0x6ffffef5)->value = TABLES;
	sample_dyn(s, 6)->value = TABLES + symbols;
	sample_dyn(s, 5)->value = TABLES + strings;
	sample_dyn(s, 10)->value = length;
	sample_dyn(s, 14)->value = 1;
	return t;
}

/* Definitions in one chain: all with their hash, or with others that lead to the same place. */
static void make_crowd(struct sample *s, uint32_t first, uint32_t n, bool lie)
{
	struct tables t;
	uint32_t i;

	sample_load(s, "strong");
	t = make_tables(s, first, n);
	t.head->symoffset = t.bucket[0] = 1;
	for (i = 0; i < n; i++) {
		t.word[i] = (lie ? (t.hash & 0x7fff) | (first + i) << 15 : t.hash) & ~1u;
		t.sym[i + 1].shndx = 1;
	}
	t.word[n - 1] |= 1;
}

/* References to that place that nobody defines. */
static void make_readers(struct sample *s, uint32_t n)
{
	uint64_t place;
	struct tables t;
	uint32_t i;

	sample_load(s, "user-gnu");
	place = sample_rela(s, 7, R_X86_64_64)->offset;
	t = make_tables(s, CROWD, n);
	for (i = 0; i < n; i++)
		t.rela[i] = (struct elf64_rela){ .offset = place, .type = R_X86_64_64, .symbol = i + 1 };
	sample_dyn(s, 1)->tag = 21 /* DT_DEBUG */;
	sample_dyn(s, 7)->value = TABLES + ((uint8_t *)t.rela - (uint8_t *)t.head);
	sample_dyn(s, 8)->value = n * sizeof(*t.rela);
}

static void expect_cost(struct test_set *t, bool expected)
{
	int err;

	test_set_place(t, TEST_BASE);
	err = test_set_link(t);
	cr_expect_eq(err == PLINTH_E_LIMIT, expected, "%d", err);
	cr_expect_eq(test_set_count(t, RTLD_LINK_COST), expected);
}

static void try_crowd(uint32_t n, bool lie, bool expected)
{
	struct sample crowd, more;
	struct test_set t;

	make_crowd(&crowd, 0, n, lie);
	make_crowd(&more, CROWD, 20, lie);
	test_set_open(&t, 0);
	cr_assert_eq(test_set_add_sample(&t, &crowd), 0);
	cr_assert_eq(test_set_add_sample(&t, &more), 1);
	cr_expect_eq(rtld_info(t.set, 0)->exports, n);
	expect_cost(&t, expected);
	sample_free(&crowd);
	sample_free(&more);
	test_set_close(&t);
}

/* A crowd of names with one hash value, or of hash values for one place; and a few more, that must not go on. */
Test(rtld_cost, equal_hash_values, .timeout = 30)
{
	try_crowd(100, false, false);
	try_crowd(CROWD, false, true);
	try_crowd(100, true, false);
	try_crowd(5000, true, true);
}

/* A crowd that can be entered, and readers that each go past all of it. */
static uint32_t undefined(uint32_t readers, bool expected)
{
	struct sample crowd, user;
	struct test_set t;
	uint32_t n;

	make_crowd(&crowd, 0, 200, true);
	make_readers(&user, readers);
	test_set_open(&t, 0);
	t.errors.room = 0;
	cr_assert_eq(test_set_add_sample(&t, &crowd), 0);
	cr_assert_eq(test_set_add_sample(&t, &user), 1);
	t.errors.room = TEST_ERRORS;
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), expected ? PLINTH_E_LIMIT : PLINTH_E_NOSYM);
	n = t.errors.count;
	sample_free(&crowd);
	sample_free(&user);
	test_set_close(&t);
	return n;
}

/* Who was not looked for is not called undefined. */
Test(rtld_cost, references_that_go_far, .timeout = 30)
{
	uint32_t n;

	cr_expect_eq(undefined(10, false), 10);
	n = undefined(2000, true);
	cr_expect(n > 10 && n < 2000, "%u findings", n);
}

/* Exports of an older table, which has no hashes of use: each name is the end of the one before. */
static void try_long_names(uint32_t n, uint32_t length, bool expected)
{
	size_t symbols = (8 + 4 * (n + 2ull) + 7) / 8 * 8, strings = symbols + 24 * (n + 1ull);
	struct elf64_sym *sym;
	struct test_set t;
	struct sample s;
	uint32_t *head, i;

	sample_load(&s, "base-sysv");
	head = sample_extend(&s, TABLES, PF_R, strings + n + length + 1);
	sym = (void *)((uint8_t *)head + symbols);
	memset((uint8_t *)head + strings + 1, 'x', n + length - 1);
	memcpy(head, (uint32_t[]){ 1, n + 1, 1 }, 12);
	for (i = 1; i <= n; i++) {
		head[3 + i] = i < n ? i + 1 : 0;
		sym[i] = (struct elf64_sym){ .name = i, .info = STB_GLOBAL << 4 | STT_FUNC, .shndx = 1 };
	}
	sample_dyn(&s, 4)->value = TABLES;
	sample_dyn(&s, 6)->value = TABLES + symbols;
	sample_dyn(&s, 5)->value = TABLES + strings;
	sample_dyn(&s, 10)->value = n + length + 1;
	sample_dyn(&s, 14)->value = 1;
	test_set_open(&t, 0);
	cr_assert_eq(test_set_add_sample(&t, &s), 0);
	cr_expect_eq(rtld_info(t.set, 0)->exports, n);
	expect_cost(&t, expected);
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_cost, long_names, .timeout = 30)
{
	try_long_names(100, 50, false);
	try_long_names(1000, 100000, true);
}
