/* SPDX-License-Identifier: MIT */
/* What is checked of a set as a whole: everything wrong, not the first. */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

static const char *const forms[] = {
	"gnu", "lazy", "sysv", "both", "lld", "relr", "version", "tags", "marked",
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

static void add_pair(struct test_set *t, const char *form, uint32_t flags)
{
	char name[32];

	test_set_open(t, flags);
	snprintf(name, sizeof(name), "user-%s", form);
	cr_assert_eq(test_set_add(t, name), 0);
	snprintf(name, sizeof(name), "base-%s", form);
	cr_assert_eq(test_set_add(t, name), 1);
}

Test(rtld_set, pairs_link)
{
	size_t i;

	for (i = 0; i < FORMS; i++) {
		struct test_set t;

		add_pair(&t, forms[i], 0);
		test_set_place(&t, TEST_BASE);
		cr_expect_eq(test_set_link(&t), 0, "%s", forms[i]);
		cr_expect_eq(t.errors.count, 0);
		cr_expect_eq(rtld_in_order(t.set, 0), 1, "provider first");
		cr_expect_eq(rtld_in_order(t.set, 1), 0);
		cr_expect_eq(rtld_in_order(t.set, 2), PLINTH_E_NOSYM);
		test_set_close(&t);
	}
}

Test(rtld_set, all_undefined_are_named)
{
	static const char *const names[] = {
		"lonely_first",
		"lonely_second",
		"lonely_third",
	};
	struct test_set t;
	uint32_t i, k, seen = 0;

	test_set_open(&t, 0);
	test_set_add(&t, "strong");
	test_set_add(&t, "lonely");
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), PLINTH_E_NOSYM);
	cr_expect_eq(t.errors.count, 3);
	for (i = 0; i < 3; i++) {
		cr_expect_eq(t.list[i].check, RTLD_UNDEFINED);
		cr_expect_eq(t.list[i].module, 1);
		cr_expect_str_eq(t.list[i].file, "lonely.so");
		for (k = 0; k < 3; k++)
			seen |= !strcmp(t.list[i].symbol, names[k]) << k;
	}
	cr_expect_eq(seen, 7);
	/* Nothing was written. */
	for (i = 0; i < t.image[0].size; i++)
		cr_assert_eq(t.image[0].at[i], 0xa5);
	test_set_close(&t);
}

Test(rtld_set, undefined_under_elf_rules)
{
	struct test_set t;

	test_set_open(&t, RTLD_RULES_ELF);
	test_set_add(&t, "lonely");
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), 0);
	cr_expect_eq(test_set_count(&t, RTLD_UNDEFINED), 3);
	cr_expect_eq(t.errors.count, 3);
	test_set_close(&t);
}

Test(rtld_set, missing_needed)
{
	struct test_set t;

	test_set_open(&t, 0);
	test_set_add(&t, "user-gnu");
	test_set_place(&t, TEST_BASE);
	cr_expect_lt(test_set_link(&t), 0);
	cr_expect_eq(test_set_count(&t, RTLD_NEEDED_MISSING), 1);
	cr_expect_eq(test_set_count(&t, RTLD_UNDEFINED), 4, "and all symbols");
	test_set_close(&t);
}

Test(rtld_set, same_name_twice)
{
	struct test_set t;

	test_set_open(&t, 0);
	test_set_add(&t, "base-gnu");
	test_set_add(&t, "base-lld");
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), PLINTH_E_LINK);
	cr_expect_eq(test_set_count(&t, RTLD_NAME_TWICE), 1);
	/* Six strong definitions are there twice, the weak one may be. */
	cr_expect_eq(test_set_count(&t, RTLD_DEFINED_TWICE), 6);
	cr_expect_eq(t.errors.count, 7);
	cr_expect_eq(t.list[0].other, 0);
	cr_expect_eq(t.list[0].module, 1);
	test_set_close(&t);
}

/* Nobody wants these names; a clash is an error all the same. */
Test(rtld_set, defined_twice_in_sysv_tables)
{
	struct sample s;
	struct test_set t;

	test_set_open(&t, 0);
	test_set_add(&t, "base-sysv");
	sample_load(&s, "base-sysv");
	sample_dyn(&s, 14)->value++;
	test_set_add_sample(&t, &s);
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), PLINTH_E_LINK);
	cr_expect_eq(test_set_count(&t, RTLD_NAME_TWICE), 0);
	cr_expect_eq(test_set_count(&t, RTLD_DEFINED_TWICE), 6);
	sample_free(&s);
	test_set_close(&t);
}

/* user needs base; here base is a second user whose names are swapped. */
Test(rtld_set, cycles)
{
	struct sample s;
	struct test_set t;
	uint64_t name;

	sample_load(&s, "user-gnu");
	test_set_open(&t, 0);
	test_set_add_sample(&t, &s);
	name = sample_dyn(&s, 14)->value;
	sample_dyn(&s, 14)->value = sample_dyn(&s, 1)->value;
	sample_dyn(&s, 1)->value = name;
	test_set_add_sample(&t, &s);
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), PLINTH_E_LINK);
	cr_expect_eq(test_set_count(&t, RTLD_NEEDED_CYCLE), 1);
	test_set_close(&t);

	/* A module that needs itself. */
	test_set_open(&t, 0);
	sample_dyn(&s, 1)->value = sample_dyn(&s, 14)->value;
	test_set_add_sample(&t, &s);
	test_set_place(&t, TEST_BASE);
	cr_expect_lt(test_set_link(&t), 0);
	cr_expect_eq(test_set_count(&t, RTLD_NEEDED_CYCLE), 1);
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_set, strong_beats_weak)
{
	uint32_t flags, order;

	for (flags = 0; flags <= RTLD_RULES_ELF; flags++)
		for (order = 0; order < 2; order++) {
			uint64_t run, weak, strong;
			struct test_set t;

			test_set_open(&t, flags);
			test_set_add(&t, order ? "strong" : "base-gnu");
			test_set_add(&t, order ? "base-gnu" : "strong");
			test_set_place(&t, TEST_BASE);
			cr_expect_eq(test_set_link(&t), 0);
			rtld_lookup_in(t.set, order, "base_choice", &weak);
			rtld_lookup_in(t.set, !order, "base_choice", &strong);
			cr_expect_neq(weak, strong);
			cr_expect_eq(rtld_lookup(t.set, "base_choice", &run), 0);
			cr_expect_eq(run, flags && !order ? weak : strong, "flags %u order %u", flags, order);
			test_set_close(&t);
		}
}

Test(rtld_set, places)
{
	const struct rtld_info *info;
	struct test_set t;
	uint8_t *w;

	add_pair(&t, "gnu", 0);
	cr_expect_eq(test_set_link(&t), PLINTH_E_INVAL);
	cr_expect_eq(test_set_count(&t, RTLD_PLACE_MISSING), 2);
	test_set_place(&t, TEST_BASE);
	info = rtld_info(t.set, 0);
	w = info->write;
	t.errors.count = 0;
	cr_expect_eq(rtld_place(t.set, 0, w, TEST_BASE + 8), PLINTH_E_INVAL);
	cr_expect_eq(rtld_place(t.set, 0, w + 4, TEST_BASE), PLINTH_E_INVAL);
	cr_expect_eq(test_set_count(&t, RTLD_PLACE_ALIGN), 2);
	cr_expect_eq(rtld_place(t.set, 0, w, -(uint64_t)RTLD_PAGE), PLINTH_E_INVAL);
	cr_expect_eq(test_set_count(&t, RTLD_PLACE_WRAP), 1);
	cr_expect_eq(info->run, TEST_BASE);
	cr_expect_eq(rtld_place(t.set, 2, w, TEST_BASE), PLINTH_E_INVAL);
	test_set_close(&t);
}

Test(rtld_set, overlapping_places)
{
	const struct rtld_info *a, *b;
	struct test_set t;

	add_pair(&t, "gnu", 0);
	test_set_place(&t, TEST_BASE);
	a = rtld_info(t.set, 0);
	b = rtld_info(t.set, 1);
	rtld_place(t.set, 1, b->write, a->run + RTLD_PAGE);
	cr_expect_eq(test_set_link(&t), PLINTH_E_INVAL);
	rtld_place(t.set, 1, b->write, a->run - RTLD_PAGE);
	cr_expect_eq(test_set_link(&t), PLINTH_E_INVAL);
	rtld_place(t.set, 1, a->write + RTLD_PAGE, a->run + 0x100000);
	cr_expect_eq(test_set_link(&t), PLINTH_E_INVAL);
	cr_expect_eq(test_set_count(&t, RTLD_PLACE_OVERLAP), 3);
	test_set_close(&t);
}

/* Who only resolves gives no memory to write to; addresses are compared all the same, in any order. */
Test(rtld_set, places_that_are_not_written)
{
	static _Alignas(16) uint8_t work[1 << 16];
	const uint64_t second = TEST_BASE - 0x100000;
	struct test_set t;
	void *write[2];

	add_pair(&t, "gnu", 0);
	test_set_place(&t, TEST_BASE);
	write[0] = rtld_info(t.set, 0)->write;
	write[1] = rtld_info(t.set, 1)->write;
	rtld_place(t.set, 1, write[1], second);
	cr_expect_eq(rtld_resolve(t.set, work, sizeof(work)), 0);
	rtld_place(t.set, 0, NULL, TEST_BASE);
	cr_expect_eq(rtld_resolve(t.set, work, sizeof(work)), 0);
	rtld_place(t.set, 0, write[0], TEST_BASE);
	rtld_place(t.set, 1, NULL, second);
	cr_expect_eq(rtld_resolve(t.set, work, sizeof(work)), 0);
	rtld_place(t.set, 0, NULL, TEST_BASE);
	rtld_place(t.set, 1, NULL, TEST_BASE - RTLD_PAGE);
	cr_expect_eq(rtld_resolve(t.set, work, sizeof(work)), PLINTH_E_INVAL);
	cr_expect_eq(test_set_count(&t, RTLD_PLACE_OVERLAP), 1);
	test_set_close(&t);
}

Test(rtld_set, working_memory)
{
	struct test_set t;
	static _Alignas(16) uint8_t work[1 << 16];
	size_t size;

	add_pair(&t, "gnu", 0);
	test_set_place(&t, TEST_BASE);
	size = rtld_work_size(t.set);
	cr_expect_eq(rtld_link(t.set, work, size - 1), PLINTH_E_NOMEM);
	cr_expect_eq(rtld_link(t.set, work + 8, size), PLINTH_E_NOMEM);
	cr_expect_eq(rtld_link(t.set, NULL, size), PLINTH_E_NOMEM);
	cr_expect_eq(test_set_count(&t, RTLD_WORK_SIZE), 3);
	cr_expect_eq(rtld_link(t.set, work, size), 0);
	test_set_close(&t);
}

/* Of weak definitions the first counts. */
Test(rtld_set, weak_twice)
{
	struct test_set t;
	struct sample s;
	uint64_t run, first;

	sample_load(&s, "strong");
	sample_symbol(&s, "base_choice")->info = STB_WEAK << 4 | STT_FUNC;
	test_set_open(&t, 0);
	cr_assert_eq(test_set_add(&t, "base-gnu"), 0);
	cr_assert_eq(test_set_add_sample(&t, &s), 1);
	test_set_place(&t, TEST_BASE);
	cr_expect_eq(test_set_link(&t), 0);
	cr_assert_eq(rtld_lookup_in(t.set, 0, "base_choice", &first), 0);
	cr_assert_eq(rtld_lookup(t.set, "base_choice", &run), 0);
	cr_expect_eq(run, first);
	sample_free(&s);
	test_set_close(&t);
}

/* A library without DT_SONAME is needed by the path it was linked by: its file's name counts. */
Test(rtld_set, needed_by_a_path)
{
	static const struct {
		const char *needed;
		bool found;
	} cases[] = {
		{"./b.so", true}, {"/x/b.so", true}, {"x//b.so", true},
		{"b.so", true},	  {"x/b.s", false},  {"x/bb.so", false},
		{"b.so/", false}, {"/", false},	     {"b/b.so0", false},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample user, base;
		struct test_set t;
		char *strings;

		sample_load(&user, "user-gnu");
		strings = (char *)sample_at(&user, sample_dyn(&user, 5)->value);
		strcpy(strings + sample_dyn(&user, 1)->value, cases[i].needed);
		sample_load(&base, "base-gnu");
		sample_dyn(&base, 14)->tag = 21 /* DT_DEBUG */;
		strcpy(base.name, "lib/b.so");
		test_set_open(&t, 0);
		cr_assert_eq(test_set_add_sample(&t, &user), 0);
		cr_assert_eq(test_set_add_sample(&t, &base), 1);
		test_set_place(&t, TEST_BASE);
		cr_expect_eq(test_set_link(&t), cases[i].found ? 0 : PLINTH_E_LINK, "%s", cases[i].needed);
		cr_expect_eq(test_set_count(&t, RTLD_NEEDED_MISSING), !cases[i].found, "%s", cases[i].needed);
		if (cases[i].found)
			cr_expect_eq(rtld_in_order(t.set, 0), 1, "%s: provider first", cases[i].needed);
		sample_free(&user);
		sample_free(&base);
		test_set_close(&t);
	}
}

/* A module is not what the beginning of its name says; some of these names are looked for in one place. */
Test(rtld_set, beginning_of_a_name)
{
	char c;

	for (c = '0'; c <= 'z'; c++) {
		struct sample user, longer;
		struct test_set t;
		char *name;

		sample_load(&user, "user-gnu");
		name = (char *)sample_at(&user, sample_dyn(&user, 5)->value) + sample_dyn(&user, 1)->value;
		cr_assert_str_eq(name, "base.so");
		name[4] = c;
		sample_load(&longer, "strong");
		name = (char *)sample_at(&longer, sample_dyn(&longer, 5)->value) +
		       sample_dyn(&longer, 14)->value;
		cr_assert_str_eq(name, "strong.so");
		memcpy(name, "base?so.1", 9);
		name[4] = c;
		test_set_open(&t, 0);
		cr_assert_eq(test_set_add_sample(&t, &longer), 0);
		cr_assert_eq(test_set_add_sample(&t, &user), 1);
		test_set_place(&t, TEST_BASE);
		cr_expect_lt(test_set_link(&t), 0);
		cr_expect_eq(test_set_count(&t, RTLD_NEEDED_MISSING), 1, "%c", c);
		sample_free(&user);
		sample_free(&longer);
		test_set_close(&t);
	}
}
