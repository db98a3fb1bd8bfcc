/* SPDX-License-Identifier: MIT */
/* Link plans given to a load: used when they fit, and never in the way. */
#include <stdlib.h>

#include "rtld/rtld.h"
#include "tests/unit/core/fixture.h"

/* What `plinthctl plan` writes for the good modules. */
static uint8_t *make_plan(size_t *n_bytes)
{
	struct rtld_error list[8];
	struct rtld_errors errors = {.list = list, .room = 8};
	void *arena = aligned_alloc(16, (rtld_set_size(2) + 15) / 16 * 16), *work;
	struct rtld_set *set = rtld_set_init(arena, rtld_set_size(2), 2, 0, &errors);
	uint64_t run = 0x10000000;
	size_t bytes;
	uint8_t *plan;

	for (unsigned int i = 0; i < 2; i++) {
		const struct core_file file = find_module(good_modules[i]);

		cr_assert_eq(rtld_probe(set, file.name, file.bytes, file.n_bytes), (int)i);
		cr_assert_eq(rtld_place(set, i, NULL, run), 0);
		run += rtld_info(set, i)->image_size;
	}
	bytes = rtld_work_size(set);
	work = aligned_alloc(16, (bytes + 15) / 16 * 16);
	cr_assert_eq(rtld_resolve(set, work, bytes), 0);
	*n_bytes = rtld_plan_size(set);
	cr_assert_gt(*n_bytes, 0, "the mock modules have no build-ids");
	plan = malloc(*n_bytes);
	cr_assert_eq(rtld_plan_write(set, plan, *n_bytes), 0);
	free(work);
	free(arena);
	return plan;
}

static uint32_t plan_now(void)
{
	struct plinth_ctl_status status = {.size = sizeof(status)};

	core_status(core, &status);
	return status.link_plan;
}

Test(core_plan, one_that_fits_is_used, .init = fixture_up)
{
	size_t n_bytes;
	uint8_t *plan = make_plan(&n_bytes);

	cr_assert_eq(load_good_with_plan(plan, n_bytes), 0, "%s", report.text);
	free(plan);
	cr_expect_eq(plan_now(), PLINTH_PLAN_USED);
	cr_expect_eq(core_unload(core, &report), 0);
	cr_expect_eq(plan_now(), PLINTH_PLAN_NONE);
	cr_assert_eq(load_good(), 0, "%s", report.text);
	cr_expect_eq(plan_now(), PLINTH_PLAN_NONE, "no plan was given");
}

/* Damaged anywhere, or cut: the modules are loaded all the same. */
Test(core_plan, one_that_does_not_fit_costs_time_only, .init = fixture_up)
{
	size_t n_bytes;
	uint8_t *plan = make_plan(&n_bytes);

	for (size_t at = 0; at < n_bytes; at += 4) {
		plan[at] ^= 0x55;
		cr_expect_eq(load_good_with_plan(plan, n_bytes), 0, "byte %zu: %s", at, report.text);
		cr_expect_neq(plan_now(), PLINTH_PLAN_NONE);
		if (at < 20)
			cr_expect_eq(plan_now(), PLINTH_PLAN_UNFIT, "byte %zu of the head", at);
		cr_expect_eq(core_unload(core, &report), 0);
		plan[at] ^= 0x55;
	}
	cr_expect_eq(load_good_with_plan(plan, n_bytes - 8), 0);
	cr_expect_eq(plan_now(), PLINTH_PLAN_UNFIT);
	free(plan);
}
