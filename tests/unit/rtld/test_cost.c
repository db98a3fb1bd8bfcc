/* SPDX-License-Identifier: MIT */
/* Sets made to cost much: work not linear in the size of the files is refused soon, not done forever. */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

#define CROWD  60000u
#define NAME   40u	   /* bytes of a name and its NUL, padded */
#define TABLES 0x100000ull /* the address of the tables that are made here */

/* "aB" and "b!" have the same hash, so all these names have. */
static uint32_t make_names(char *names, uint32_t first, uint32_t n)
{
	uint32_t i, k, hash = 5381;

	for (i = 0; i < n; i++)
		for (k = 0; k < 16; k++)
			memcpy(names + NAME * i + 2 * k, (first + i) >> k & 1 ? "b!" : "aB", 2);
	for (k = 0; k < 32; k++)
		hash = hash * 33 + (uint8_t)names[k];
	return hash;
}

/* Tables of n symbols, named from `first` on, replace the sample's; gives the hash of all these names. */
struct tables {
	struct elf64_gnu_hash *head;
	uint32_t *bucket, *word;
	struct elf64_sym *sym;
	struct elf64_rela *rela;
	uint32_t hash;
};

static struct tables make_tables(struct sample *s, uint32_t first, uint32_t n)
{
	size_t symbols = 24 + 8 * (size_t)n, relas = symbols + 24 * (n + 1ull);
	size_t strings = relas + 24ull * n, length = 1 + NAME * (size_t)n;
	uint8_t *at = sample_extend(s, TABLES, PF_R, strings + length);
	struct tables t = {
		.head = (void *)at,
		.bucket = (uint32_t *)(at + 24),
		.word = (uint32_t *)(at + 24) + n,
		.sym = (void *)(at + symbols),
		.rela = (void *)(at + relas),
	};
	uint32_t i;

	*t.head = (struct elf64_gnu_hash){.buckets = n, .symoffset = n + 1, .bloom_words = 1};
	memset(at + 16, 0xff, 8);
	t.hash = make_names((char *)at + strings + 1, first, n);
	for (i = 0; i < n; i++)
		t.sym[i + 1] = (struct elf64_sym){.name = 1 + NAME * i, .info = STB_GLOBAL << 4 | STT_FUNC};
	sample_dyn(s, 0x6ffffef5)->value = TABLES;
	sample_dyn(s, 6)->value = TABLES + symbols;
	sample_dyn(s, 5)->value = TABLES + strings;
	sample_dyn(s, 10)->value = length;
	sample_dyn(s, 14)->value = 1;
	return t;
}

/*
 * The i-th hash word that leads to the place in the index where this one does: the
 * upper bits of the product, see rtld_index_slot(), are the same. Up to 10,000 of them.
 */
static uint32_t word_beside(uint32_t hash, uint32_t i)
{
	const uint32_t factor = 0x9e3779b1u, upper = (hash >> 1) * factor & ~0x7fffu;
	uint32_t inverse = factor, k, word;

	for (k = 0; k < 5; k++)
		inverse *= 2 - factor * inverse;
	for (k = 0;; k++) {
		word = (upper | k) * inverse;
		cr_assert(k < 0x8000);
		if (word < 1u << 31 && !i--)
			return word << 1;
	}
}

/* Definitions, each in a chain of its own: all with their hash, or with others that lead to one place. */
static void make_crowd(struct sample *s, uint32_t first, uint32_t n, bool lie)
{
	struct tables t;
	uint32_t i;

	sample_load(s, "strong");
	t = make_tables(s, first, n);
	t.head->symoffset = 1;
	for (i = 0; i < n; i++) {
		t.bucket[i] = i + 1;
		t.word[i] = (lie ? word_beside(t.hash, first % CROWD * 7 + i) : t.hash) | 1;
		t.sym[i + 1].shndx = 1;
	}
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
		t.rela[i] = (struct elf64_rela){.offset = place, .type = R_X86_64_64, .symbol = i + 1};
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

/* A crowd of names with one hash value, or of values for one place; and a few more, that must not go on. */
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

	make_crowd(&crowd, 0, 100, true);
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
	size_t symbols = 16 + 8ull * n, strings = symbols + 24 * (n + 1ull);
	struct elf64_sym *sym;
	struct test_set t;
	struct sample s;
	uint32_t *head, i;

	sample_load(&s, "base-sysv");
	head = sample_extend(&s, TABLES, PF_R, strings + n + length + 1);
	sym = (void *)((uint8_t *)head + symbols);
	memset((uint8_t *)head + strings + 1, 'x', n + length - 1);
	memcpy(head, (uint32_t[]){n, n + 1}, 8);
	for (i = 1; i <= n; i++) {
		head[1 + i] = i;
		sym[i] = (struct elf64_sym){.name = i, .info = STB_GLOBAL << 4 | STT_FUNC, .shndx = 1};
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

/* -- what must not be refused, and what must -- */

/* The i-th name of a kind that people and compilers make. */
static void honest_name(char *name, unsigned int kind, uint32_t i)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char a = letters[i % 62], b = letters[i / 62 % 62], c = letters[i / 3844 % 62];

	switch (kind) {
	case 0: snprintf(name, NAME, "func%u", i); break;
	case 1: snprintf(name, NAME, "msr_%08x_read", i); break;
	case 2: snprintf(name, NAME, "fx%c%c%c", a, b, c); break;
	case 3:
		snprintf(name, NAME, "reg_%c%c%c", 'A' + i / 676 % 26, 'A' + i / 26 % 26, 'A' + i % 26);
		break;
	case 4: snprintf(name, NAME, "_ZN4unit6method%02uEv%u", i % 100, i / 100); break;
	case 5: snprintf(name, NAME, "_ZN4core3fmt17h%08x%08xE", i * 2654435761u, i * 40503u); break;
	case 6: snprintf(name, NAME, "a%u_%u", i / 100, i % 100); break;
	default: snprintf(name, NAME, "op%u.v%u", i / 3, i % 3 + 1); break;
	}
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

/* Names that differ in little have hashes that do. */
Test(rtld_cost, names_that_people_make, .timeout = 30)
{
	static const uint32_t numbers[] = {100, 900, 3000, 10000};
	unsigned int kind, k;

	for (kind = 0; kind < 8; kind++)
		for (k = 0; k < 4; k++) {
			uint32_t n = numbers[k], i;
			struct test_set t;
			struct sample s;
			struct tables made;

			sample_load(&s, "strong");
			made = make_tables(&s, 0, n);
			made.head->symoffset = 1;
			for (i = 0; i < n; i++) {
				char *name = (char *)(made.rela + n) + 1 + NAME * i;

				memset(name, 0, NAME);
				honest_name(name, kind, i);
				made.bucket[i] = i + 1;
				made.word[i] = gnu_hash(name) | 1;
				made.sym[i + 1].shndx = 1;
			}
			test_set_open(&t, 0);
			cr_assert_eq(test_set_add_sample(&t, &s), 0, "kind %u, %u names", kind, n);
			expect_cost(&t, false);
			sample_free(&s);
			test_set_close(&t);
		}
}

/* So many PT_NOTEs with the same bytes. */
static void try_notes(uint32_t headers, uint32_t notes, bool expected)
{
	struct sample from, s;
	struct elf64_ehdr *e;
	struct test_set t;
	uint64_t at;
	uint32_t i;

	sample_load(&from, "base-gnu");
	at = from.size;
	sample_add_empty(&s, &from, 0, headers);
	sample_free(&from);
	/* The program headers are at the end of this copy: all zeroes of notes go behind a second one. */
	sample_copy(&from, &s);
	sample_free(&s);
	s = from;
	s.size += 12 * notes;
	s.bytes = calloc(1, s.size);
	memcpy(s.bytes, from.bytes, from.size);
	e = (void *)s.bytes;
	for (i = 0; i < headers; i++) {
		struct elf64_phdr *p = (struct elf64_phdr *)(s.bytes + e->phoff) + e->phnum - 1 - i;

		*p = (struct elf64_phdr){.type = PT_NOTE, .offset = from.size, .filesz = 12 * notes};
	}
	cr_assert_lt(at, from.size);
	test_set_open(&t, 0);
	cr_expect_eq(test_set_add_sample(&t, &s), expected ? PLINTH_E_LIMIT : 0);
	cr_expect_eq(test_set_count(&t, RTLD_PROBE_COST), expected);
	cr_expect_eq(t.errors.count, expected, "and nothing more is looked at");
	free(s.bytes);
	sample_free(&from);
	test_set_close(&t);
}

Test(rtld_cost, notes_over_the_same_bytes, .timeout = 30)
{
	try_notes(1, 100, false);
	try_notes(100, 10, false);
	try_notes(10, 1, false);
	try_notes(100, 10000, true);
	try_notes(1000, 10000, true);
}

static unsigned int pauses;

static bool count_pause(void)
{
	pauses++;
	return true;
}

/* Whoever must not be kept from other work can do it meanwhile. */
Test(rtld_cost, pauses, .timeout = 30)
{
	struct sample crowd;
	struct test_set t;

	make_crowd(&crowd, 0, 10000, true);
	test_set_open(&t, 0);
	rtld_set_pause(t.set, count_pause);
	cr_assert_eq(test_set_add_sample(&t, &crowd), 0);
	expect_cost(&t, true);
	cr_expect_geq(pauses, rtld_info(t.set, 0)->file_size >> 21, "%u", pauses);
	sample_free(&crowd);
	test_set_close(&t);
	/* And while an image is written. */
	pauses = 0;
	test_set_open(&t, 0);
	rtld_set_pause(t.set, count_pause);
	cr_assert_eq(test_set_add(&t, "base-gnu"), 0);
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), 0);
	cr_expect_gt(pauses, 3);
	test_set_close(&t);
}

static uint32_t patience;

static bool give_up(void)
{
	return pauses++ < patience;
}

/* Whoever does not want the result any more says so in a pause, and work ends there. */
Test(rtld_cost, a_pause_that_is_the_end, .timeout = 60)
{
	struct sample crowd;
	int err = PLINTH_E_LIMIT;

	make_crowd(&crowd, 0, CROWD, false);
	for (patience = 0; err; patience++) {
		struct test_set t;

		pauses = 0;
		test_set_open(&t, 0);
		rtld_set_pause(t.set, give_up);
		err = test_set_add_sample(&t, &crowd);
		if (err) {
			cr_assert_eq(err, PLINTH_E_LIMIT);
			cr_expect_eq(test_set_count(&t, RTLD_PROBE_COST), 1);
			cr_expect_leq(pauses, patience + 3, "%u pauses after the last", pauses - patience);
		}
		test_set_close(&t);
	}
	cr_expect_gt(patience, 1, "the file is too small to pause at");
	sample_free(&crowd);
}
