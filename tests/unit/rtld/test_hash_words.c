/* SPDX-License-Identifier: MIT */
/*
 * A definition is known by the hash word its file gives it. One whose word is not the hash of
 * its name is as if it were not there; it can never be taken for another one.
 */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <string.h>

#include "format.h"
#include "sample.h"

#define DT_GNU_HASH 0x6ffffef5ull

/* The word of an export in the GNU hash table. */
static uint32_t *word_of(const struct sample *s, const char *name)
{
	struct elf64_gnu_hash *h = (void *)sample_at(s, sample_dyn(s, DT_GNU_HASH)->value);
	struct elf64_sym *first = (void *)sample_at(s, sample_dyn(s, 6)->value);
	uint64_t *bloom = (uint64_t *)(h + 1);
	uint32_t *bucket = (uint32_t *)(bloom + h->bloom_words);
	uint64_t index = (uint64_t)(sample_symbol(s, name) - first);

	cr_assert_geq(index, h->symoffset);
	return bucket + h->buckets + (index - h->symoffset);
}

static void load(struct sample *base, struct sample *strong)
{
	sample_load(base, "base-gnu");
	sample_load(strong, "strong");
	/* From here on both are strong. */
	sample_symbol(base, "base_choice")->info = STB_GLOBAL << 4 | STT_FUNC;
}

static int link_pair(struct test_set *t, const struct sample *base, const struct sample *strong)
{
	test_set_open(t, 0);
	cr_assert_eq(test_set_add_sample(t, base), 0);
	cr_assert_eq(test_set_add_sample(t, strong), 1);
	test_set_place(t, TEST_BASE);
	return test_set_link(t);
}

Test(rtld_hash_words, clash_is_found_by_them)
{
	struct sample base, strong;
	struct test_set t;

	load(&base, &strong);
	cr_expect_eq(link_pair(&t, &base, &strong), PLINTH_E_LINK);
	cr_expect_eq(test_set_count(&t, RTLD_DEFINED_TWICE), 1);
	test_set_close(&t);
	sample_free(&base);
	sample_free(&strong);
}

/* The lie hides the definition, and with it the clash; the name leads to the other one. */
Test(rtld_hash_words, wrong_word_hides_its_definition)
{
	struct sample base, strong;
	struct test_set t;
	uint64_t run = 0;
	uint32_t bit;

	for (bit = 1; bit < 32; bit++) {
		load(&base, &strong);
		*word_of(&strong, "base_choice") ^= 1u << bit;
		cr_assert_eq(link_pair(&t, &base, &strong), 0, "bit %u", bit);
		cr_expect_eq(rtld_lookup(t.set, "base_choice", &run), 0);
		cr_expect_eq(run, rtld_info(t.set, 0)->run - rtld_info(t.set, 0)->low +
					  sample_symbol(&base, "base_choice")->value);
		test_set_close(&t);
		sample_free(&base);
		sample_free(&strong);
	}
}

/* Two names whose words are made equal are told apart by the names. */
Test(rtld_hash_words, stolen_word_binds_nothing)
{
	struct test_set t;
	struct sample base, user;

	sample_load(&base, "base-gnu");
	sample_load(&user, "user-gnu");
	*word_of(&base, "base_sum") =
		(*word_of(&base, "base_note") & ~1u) | (*word_of(&base, "base_sum") & 1);
	test_set_open(&t, 0);
	cr_assert_eq(test_set_add_sample(&t, &base), 0);
	cr_assert_eq(test_set_add_sample(&t, &user), 1);
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), PLINTH_E_NOSYM);
	cr_expect_eq(test_set_count(&t, RTLD_UNDEFINED), 1);
	cr_expect_str_eq(t.list[0].symbol, "base_sum");
	test_set_close(&t);
	sample_free(&base);
	sample_free(&user);
}

/* -- tables of any form -- */

struct form {
	const char *what, *file;
	uint32_t first, bucket[2], words;
	uint32_t ends; /* a bit for each word that ends a chain */
	enum rtld_check check;
};

static const struct form tables[] = {
	{"nothing in it", "base-gnu", 0, {0, 0}, 0, 0, RTLD_OK},
	{"nothing in it, of symbols that are not there", "base-gnu", 1u << 31, {0, 0}, 0, 0, RTLD_OK},
	{"nothing in it, beside a SysV table", "base-both", 1u << 31, {0, 0}, 0, 0, RTLD_OK},
	{"a chain of the null symbol", "base-gnu", 0, {0, 1}, 2, 3, RTLD_GNU_HASH_BUCKET},
	{"the highest symbol there may be",
	 "base-gnu",
	 RTLD_MAX_SYMBOLS - 1,
	 {RTLD_MAX_SYMBOLS - 1, 0},
	 1,
	 1,
	 RTLD_SYMBOL_RANGE},
	{"one above it", "base-gnu", RTLD_MAX_SYMBOLS, {RTLD_MAX_SYMBOLS, 0}, 1, 1, RTLD_SYMBOL_COUNT},
	{"both of them",
	 "base-gnu",
	 RTLD_MAX_SYMBOLS - 1,
	 {RTLD_MAX_SYMBOLS - 1, 0},
	 2,
	 2,
	 RTLD_SYMBOL_COUNT},
	{"numbers that wrap", "base-gnu", 0xfffffffe, {0xfffffffe, 0}, 3, 4, RTLD_SYMBOL_COUNT},
	{"a last chain without end", "base-gnu", 1, {1, 2}, 1, 1, RTLD_GNU_HASH_CHAIN},
};

static void write_table(const struct sample *s, const struct form *f)
{
	const struct elf64_phdr *p = sample_phdr(s, PT_LOAD, 0);
	struct elf64_gnu_hash *h = (void *)sample_at(s, sample_dyn(s, DT_GNU_HASH)->value);
	uint32_t *bucket = (uint32_t *)((uint64_t *)(h + 1) + h->bloom_words), *word = bucket + 2, i;

	cr_assert_geq(h->buckets, 3, "room for two and some words");
	h->buckets = 2;
	h->symoffset = f->first;
	memcpy(bucket, f->bucket, sizeof(f->bucket));
	for (i = 0; i < f->words; i++)
		word[i] = 2 * i | (f->ends >> i & 1);
	/* Whatever follows could end a chain. */
	if (f->check == RTLD_GNU_HASH_CHAIN)
		for (; (uint8_t *)&word[i + 1] <= s->bytes + p->offset + p->filesz; i++)
			word[i] &= ~1u;
}

Test(rtld_hash_words, tables_of_any_form)
{
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct form *f = &tables[i];
		struct test_set t;
		struct sample s;
		uint64_t run;
		int got;

		sample_load(&s, f->file);
		write_table(&s, f);
		test_set_open(&t, 0);
		got = test_set_add_sample(&t, &s);
		cr_expect_eq(got < 0, f->check != RTLD_OK, "%s", f->what);
		cr_expect_eq(t.errors.count, f->check != RTLD_OK, "%s", f->what);
		cr_expect_eq(t.list[0].check, f->check, "%s: %s", f->what, rtld_check_name(t.list[0].check));
		if (!got) {
			cr_expect_eq(rtld_info(t.set, 0)->exports, 0, "%s", f->what);
			cr_expect_eq(rtld_lookup_in(t.set, 0, "base_sum", &run), PLINTH_E_NOSYM);
		}
		sample_free(&s);
		test_set_close(&t);
	}
}
