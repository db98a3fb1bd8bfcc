/* SPDX-License-Identifier: MIT */
/* Callers that are wrong: an error or "no such thing", and nothing is touched. */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sample.h"

#define NOBODY 99u

static void open_placed(struct test_set *t)
{
	test_set_open(t, 0);
	cr_assert_eq(test_set_add(t, "base-gnu"), 0);
	cr_assert_eq(test_set_add(t, "user-gnu"), 1);
	test_set_place(t, TEST_BASE);
}

Test(rtld_arguments, sets_that_cannot_be)
{
	static _Alignas(16) uint8_t arena[1 << 16];
	struct rtld_error list[1];
	struct rtld_errors errors = {.list = list, .room = 1};
	size_t size = rtld_set_size(2);

	cr_assert_leq(size, sizeof(arena));
	cr_expect_eq(rtld_set_size(0), 0);
	cr_expect_eq(rtld_set_size(RTLD_MAX_MODULES + 1), 0);
	cr_expect_gt(rtld_set_size(RTLD_MAX_MODULES), size);
	cr_expect_null(rtld_set_init(arena, sizeof(arena), 0, 0, &errors));
	cr_expect_null(rtld_set_init(arena, size - 1, 2, 0, &errors));
	cr_expect_null(rtld_set_init(NULL, size, 2, 0, &errors));
	cr_expect_null(rtld_set_init(arena + 8, size, 2, 0, &errors));
	cr_expect_null(rtld_set_init(arena, size, 2, 0, NULL));
	cr_expect_null(rtld_set_init(arena, size, 2, 4, &errors));
	cr_expect_eq(rtld_set_init(arena, size, 2, 0, &errors), (void *)arena);
}

Test(rtld_arguments, files_that_are_none)
{
	struct test_set t;

	test_set_open(&t, 0);
	cr_expect_eq(rtld_probe(t.set, NULL, "x", 1), PLINTH_E_INVAL);
	cr_expect_eq(rtld_probe(t.set, "x.so", NULL, 1), PLINTH_E_INVAL);
	cr_expect_eq(rtld_count(t.set), 0);
	cr_expect_eq(t.errors.count, 0);
	test_set_close(&t);
}

/* A size that no file has is refused before a byte of it is read. */
Test(rtld_arguments, a_file_that_is_too_large)
{
	struct sample s;
	struct test_set t;

	test_set_open(&t, 0);
	sample_load(&s, "base-gnu");
	cr_expect_eq(rtld_probe(t.set, "x.so", s.bytes, RTLD_MAX_FILE + 1), PLINTH_E_FORMAT);
	cr_expect_eq(test_set_count(&t, RTLD_FILE_SIZE), 1);
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_arguments, modules_that_are_not_there)
{
	struct rtld_symbol_table table;
	struct rtld_cursor at = {0};
	struct rtld_binding binding;
	struct rtld_segment segment;
	struct rtld_region region;
	struct test_set t;
	uint64_t run = 77;
	size_t size = 77;

	open_placed(&t);
	cr_assert_eq(test_set_link(&t), 0);
	cr_expect_null(rtld_info(t.set, NOBODY));
	cr_expect_not(rtld_segment(t.set, NOBODY, 0, &segment));
	cr_expect_not(rtld_segment(t.set, 0, NOBODY, &segment));
	cr_expect_null(rtld_next_needed(t.set, NOBODY, &(uint32_t){0}));
	cr_expect_null(rtld_next_needed(t.set, 1, &(uint32_t){NOBODY}));
	cr_expect_eq(rtld_needs(t.set, NOBODY), 0);
	cr_expect_not(rtld_next_region(t.set, NOBODY, &at, &region));
	cr_expect_not(rtld_lazy_region(t.set, NOBODY, &region));
	cr_expect_not(rtld_is_lazy(t.set, NOBODY));
	cr_expect_eq(rtld_jump_slots(t.set, NOBODY), 0);
	cr_expect_gt(rtld_jump_slots(t.set, 1), 0);
	cr_expect_eq(rtld_lookup_in(t.set, NOBODY, "base_note", &run), PLINTH_E_INVAL);
	cr_expect_eq(run, 77);
	cr_expect_not(rtld_symbol_table(t.set, NOBODY, &table));
	cr_expect_null(rtld_find_note(t.set, NOBODY, "Plinth", 42, &size));
	cr_expect_not(rtld_next_binding(t.set, NOBODY, &at, &binding));
	cr_expect_eq(rtld_place(t.set, NOBODY, t.image[0].at, TEST_BASE), PLINTH_E_INVAL);
	cr_expect_not(rtld_has_build_id(t.set, NOBODY));
	cr_expect(rtld_has_build_id(t.set, 0));
	test_set_close(&t);
}

/* Before its time. */
Test(rtld_arguments, what_is_not_known_yet)
{
	struct rtld_symbol_table table;
	struct rtld_cursor at = {0};
	struct rtld_binding binding;
	struct test_set t;

	test_set_open(&t, 0);
	cr_assert_eq(test_set_add(&t, "base-gnu"), 0);
	cr_expect_not(rtld_symbol_table(t.set, 0, &table), "not placed");
	cr_expect_not(rtld_next_binding(t.set, 0, &at, &binding), "not resolved");
	cr_expect_eq(rtld_plan_size(t.set), 0, "not resolved");
	test_set_close(&t);
}

Test(rtld_arguments, owners_of_notes)
{
	static const char *const wrong[] = {
		"", "P", "Plint", "Plinth ", "plinth", "Plinti",
	};
	struct test_set t;
	size_t size, i;

	open_placed(&t);
	cr_expect_not_null(rtld_find_note(t.set, 0, "Plinth", 42, &size));
	cr_expect_eq(size, 8);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_null(rtld_find_note(t.set, 0, wrong[i], 42, &size), "\"%s\"", wrong[i]);
	cr_expect_null(rtld_find_note(t.set, 0, "Plinth", 43, &size));
	test_set_close(&t);
}

Test(rtld_arguments, places_that_cannot_be)
{
	struct test_set t;
	uint8_t *at;

	open_placed(&t);
	at = t.image[0].at;
	cr_expect_eq(rtld_place(t.set, 0, at, TEST_BASE + 1), PLINTH_E_INVAL);
	cr_expect_eq(rtld_place(t.set, 0, at, TEST_BASE + 8), PLINTH_E_INVAL);
	cr_expect_eq(rtld_place(t.set, 0, at + 4, TEST_BASE), PLINTH_E_INVAL);
	cr_expect_eq(test_set_count(&t, RTLD_PLACE_ALIGN), 3);
	cr_expect_eq(rtld_place(t.set, 0, at, 0ull - RTLD_PAGE), PLINTH_E_INVAL);
	cr_expect_eq(test_set_count(&t, RTLD_PLACE_WRAP), 1);
	test_set_close(&t);
}

/* More than a page of alignment: of the place, or of address 0 of the file. */
Test(rtld_arguments, places_of_large_alignment)
{
	const struct rtld_info *info;
	struct test_set t;

	test_set_open(&t, 0);
	cr_assert_eq(test_set_add(&t, "odd"), 0);
	info = rtld_info(t.set, 0);
	cr_assert_gt(info->align, 2 * RTLD_PAGE);
	cr_assert_neq(info->low % info->align, 0);
	cr_expect_eq(rtld_place(t.set, 0, NULL, TEST_BASE), 0);
	cr_expect_eq(rtld_place(t.set, 0, NULL, TEST_BASE + info->low), 0);
	cr_expect_eq(rtld_place(t.set, 0, NULL, TEST_BASE + info->low + RTLD_PAGE), PLINTH_E_INVAL);
	cr_expect_eq(test_set_count(&t, RTLD_PLACE_ALIGN), 1);
	cr_expect_eq(info->run, TEST_BASE + info->low);
	test_set_close(&t);
}

/* Where a module cannot be written it can be resolved, but not linked. */
Test(rtld_arguments, a_module_that_cannot_be_written)
{
	struct test_set t;
	size_t size;
	void *work;

	open_placed(&t);
	cr_assert_eq(rtld_place(t.set, 1, NULL, rtld_info(t.set, 1)->run), 0);
	size = rtld_work_size(t.set);
	work = aligned_alloc(16, (size + 15) / 16 * 16);
	cr_expect_eq(rtld_resolve(t.set, work, size), 0);
	cr_expect_eq(rtld_link(t.set, work, size), PLINTH_E_INVAL);
	cr_expect_eq(test_set_count(&t, RTLD_PLACE_MISSING), 1);
	cr_expect_eq(t.list[0].module, 1);
	cr_expect_eq(t.image[0].at[0], 0xa5, "nor is another one written");
	free(work);
	test_set_close(&t);
}

Test(rtld_arguments, plans_that_cannot_be_written)
{
	struct test_set t;
	uint8_t *plan;
	size_t size;

	open_placed(&t);
	cr_assert_eq(test_set_link(&t), 0);
	size = rtld_plan_size(t.set);
	plan = malloc(size + 4);
	cr_expect_eq(rtld_plan_write(t.set, plan, 0), PLINTH_E_INVAL);
	cr_expect_eq(rtld_plan_write(t.set, plan, size - 1), PLINTH_E_INVAL);
	cr_expect_eq(rtld_plan_write(t.set, plan + 1, size), PLINTH_E_INVAL);
	cr_expect_eq(rtld_plan_write(t.set, plan, size), 0);
	free(plan);
	test_set_close(&t);
}

/* A plan of three modules says nothing about two of them; and what is said of it wants room. */
Test(rtld_arguments, a_plan_of_another_number_of_modules)
{
	struct test_set t, other;
	size_t size, work_size;
	void *plan, *work;
	char line[128];

	open_placed(&other);
	cr_assert_eq(test_set_add(&other, "strong"), 2);
	test_set_place(&other, TEST_BASE);
	cr_assert_eq(test_set_link(&other), 0);
	size = rtld_plan_size(other.set);
	plan = malloc(size);
	cr_assert_eq(rtld_plan_write(other.set, plan, size), 0);
	open_placed(&t);
	work_size = rtld_work_size(t.set);
	work = aligned_alloc(16, (work_size + 15) / 16 * 16);
	rtld_set_plan(t.set, plan, size);
	cr_expect_eq(rtld_link(t.set, work, work_size), 0);
	cr_expect_not(rtld_plan_used(t.set));
	cr_expect_eq(rtld_plan_result(t.set).state, RTLD_PLAN_COUNT);
	rtld_format_plan(t.set, line, sizeof(line));
	cr_expect_str_eq(line, "not used: it is for another number of modules");
	cr_expect_eq(rtld_format_plan(t.set, line, 0), 0);
	free(work);
	free(plan);
	test_set_close(&t);
	test_set_close(&other);
}
