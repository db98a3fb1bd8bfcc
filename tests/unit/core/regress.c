/* SPDX-License-Identifier: MIT */
/* Mistakes another driver of this kind made: each has a test so that ours does not. */
#include "fixture.h"

#include <string.h>

/* An allocation that failed was logged and answered with success. */
Test(core_regress, out_of_memory_is_an_error, .init = fixture_up)
{
	for (unsigned int n = 1; n <= 10; n++) {
		mock_arm(n, 0);
		cr_expect_eq(load_good(), PLINTH_E_NOMEM, "allocation %u", n);
		EXPECT_REPORT(plinth_strerror(PLINTH_E_NOMEM));
		cr_expect_eq(mock_disarm(), 1);
	}
}

/* A failed start asked the state what to stop, and the state said: nothing runs. */
Test(core_regress, cpus_that_started_are_stopped, .init = fixture_up)
{
	struct mock_world before;

	mock_config.n_cpus = 4;
	cr_assert_eq(load_good(), 0);
	before = mock_world;
	mock_config.fail_event = MOCK_START + 1;
	mock_config.fail_event_cpu = 3;
	cr_expect_eq(core_start(core, &report), PLINTH_E_NOTSUP);
	worlds_equal(&before, "after CPU 3 failed");
	cr_expect(strstr(mock_trace(), "s+0 ?1 p+1 s+1 ?2 p+2 s+2 ?3 p+3 p-3 s-2 p-2 s-1 p-1 s-0 p-0"), "%s",
		  mock_trace());
	EXPECT_REPORT("CPU 3", "start", plinth_strerror(PLINTH_E_NOTSUP));
	EXPECT_REPORT("CPU 3", "mock", "the mock has its reasons");
	mock_config.fail_event = 0;
	report_clear(&report);
	cr_expect_eq(core_start(core, &report), 0, "%s", report.text);
}

/* A failed load freed modules whose constructors had run without calling their destructors. */
Test(core_regress, constructed_modules_are_destructed, .init = fixture_up)
{
	const struct mock_world before = mock_world;

	mock_config.fail_event = MOCK_INIT + 1;
	mock_config.entry_error = PLINTH_E_NOMEM;
	cr_expect_eq(load_good(), PLINTH_E_NOMEM);
	cr_expect_str_eq(mock_trace(), "c+0 c+1 c-1 c-0 ", "providers first, and backwards at the end");
	EXPECT_REPORT("entry_init", plinth_strerror(PLINTH_E_NOMEM));
	worlds_equal(&before, "after entry_init failed");
}

/* A second try after a failed load lost the first one's memory. */
Test(core_regress, failed_loads_do_not_add_up, .init = fixture_up)
{
	const struct mock_world before = mock_world;

	mock_config.fail_event = MOCK_INIT + 1;
	for (unsigned int i = 0; i < 20; i++)
		cr_expect_eq(load_good(), PLINTH_E_NOTSUP);
	worlds_equal(&before, "after twenty failed loads");
}

/* A failed start left the caller on another CPU: here it is the lock that must not stay. */
Test(core_regress, the_lock_is_given_back, .init = fixture_up)
{
	cr_expect_lt(core_start(core, &report), 0);
	cr_expect_eq(mock_world.locked + mock_world.cpus_locked, 0);
	mock_config.fail_event = MOCK_START + 1;
	cr_assert_eq(load_good(), 0);
	cr_expect_lt(core_start(core, &report), 0);
	cr_expect_eq(mock_world.locked + mock_world.cpus_locked, 0);
}
