/* SPDX-License-Identifier: MIT */
/* What a link writes: values, permissions, order; and then it is run. */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sample.h"

static const char *const forms[] = {
	"gnu", "lazy", "sysv", "both", "lld", "relr", "version", "tags", "marked",
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

static void add(struct test_set *t, const char *what, const char *form)
{
	char name[32];

	snprintf(name, sizeof(name), "%s-%s", what, form);
	cr_assert_geq(test_set_add(t, name), 0);
}

/* Written in one place, to run in another. */
Test(rtld_link, values)
{
	size_t i;

	for (i = 0; i < FORMS; i++) {
		uint64_t numbers, table;
		struct test_set t;

		test_set_open(&t, 0);
		add(&t, "base", forms[i]);
		add(&t, "user", forms[i]);
		test_set_place(&t, TEST_BASE);
		cr_assert_eq(test_set_link(&t), 0);
		numbers = test_set_look_up(&t, "base_numbers");
		cr_expect_geq(numbers, TEST_BASE);
		cr_expect_eq(test_set_word_at(&t, 0, test_set_look_up(&t, "base_pointer")), numbers + 8, "%s",
			     forms[i]);
		cr_expect_eq(test_set_word_at(&t, 1, test_set_look_up(&t, "user_pointer")), numbers + 4, "%s",
			     forms[i]);
		table = test_set_look_up(&t, "user_table");
		cr_expect_eq(test_set_word_at(&t, 1, table), test_set_look_up(&t, "base_note"));
		cr_expect_eq(test_set_word_at(&t, 1, table + 8), test_set_look_up(&t, "base_note"));
		test_set_close(&t);
	}
}

/* In either table: what is added to is the linker's own. */
Test(rtld_link, addends_of_jump_slots)
{
	struct elf64_rela *r, *jump;
	struct sample s;
	struct test_set t;

	sample_load(&s, "user-lazy");
	r = sample_rela(&s, 7, R_X86_64_64);
	r->type = R_X86_64_JUMP_SLOT;
	r->addend = 4;
	jump = sample_rela(&s, 23, R_X86_64_JUMP_SLOT);
	jump->symbol = r->symbol;
	jump->addend = INT64_MIN;
	test_set_open(&t, 0);
	cr_assert_eq(test_set_add_sample(&t, &s), 0);
	add(&t, "base", "lazy");
	test_set_place(&t, TEST_BASE);
	cr_assert_eq(test_set_link(&t), 0);
	cr_expect_eq(test_set_word_at(&t, 0, TEST_BASE + r->offset), test_set_look_up(&t, "base_numbers"));
	cr_expect_eq(test_set_word_at(&t, 0, TEST_BASE + jump->offset), test_set_look_up(&t, "base_numbers"));
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_link, lookup)
{
	uint64_t run = 77, other;
	struct test_set t;
	size_t i;

	for (i = 0; i < FORMS; i++) {
		test_set_open(&t, 0);
		add(&t, "base", forms[i]);
		add(&t, "user", forms[i]);
		test_set_place(&t, TEST_BASE);
		cr_assert_eq(test_set_link(&t), 0);
		cr_expect_eq(rtld_lookup(t.set, "base_nothing", &run), PLINTH_E_NOSYM);
		cr_expect_eq(rtld_lookup(t.set, "", &run), PLINTH_E_NOSYM);
		cr_expect_eq(rtld_lookup(t.set, "base_log", &run), PLINTH_E_NOSYM, "hidden");
		cr_expect_eq(rtld_lookup_in(t.set, 1, "base_sum", &run), PLINTH_E_NOSYM);
		cr_expect_eq(rtld_lookup_in(t.set, 2, "base_sum", &run), PLINTH_E_INVAL);
		cr_expect_eq(run, 77, "untouched on failure");
		other = test_set_look_up(&t, "user_run");
		cr_expect_geq(other, rtld_info(t.set, 1)->run);
		test_set_close(&t);
	}
}

Test(rtld_link, symbol_at)
{
	struct rtld_symbol s;
	struct test_set t;
	uint64_t run;

	test_set_open(&t, 0);
	add(&t, "base", "gnu");
	add(&t, "user", "gnu");
	test_set_place(&t, TEST_BASE);
	cr_assert_eq(test_set_link(&t), 0);
	run = test_set_look_up(&t, "user_run");
	cr_assert_eq(rtld_symbol_at(t.set, run + 3, &s), 0);
	cr_expect_str_eq(s.name, "user_run");
	cr_expect_eq(s.offset, 3);
	cr_expect_eq(s.module, 1);
	cr_expect_gt(s.size, 3);
	cr_assert_eq(rtld_symbol_at(t.set, TEST_BASE, &s), 0);
	cr_expect_eq(s.name, NULL, "the ELF header has no symbol");
	cr_expect_eq(s.module, 0);
	cr_expect_eq(rtld_symbol_at(t.set, TEST_BASE - 1, &s), PLINTH_E_NOSYM);
	cr_expect_eq(rtld_symbol_at(t.set, 0, &s), PLINTH_E_NOSYM);
	test_set_close(&t);
}

/* Regions cover each PT_LOAD's pages exactly once, W^X, RELRO read-only. */
static void check_regions(const struct test_set *t, uint32_t module, bool relro, const char *form)
{
	const struct rtld_info *info = rtld_info(t->set, module);
	uint64_t end = info->run, sealed = 0, writable = 0;
	struct rtld_cursor at = {0};
	struct rtld_region r;

	while (rtld_next_region(t->set, module, &at, &r)) {
		cr_expect_geq(r.run, end);
		cr_expect_eq(r.run % RTLD_PAGE, 0);
		cr_expect_gt(r.size, 0);
		cr_expect_eq(r.size % RTLD_PAGE, 0);
		cr_expect_neq(r.perms & (RTLD_W | RTLD_X), RTLD_W | RTLD_X);
		cr_expect_not(r.sealed && r.perms & (RTLD_W | RTLD_X));
		cr_expect_eq(r.write - info->write, (int64_t)(r.run - info->run));
		end = r.run + r.size;
		sealed += r.sealed;
		writable += !!(r.perms & RTLD_W);
	}
	cr_expect_eq(end, info->run + info->image_size, "%s", form);
	cr_expect_eq(sealed > 0, relro, "%s", form);
	cr_expect_gt(writable, 0, "%s", form);
}

Test(rtld_link, regions)
{
	size_t i;

	for (i = 0; i < FORMS; i++) {
		struct test_set t;

		test_set_open(&t, 0);
		add(&t, "base", forms[i]);
		test_set_place(&t, TEST_BASE);
		cr_assert_eq(test_set_link(&t), 0);
		check_regions(&t, 0, strcmp(forms[i], "both") != 0, forms[i]);
		test_set_close(&t);
	}
}

static void protect(const struct test_set *t)
{
	uint32_t m;

	for (m = 0; m < rtld_count(t->set); m++) {
		struct rtld_cursor at = {0};
		struct rtld_region r;

		while (rtld_next_region(t->set, m, &at, &r)) {
			int prot = PROT_READ;

			prot |= r.perms & RTLD_W ? PROT_WRITE : 0;
			prot |= r.perms & RTLD_X ? PROT_EXEC : 0;
			cr_assert_eq(mprotect((void *)r.run, r.size, prot), 0);
		}
	}
}

static void call_all(const struct test_set *t, bool init, uint32_t *calls)
{
	struct rtld_cursor at = {0};
	uint32_t module;
	uint64_t run;

	while ((init ? rtld_next_init : rtld_next_fini)(t->set, &at, &run, &module)) {
		((void (*)(void))run)();
		calls[0]++;
	}
}

static int call(const struct test_set *t, const char *name, int x)
{
	return ((int (*)(int))test_set_look_up(t, name))(x);
}

/* The linked modules, run in this process with their final permissions. */
static void run_form(const char *form, bool strong)
{
	struct test_set t;
	uint32_t calls = 0;
	int *log;

	test_set_open(&t, 0);
	add(&t, "user", form); /* before what it needs */
	add(&t, "base", form);
	if (strong)
		test_set_add(&t, "strong");
	test_set_place_here(&t);
	cr_assert_eq(test_set_link(&t), 0);
	protect(&t);
	call_all(&t, true, &calls);
	cr_expect_eq(calls, 2, "%s", form);
	cr_expect_eq(*(int *)test_set_look_up(&t, "base_count"), 2);
	cr_expect_eq(call(&t, "base_last", 0), 200, "base starts first");
	cr_expect_eq(call(&t, "user_run", 7), 73);
	cr_expect_eq(call(&t, "user_weak", 0), -1);
	/* 7, 1 or 1000, "hidden"[0], [1], two zero bytes; and then 5 */
	cr_expect_eq(call(&t, "user_sum", 0), 7 + (strong ? 1000 : 1) + 'h' + 'i' + 5, "%s", form);
	calls = 0;
	call_all(&t, false, &calls);
	cr_expect_eq(calls, 2);
	cr_expect_eq(call(&t, "base_last", 0), 199, "base ends last");
	log = (int *)test_set_look_up(&t, "base_count");
	cr_expect_eq(*log, 5);
	test_set_close(&t);
}

Test(rtld_link, run)
{
	size_t i;

	for (i = 0; i < FORMS; i++) {
		run_form(forms[i], false);
		run_form(forms[i], true);
	}
}

/* An entry of the start functions that, relocated, is no code. */
Test(rtld_link, bad_start_function)
{
	struct elf64_rela *r;
	struct sample s;
	struct test_set t;
	uint64_t array, i;

	sample_load(&s, "base-gnu");
	array = sample_dyn(&s, 25)->value;
	r = sample_rela(&s, 7, 8);
	while (r->offset != array)
		r++;
	r->addend = 0x10;
	test_set_open(&t, 0);
	test_set_add_sample(&t, &s);
	test_set_place(&t, TEST_BASE);
	cr_expect_lt(test_set_link(&t), 0);
	cr_expect_eq(test_set_count(&t, RTLD_INIT_TARGET), 1);
	for (i = 0; i < t.image[0].size; i++)
		cr_assert_eq(t.image[0].at[i], 0, "wiped");
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_link, bindings)
{
	struct rtld_cursor at = {0};
	struct rtld_binding b;
	struct test_set t;
	uint32_t found = 0, nobody = 0;

	test_set_open(&t, 0);
	add(&t, "base", "gnu");
	add(&t, "user", "gnu");
	test_set_place(&t, TEST_BASE);
	cr_assert_eq(test_set_link(&t), 0);
	while (rtld_next_binding(t.set, 1, &at, &b)) {
		if (b.module == RTLD_NONE) {
			cr_expect(b.weak);
			cr_expect_eq(b.run, 0);
			nobody++;
		} else if (b.module == 0) {
			cr_expect_eq(b.run, test_set_look_up(&t, b.name));
			found++;
		}
	}
	cr_expect_eq(found, 4);
	cr_expect_eq(nobody, 2);
	test_set_close(&t);
}

/* What is called was checked; should it have changed since, it is checked again. */
Test(rtld_link, start_function_that_changed)
{
	struct rtld_cursor at = {0};
	const struct rtld_info *info;
	struct test_set t;
	uint64_t run, data;
	uint32_t module;

	test_set_open(&t, 0);
	add(&t, "base", "gnu");
	test_set_place(&t, TEST_BASE);
	cr_assert_eq(test_set_link(&t), 0);
	info = rtld_info(t.set, 0);
	cr_assert(rtld_next_init(t.set, &at, &run, &module));
	data = test_set_look_up(&t, "base_numbers");
	memcpy(info->write + (sample_dyn(&t.sample[0], 25)->value - info->low), &data, 8);
	at = (struct rtld_cursor){0};
	cr_expect_not(rtld_next_init(t.set, &at, &run, &module));
	test_set_close(&t);
}

/* The module that base's own reference to its weak function is bound to. */
static uint32_t own_choice(const struct sample *s)
{
	struct rtld_cursor at = {0};
	uint32_t found = RTLD_NONE;
	struct rtld_binding b;
	struct test_set t;

	test_set_open(&t, 0);
	cr_assert_eq(test_set_add_sample(&t, s), 0);
	cr_assert_eq(test_set_add(&t, "strong"), 1);
	test_set_place(&t, TEST_BASE);
	cr_assert_eq(test_set_link(&t), 0);
	while (rtld_next_binding(t.set, 0, &at, &b))
		if (b.name && !strcmp(b.name, "base_choice"))
			found = b.module;
	test_set_close(&t);
	return found;
}

/* A definition that is local, or protected, is what its own module gets, whatever others offer. */
Test(rtld_link, definitions_that_stay_in_their_module)
{
	struct elf64_sym *symbol;
	struct sample s;

	sample_load(&s, "base-sysv");
	symbol = sample_symbol(&s, "base_choice");
	cr_expect_eq(own_choice(&s), 1);
	symbol->other = STV_PROTECTED;
	cr_expect_eq(own_choice(&s), 0);
	symbol->other = STV_HIDDEN;
	cr_expect_eq(own_choice(&s), 0);
	symbol->other = STV_DEFAULT;
	symbol->info = STB_LOCAL << 4 | STT_FUNC;
	cr_expect_eq(own_choice(&s), 0);
	sample_free(&s);
}
