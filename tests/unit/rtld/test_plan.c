/* SPDX-License-Identifier: MIT */
/* Link plans: used when they fit, and never to be trusted. */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sample.h"

static void open_set(struct test_set *t, uint32_t flags)
{
	test_set_open(t, flags);
	cr_assert_eq(test_set_add(t, "base-gnu"), 0);
	cr_assert_eq(test_set_add(t, "user-gnu"), 1);
	cr_assert_eq(test_set_add(t, "strong"), 2);
	test_set_place(t, TEST_BASE);
}

/* The same modules, but base as it was changed. */
static void open_changed(struct test_set *t, const struct sample *base)
{
	test_set_open(t, 0);
	cr_assert_eq(test_set_add_sample(t, base), 0);
	cr_assert_eq(test_set_add(t, "user-gnu"), 1);
	cr_assert_eq(test_set_add(t, "strong"), 2);
	test_set_place(t, TEST_BASE);
}

static uint32_t *make_plan(struct test_set *t, size_t *size)
{
	uint32_t *plan;

	cr_assert_eq(test_set_link(t), 0);
	*size = rtld_plan_size(t->set);
	cr_assert_gt(*size, 0);
	plan = malloc(*size + 64);
	cr_assert_eq(rtld_plan_write(t->set, plan, *size), 0);
	return plan;
}

static const char *name_in(const struct sample *s, uint32_t symbol)
{
	struct elf64_sym *sym = (void *)sample_at(s, sample_dyn(s, 6)->value);

	return (char *)sample_at(s, sample_dyn(s, 5)->value) + sym[symbol].name;
}

/* Who writes a plan decides among definitions of one name, and no more. */
static void expect_names(const struct test_set *t)
{
	uint32_t m;

	for (m = 0; m < rtld_count(t->set); m++) {
		struct rtld_cursor at = {0};
		struct rtld_binding b;

		while (rtld_next_binding(t->set, m, &at, &b))
			if (b.module != RTLD_NONE)
				cr_assert_str_eq(name_in(&t->sample[b.module], b.symbol), b.name);
			else
				cr_assert(b.weak, "%s", b.name);
	}
}

/* Like test_set_link(), but with this plan; says whether it was used. */
static bool link_with(struct test_set *t, const void *plan, size_t size)
{
	size_t work_size = rtld_work_size(t->set);
	void *work = aligned_alloc(16, (work_size + 15) / 16 * 16);
	int err;

	rtld_set_plan(t->set, plan, size);
	err = rtld_link(t->set, work, work_size);
	cr_assert_eq(err, 0);
	cr_assert_eq(t->errors.count, 0);
	expect_names(t);
	free(work);
	return rtld_plan_used(t->set);
}

static uint64_t sum_images(const struct test_set *t)
{
	uint64_t sum = 0, i;
	uint32_t m;

	for (m = 0; m < 3; m++)
		for (i = 0; i < rtld_info(t->set, m)->image_size; i++)
			sum = sum * 31 + t->image[m].at[i];
	return sum;
}

/* Whatever a byte of it is changed to, the images are as without a plan. */
Test(rtld_plan, every_byte)
{
	static const uint8_t change[] = {0x01, 0x40, 0xff};
	struct test_set t;
	uint32_t used = 0;
	uint8_t *plan;
	uint64_t sum;
	size_t size, at, c;

	open_set(&t, 0);
	plan = (uint8_t *)make_plan(&t, &size);
	sum = sum_images(&t);
	cr_assert(link_with(&t, plan, size));
	for (at = 0; at < size; at++)
		for (c = 0; c < 3; c++) {
			plan[at] ^= change[c];
			used += link_with(&t, plan, size);
			cr_assert_eq(sum_images(&t), sum, "byte %zu", at);
			plan[at] ^= change[c];
		}
	/* Of three entries the length is not looked at: their symbols were bound by earlier ones. */
	cr_expect_leq(used, 3 * 3 * 4, "%u changed plans were used", used);
	free(plan);
	test_set_close(&t);
}

Test(rtld_plan, every_length)
{
	struct test_set t;
	uint8_t *plan;
	size_t size, n;

	open_set(&t, 0);
	plan = (uint8_t *)make_plan(&t, &size);
	for (n = 0; n < size; n++) {
		struct fence f;
		uint8_t *at;

		fence_open(&f, n ? n : 1);
		at = f.at + f.size - (n + 3) / 4 * 4;
		memcpy(at, plan, n);
		cr_expect_not(link_with(&t, at, n), "%zu bytes", n);
		fence_close(&f);
	}
	cr_expect_not(link_with(&t, plan, size + 4));
	cr_expect_not(link_with(&t, plan + 1, size));
	free(plan);
	test_set_close(&t);
}

/* The same build-id, and yet another name: the plan does not hide it. */
Test(rtld_plan, changed_file)
{
	struct test_set good, t;
	struct elf64_sym *sym;
	struct sample s;
	uint32_t *plan;
	uint8_t *name;
	size_t size, work_size;
	void *work;

	open_set(&good, 0);
	plan = make_plan(&good, &size);
	sample_load(&s, "base-gnu");
	sym = sample_symbol(&s, "base_sum");
	name = sample_at(&s, sample_dyn(&s, 5)->value) + sym->name;
	name[7] = 'n';
	open_changed(&t, &s);
	work_size = rtld_work_size(t.set);
	work = aligned_alloc(16, (work_size + 15) / 16 * 16);
	rtld_set_plan(t.set, plan, size);
	cr_expect_eq(rtld_link(t.set, work, work_size), PLINTH_E_NOSYM);
	cr_expect_eq(test_set_count(&t, RTLD_UNDEFINED), 1);
	cr_expect_not(rtld_plan_used(t.set));
	free(work);
	free(plan);
	sample_free(&s);
	test_set_close(&t);
	test_set_close(&good);
}

/* Other rules, another order, another number of modules. */
Test(rtld_plan, other_set)
{
	struct test_set t, other;
	uint32_t *plan;
	size_t size;

	open_set(&t, 0);
	plan = make_plan(&t, &size);
	open_set(&other, RTLD_RULES_ELF);
	cr_expect_not(link_with(&other, plan, size));
	test_set_close(&other);
	test_set_open(&other, 0);
	test_set_add(&other, "user-gnu");
	test_set_add(&other, "base-gnu");
	test_set_add(&other, "strong");
	test_set_place(&other, TEST_BASE);
	cr_expect_not(link_with(&other, plan, size));
	test_set_close(&other);
	cr_expect_eq(rtld_plan_write(t.set, plan, size - 4), PLINTH_E_INVAL);
	free(plan);
	test_set_close(&t);
}

static void expect_text(const struct test_set *t, const char *text)
{
	char line[128];
	size_t n;

	n = rtld_format_plan(t->set, line, sizeof(line));
	cr_expect_eq(n, strlen(line));
	cr_expect(!strncmp(line, text, strlen(text)), "%s", line);
	n = rtld_format_plan(t->set, line, 8);
	cr_expect_leq(n, 7);
	cr_expect_eq(line[n], 0);
}

/* Each reason for which a plan is not used, and its words. */
Test(rtld_plan, reasons)
{
	struct test_set t, elf;
	uint32_t *plan, kept;
	size_t size;

	open_set(&t, 0);
	plan = make_plan(&t, &size);
	expect_text(&t, "not used: there is none");
	cr_expect(link_with(&t, plan, size));
	expect_text(&t, "used");
	cr_expect_not(link_with(&t, plan, size - 4));
	expect_text(&t, "not used: it is damaged");
	plan[4]++; /* the sum of the modules' entries is another one */
	cr_expect_not(link_with(&t, plan, size + 8));
	expect_text(&t, "not used: it is damaged");
	plan[4]--;
	kept = plan[6];
	plan[6] ^= 1; /* in the build-id of the first module */
	cr_expect_not(link_with(&t, plan, size));
	expect_text(&t, "not used: it is for another build of base-gnu.so");
	plan[6] = kept;
	plan[size / 4 - 2] ^= 1; /* the provider of the last entry */
	cr_expect_not(link_with(&t, plan, size));
	expect_text(&t, "not used: it binds a name to another one in ");
	cr_expect_eq(rtld_plan_result(t.set).state, RTLD_PLAN_BINDING);
	open_set(&elf, RTLD_RULES_ELF);
	cr_expect_not(link_with(&elf, plan, size));
	expect_text(&elf, "not used: it was made under other rules");
	free(plan);
	test_set_close(&elf);
	test_set_close(&t);
}

/* What nobody defines is in a plan too, and listed as without one. */
Test(rtld_plan, undefined)
{
	struct test_set t;
	void *plan, *work;
	size_t size, work_size;
	uint32_t n;

	test_set_open(&t, RTLD_RULES_ELF);
	cr_assert_eq(test_set_add(&t, "lonely"), 0);
	test_set_place(&t, TEST_BASE);
	cr_assert_eq(test_set_link(&t), 0);
	n = t.errors.count;
	cr_assert_gt(n, 0);
	size = rtld_plan_size(t.set);
	cr_assert_gt(size, 0);
	plan = malloc(size);
	cr_assert_eq(rtld_plan_write(t.set, plan, size), 0);
	work_size = rtld_work_size(t.set);
	work = aligned_alloc(16, (work_size + 15) / 16 * 16);
	t.errors.count = 0;
	rtld_set_plan(t.set, plan, size);
	cr_expect_eq(rtld_link(t.set, work, work_size), 0);
	cr_expect(rtld_plan_used(t.set));
	cr_expect_eq(t.errors.count, n);
	cr_expect_eq(test_set_count(&t, RTLD_UNDEFINED), n);
	free(work);
	free(plan);
	test_set_close(&t);
}

/* A build-id of another length is none: without all of them there is no plan, and none is used. */
Test(rtld_plan, build_id_of_another_length)
{
	struct test_set good, t;
	struct sample s;
	uint32_t *plan;
	size_t size;

	open_set(&good, 0);
	plan = make_plan(&good, &size);
	sample_load(&s, "base-gnu");
	((struct elf64_note *)(s.bytes + sample_phdr(&s, PT_NOTE, 0)->offset))->descsz--;
	open_changed(&t, &s);
	cr_expect_not(rtld_has_build_id(t.set, 0));
	cr_expect(rtld_has_build_id(t.set, 1));
	cr_expect_not(link_with(&t, plan, size));
	cr_expect_eq(rtld_plan_result(t.set).state, RTLD_PLAN_BUILD);
	cr_expect_eq(rtld_plan_size(t.set), 0);
	free(plan);
	sample_free(&s);
	test_set_close(&t);
	test_set_close(&good);
}

#define ENTRIES(modules) (5u + 6u * (modules)) /* words before the entries of a plan */

/* Each entry with any provider and any length, by either kind of hash table. */
static void change_entries(const char *base, const char *user)
{
	static const uint32_t providers[] = {
		UINT32_MAX, UINT32_MAX - 1, 3u << 22, 1u << 22 | 1, 2u << 22 | 1, 0x3fffff,
	};
	uint32_t *plan, p, length;
	bool used;
	struct test_set t;
	size_t size, at;
	uint64_t sum;

	test_set_open(&t, 0);
	cr_assert_eq(test_set_add(&t, base), 0);
	cr_assert_eq(test_set_add(&t, user), 1);
	cr_assert_eq(test_set_add(&t, "strong"), 2);
	test_set_place(&t, TEST_BASE);
	plan = make_plan(&t, &size);
	sum = sum_images(&t);
	for (at = ENTRIES(3); at < size / 4; at += 2) {
		const uint32_t kept[2] = {plan[at], plan[at + 1]};
		const uint32_t lengths[] = {0, 7, kept[1], kept[1] + 1, UINT32_MAX};

		for (p = 0; p < 20; p++)
			for (length = 0; length < 5; length++) {
				plan[at] = p < 6 ? providers[p] : p < 7 ? kept[0] : p - 7;
				plan[at + 1] = lengths[length];
				used = link_with(&t, plan, size);
				cr_assert(used || sum_images(&t) == sum, "%s, word %zu: %x, %x", base, at,
					  plan[at], plan[at + 1]);
			}
		memcpy(&plan[at], kept, sizeof(kept));
	}
	cr_expect(link_with(&t, plan, size));
	free(plan);
	test_set_close(&t);
}

Test(rtld_plan, every_entry)
{
	change_entries("base-gnu", "user-gnu");
	change_entries("base-sysv", "user-sysv");
}

/* A plan cannot bind to others what stays in its module. */
Test(rtld_plan, definition_that_stays_in_its_module)
{
	struct test_set good, t;
	struct sample s;
	uint32_t *plan;
	size_t size;

	open_set(&good, 0);
	plan = make_plan(&good, &size);
	sample_load(&s, "base-gnu");
	sample_symbol(&s, "base_choice")->other = STV_PROTECTED;
	open_changed(&t, &s);
	cr_expect_not(link_with(&t, plan, size));
	cr_expect_eq(rtld_plan_result(t.set).state, RTLD_PLAN_BINDING);
	free(plan);
	sample_free(&s);
	test_set_close(&t);
	test_set_close(&good);
}

/* What a plan says nothing of is checked with one as without: here a name in DT_NEEDED. */
Test(rtld_plan, order_is_not_in_it)
{
	struct test_set good, t;
	size_t size, work_size;
	struct sample s;
	uint32_t *plan;
	void *work;

	open_set(&good, 0);
	plan = make_plan(&good, &size);
	sample_load(&s, "user-gnu");
	sample_at(&s, sample_dyn(&s, 5)->value + sample_dyn(&s, 1)->value)[0] = 'c';
	test_set_open(&t, 0);
	cr_assert_eq(test_set_add(&t, "base-gnu"), 0);
	cr_assert_eq(test_set_add_sample(&t, &s), 1);
	cr_assert_eq(test_set_add(&t, "strong"), 2);
	test_set_place(&t, TEST_BASE);
	work_size = rtld_work_size(t.set);
	work = aligned_alloc(16, (work_size + 15) / 16 * 16);
	rtld_set_plan(t.set, plan, size);
	cr_expect_eq(rtld_link(t.set, work, work_size), PLINTH_E_LINK);
	cr_expect_eq(rtld_plan_result(t.set).state, RTLD_PLAN_USED);
	cr_expect_eq(test_set_count(&t, RTLD_NEEDED_MISSING), 1);
	free(work);
	free(plan);
	sample_free(&s);
	test_set_close(&t);
	test_set_close(&good);
}
