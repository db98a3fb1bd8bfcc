/* SPDX-License-Identifier: MIT */
/* Names defined twice: in two files, or in two versions in one; which are a clash, and who else counts. */
#include <criterion/criterion.h>
#include <plinth/error.h>

#include "sample.h"

static void add_sample(struct test_set *t, const char *name)
{
	cr_assert_geq(test_set_add(t, name), 0);
}

/* Which of the two that twice.c has a reference from outside gets: 0 the old one, 1 the new one. */
static void expect_version(const struct sample *twice, uint32_t flags, bool first, int which)
{
	struct test_set t;
	uint64_t want, own = 0;

	test_set_open(&t, flags);
	if (!first)
		add_sample(&t, "wants");
	cr_assert_geq(test_set_add_sample(&t, twice), 0);
	if (first)
		add_sample(&t, "wants");
	test_set_place(&t, TEST_BASE);
	cr_assert_eq(test_set_link(&t), 0);
	cr_expect_eq(t.errors.count, 0);
	want = test_set_word_at(&t, !first, test_set_look_up(&t, "twice_pointers") + 8 * which);
	cr_expect_eq(test_set_word_at(&t, first, test_set_look_up(&t, "wants_pointer")), want, "flags %u",
		     flags);
	cr_expect_eq(test_set_look_up(&t, "twice"), want, "flags %u", flags);
	cr_expect_eq(rtld_lookup_in(t.set, !first, "twice", &own), 0);
	cr_expect_eq(own, want);
	test_set_close(&t);
}

/* Versions of a name in one file are no clash. A hidden one is for who asks for it, as no module does. */
Test(rtld_link, two_versions_of_a_name)
{
	static const char *const names[] = {"twice-gnu", "twice-sysv"};
	size_t i, turn;

	for (i = 0; i < 2; i++)
		for (turn = 0; turn < 2; turn++) {
			struct elf64_sym *symbol;
			struct sample s;
			uint16_t *version;
			size_t a, b;

			sample_load(&s, names[i]);
			symbol = (void *)sample_at(&s, sample_dyn(&s, 6)->value);
			version = (void *)sample_at(&s, sample_dyn(&s, 0x6ffffff0)->value);
			a = sample_symbol(&s, "twice") - symbol;
			for (b = a + 1; symbol[b].name != symbol[a].name; b++)
				;
			/* In the other order of the table. */
			if (turn) {
				struct elf64_sym swapped = symbol[a];
				uint16_t word = version[a];

				symbol[a] = symbol[b];
				symbol[b] = swapped;
				version[a] = version[b];
				version[b] = word;
			}
			expect_version(&s, 0, false, 1);
			expect_version(&s, 0, true, 1);
			/* Under the rules of ELF the first in the table counts, here as ever. */
			expect_version(&s, RTLD_RULES_ELF, true, version[a] & 0x8000 ? 0 : 1);
			sample_free(&s);
		}
}

/* Two of one version are a clash. */
Test(rtld_link, one_version_twice)
{
	struct elf64_sym *symbol;
	struct sample s;
	struct test_set t;
	uint16_t *version;
	size_t a, i;

	sample_load(&s, "twice-gnu");
	symbol = (void *)sample_at(&s, sample_dyn(&s, 6)->value);
	version = (void *)sample_at(&s, sample_dyn(&s, 0x6ffffff0)->value);
	a = sample_symbol(&s, "twice") - symbol;
	for (i = a + 1; symbol[i].name != symbol[a].name; i++)
		;
	version[i] = version[a] ^ 0x8000;
	test_set_open(&t, 0);
	cr_assert_eq(test_set_add_sample(&t, &s), 0);
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), PLINTH_E_LINK);
	cr_expect_eq(test_set_count(&t, RTLD_DEFINED_TWICE), 1);
	sample_free(&s);
	test_set_close(&t);
}

/* What C++ puts into each file that uses it: the first is for all. */
Test(rtld_set, unique_twice)
{
	static const struct {
		uint8_t bind[2];
		uint32_t clashes;
	} cases[] = {
		{{STB_GNU_UNIQUE, STB_GNU_UNIQUE}, 0},
		{{STB_GNU_UNIQUE, STB_GLOBAL}, 1},
		{{STB_GLOBAL, STB_GNU_UNIQUE}, 1},
	};
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t first, run;
		struct test_set t;

		test_set_open(&t, 0);
		for (k = 0; k < 2; k++) {
			struct sample s;

			sample_load(&s, k ? "strong" : "base-gnu");
			sample_symbol(&s, "base_choice")->info = cases[i].bind[k] << 4 | STT_FUNC;
			cr_assert_eq(test_set_add_sample(&t, &s), (int)k);
			sample_free(&s);
		}
		test_set_place(&t, TEST_BASE);
		cr_expect_eq(test_set_link(&t), cases[i].clashes ? PLINTH_E_LINK : 0, "case %zu", i);
		cr_expect_eq(test_set_count(&t, RTLD_DEFINED_TWICE), cases[i].clashes, "case %zu", i);
		cr_assert_eq(rtld_lookup_in(t.set, 0, "base_choice", &first), 0);
		cr_assert_eq(rtld_lookup(t.set, "base_choice", &run), 0);
		cr_expect_eq(run, first, "case %zu", i);
		test_set_close(&t);
	}
}

/* Two strong definitions clash unless both are constants, and equal. */
Test(rtld_set, constants_defined_twice)
{
	static const struct {
		uint16_t section[2];
		uint64_t value[2];
		uint32_t clashes;
	} cases[] = {
		{{SHN_ABS, SHN_ABS}, {7, 7}, 0},
		{{SHN_ABS, SHN_ABS}, {7, 8}, 1},
		{{SHN_ABS, 1}, {7, 7}, 1},
		{{1, SHN_ABS}, {7, 7}, 1},
	};
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct test_set t;

		test_set_open(&t, 0);
		for (k = 0; k < 2; k++) {
			struct elf64_sym *symbol;
			struct sample s;

			sample_load(&s, k ? "strong" : "base-gnu");
			symbol = sample_symbol(&s, "base_choice");
			symbol->info = STB_GLOBAL << 4 | STT_FUNC;
			symbol->shndx = cases[i].section[k];
			symbol->value = cases[i].value[k];
			cr_assert_eq(test_set_add_sample(&t, &s), (int)k);
			sample_free(&s);
		}
		test_set_place(&t, TEST_BASE);
		cr_expect_eq(test_set_link(&t), cases[i].clashes ? PLINTH_E_LINK : 0, "case %zu", i);
		cr_expect_eq(test_set_count(&t, RTLD_DEFINED_TWICE), cases[i].clashes, "case %zu", i);
		test_set_close(&t);
	}
}
