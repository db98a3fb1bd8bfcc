/* SPDX-License-Identifier: MIT */
/* Every call that can fail fails once, then every pair: the world is as before, or CORRUPT. */
#include "fixture.h"

#include <stdio.h>

static int load(void)
{
	return load_good();
}

static int start(void)
{
	report_clear(&report);
	return core_start(core, &report);
}

static int load_and_start(void)
{
	int err = load();

	if (err)
		return err;
	err = start();
	if (err)
		cr_assert_eq(core_unload(core, &report), 0);
	return err;
}

static void stop(void)
{
	cr_assert_eq(core_stop(core, &report), 0);
}

static void unload(void)
{
	cr_assert_eq(core_unload(core, &report), 0);
}

static void stop_and_unload(void)
{
	stop();
	unload();
}

static void nothing(void)
{
}

static void load_first(void)
{
	cr_assert_eq(load(), 0);
}

static const struct scenario {
	const char *name;
	void (*before)(void);
	int (*run)(void);
	void (*undo)(void);
	unsigned int at_least; /* places to fail, lest the sweep sweeps nothing */
} scenarios[] = {
	{"load", nothing, load, unload, 15},
	{"start", load_first, start, stop, 13},
	{"load and start", nothing, load_and_start, stop_and_unload, 28},
};

static bool one_fault(const struct scenario *s, unsigned int n)
{
	struct mock_world before;
	char when[64];
	bool fired;
	int err;

	fixture_up();
	s->before();
	before = mock_world;
	mock_arm(n, 0);
	err = s->run();
	fired = mock_disarm();
	snprintf(when, sizeof(when), "%s, fault %u", s->name, n);
	cr_expect_eq(err < 0, fired, "%s: error %d", when, err);
	cr_expect_neq(state_now(), PLINTH_CORRUPT, "%s: %s", when, report.text);
	cr_expect(!fired || report.used, "%s: a failure has words", when);
	if (!err)
		s->undo();
	worlds_equal(&before, when);
	cr_expect_eq(s->run(), 0, "%s: the next try works: %s", when, report.text);
	s->undo();
	worlds_equal(&before, when);
	return fired;
}

Test(core_faults, each_fault_leaves_no_trace, .timeout = 120)
{
	for (size_t i = 0; i < ARRAY_SIZE_OF(scenarios); i++) {
		unsigned int n = 1;

		while (one_fault(&scenarios[i], n))
			n++;
		cr_expect_gt(n, scenarios[i].at_least, "%s: %u places", scenarios[i].name, n - 1);
	}
}

/* The second fault falls into the undoing. */
static void two_faults(const struct scenario *s, unsigned int n, unsigned int m)
{
	struct mock_world before;
	char when[64];
	int err;

	fixture_up();
	s->before();
	before = mock_world;
	mock_arm(n, m);
	err = s->run();
	mock_disarm();
	snprintf(when, sizeof(when), "%s, faults %u and %u", s->name, n, m);
	cr_expect_lt(err, 0, "%s", when);
	if (state_now() == PLINTH_CORRUPT) {
		cr_expect_eq(err, PLINTH_E_CORRUPT, "%s", when);
		cr_expect_geq(mock_world.pages, before.pages, "%s", when);
		cr_expect_eq(start(), PLINTH_E_CORRUPT, "%s", when);
	} else {
		worlds_equal(&before, when);
	}
}

Test(core_faults, a_second_fault_ends_clean_or_corrupt, .timeout = 300)
{
	for (size_t i = 0; i < 2; i++)
		for (unsigned int n = 1; n <= scenarios[i].at_least; n++)
			for (unsigned int m = n + 1; m <= n + 8; m++)
				two_faults(&scenarios[i], n, m);
}

/* Undoing that fails once, at each place. */
Test(core_faults, undoing_that_fails_is_corrupt)
{
	static const struct {
		const char *name;
		int (*run)(struct core *core, struct core_report *report);
		bool running;
		unsigned int places;
	} undos[] = {{"stop", core_stop, true, 6}, {"unload", core_unload, false, 3}};

	for (size_t i = 0; i < ARRAY_SIZE_OF(undos); i++) {
		for (unsigned int n = 1; n <= undos[i].places + 1; n++) {
			uint64_t pages;
			int err;

			fixture_up();
			load_first();
			if (undos[i].running)
				cr_assert_eq(start(), 0);
			pages = mock_world.pages;
			mock_arm(n, 0);
			err = undos[i].run(core, &report);
			if (n <= undos[i].places) {
				cr_expect_eq(err, PLINTH_E_CORRUPT, "%s, fault %u", undos[i].name, n);
				cr_expect_eq(mock_world.pages, pages, "%s, fault %u: kept", undos[i].name, n);
			} else {
				cr_expect_eq(err, 0, "%s has more places to fail", undos[i].name);
			}
			mock_disarm();
		}
	}
}
