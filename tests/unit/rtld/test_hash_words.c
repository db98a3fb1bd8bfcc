/* SPDX-License-Identifier: MIT */
/*
 * A definition is known by the hash word its file gives it. One whose word is not the hash of
 * its name is as if it were not there; it can never be taken for another one.
 */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <string.h>

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
