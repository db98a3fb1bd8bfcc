/* SPDX-License-Identifier: MIT */
/*
 * A load takes its time by the size of the files. CPUs come and go meanwhile, and whoever waits for it can be
 * ended: the mock's os_relax() aborts if CPUs are kept from that, and is where both happen here.
 */
#include "fixture.h"

static unsigned int relaxed, last;

static void expect_no_cpu_touched(void)
{
	static struct core_report told;

	report_clear(&told);
	cr_expect_eq(core_cpu_offline(core, 1, &told), 0);
	cr_expect_eq(core_cpu_online(core, 1, &told), 0);
	cr_expect_eq(told.used, 0, "%s", told.text);
	cr_expect_not(mock_world.guest[0] || mock_world.guest[1]);
}

static bool a_cpu_comes_and_goes(void)
{
	relaxed++;
	mock_config.offline[1] = !mock_config.offline[1];
	expect_no_cpu_touched();
	return true;
}

Test(core_long_load, cpus_come_and_go, .init = fixture_up)
{
	mock_config.relax = a_cpu_comes_and_goes;
	cr_assert_eq(load_good(), 0, "%s", report.text);
	cr_expect_gt(relaxed, 10, "%u times: linking alone asks more often", relaxed);
	mock_config.relax = NULL;
	mock_config.offline[1] = false;
	cr_expect_eq(core_start(core, &report), 0, "%s", report.text);
	cr_expect(mock_world.guest[0] && mock_world.guest[1]);
	cr_expect_eq(core_stop(core, &report), 0);
	mock_config.relax = a_cpu_comes_and_goes;
	cr_expect_eq(core_unload(core, &report), 0);
}

/* What a large image leaves is cleared before others get it: that takes time as well. */
Test(core_long_load, memory_is_cleared_in_pieces, .init = fixture_up)
{
	cr_assert_eq(load_modules(good_modules, 2, 0, 8u << 20), 0, "%s", report.text);
	mock_config.relax = a_cpu_comes_and_goes;
	relaxed = 0;
	cr_expect_eq(core_unload(core, &report), 0);
	cr_expect_geq(relaxed, 8, "%u pieces", relaxed);
	cr_expect_eq(mock_world.cpus_locked, 0);
}

/* A signal that is there stays. */
static bool ended_at_last(void)
{
	return ++relaxed < last;
}

Test(core_long_load, whoever_waits_for_it_is_ended, .init = fixture_up)
{
	const struct mock_world before = mock_world;
	int err = PLINTH_E_INTR;

	mock_config.relax = ended_at_last;
	for (last = 1; err; last++) {
		relaxed = 0;
		err = load_good();
		if (!err)
			break;
		cr_assert_eq(err, PLINTH_E_INTR, "at %u: %s", last, report.text);
		cr_expect_str_eq(strchr(report.text, '\n'), "\n", "one line, at %u: %s", last, report.text);
		EXPECT_REPORT(plinth_strerror(PLINTH_E_INTR));
		cr_expect_eq(state_now(), PLINTH_UNLOADED);
		cr_assert(worlds_equal(&before, "after a load that was given up"), "at %u", last);
	}
	cr_expect_gt(last, 10);
	cr_expect_eq(state_now(), PLINTH_LOADED);
}
