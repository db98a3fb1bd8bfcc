/* SPDX-License-Identifier: MIT */
/* The state machine against its specification: every sequence of six commands. */
#include "fixture.h"

#include <string.h>

#define LENGTH	  6
#define SEQUENCES 4096 /* COMMANDS to the power of LENGTH */

static const struct {
	int err;
	enum plinth_ctl_state next;
} spec[PLINTH_STATES - 1][COMMANDS] = {
	[PLINTH_UNLOADED] = {[LOAD] = {0, PLINTH_LOADED},
			     [START] = {PLINTH_E_STATE, PLINTH_UNLOADED},
			     [STOP] = {PLINTH_E_STATE, PLINTH_UNLOADED},
			     [UNLOAD] = {PLINTH_E_STATE, PLINTH_UNLOADED}},
	[PLINTH_LOADED] = {[LOAD] = {PLINTH_E_STATE, PLINTH_LOADED},
			   [START] = {0, PLINTH_RUNNING},
			   [STOP] = {PLINTH_E_STATE, PLINTH_LOADED},
			   [UNLOAD] = {0, PLINTH_UNLOADED}},
	[PLINTH_RUNNING] = {[LOAD] = {PLINTH_E_STATE, PLINTH_RUNNING},
			    [START] = {PLINTH_E_STATE, PLINTH_RUNNING},
			    [STOP] = {0, PLINTH_LOADED},
			    [UNLOAD] = {PLINTH_E_STATE, PLINTH_RUNNING}},
};

/* The world has to fit the state. */
static void check_world(enum plinth_ctl_state state, const char *when)
{
	bool loaded = state != PLINTH_UNLOADED, running = state == PLINTH_RUNNING;

	cr_assert_eq(mock_world.constructed, loaded ? 2 : 0, "%s", when);
	cr_assert_eq(mock_world.initialised, loaded, "%s", when);
	cr_assert_eq(mock_world.virt, running, "%s", when);
	for (unsigned int i = 0; i < mock_config.n_cpus; i++)
		cr_assert(mock_world.guest[i] == running && mock_world.prepared[i] == running &&
				  mock_world.claimed[i] == running,
			  "%s: CPU %u", when, i);
}

static void run_sequence(unsigned int sequence)
{
	enum plinth_ctl_state state = state_now();
	char when[64];

	for (unsigned int i = 0; i < LENGTH; i++, sequence /= COMMANDS) {
		enum command_id command = sequence % COMMANDS;

		snprintf(when, sizeof(when), "command %u, rest %u, state %u", i, sequence, state);
		cr_assert_eq(run_command_id(command), spec[state][command].err, "%s: %s", when, report.text);
		cr_assert_eq(!report.used, !spec[state][command].err, "%s: an error has words: %s", when,
			     report.text);
		state = spec[state][command].next;
		cr_assert_eq(state_now(), state, "%s", when);
		check_world(state, when);
	}
}

/* Back to UNLOADED by the shortest way. */
static void finish(void)
{
	if (state_now() == PLINTH_RUNNING)
		cr_assert_eq(core_stop(core, &report), 0);
	if (state_now() == PLINTH_LOADED)
		cr_assert_eq(core_unload(core, &report), 0);
}

Test(core_spec, all_sequences, .init = fixture_up, .timeout = 300)
{
	const struct mock_world before = mock_world;

	for (unsigned int sequence = 0; sequence < SEQUENCES; sequence++) {
		run_sequence(sequence);
		finish();
		cr_assert(worlds_equal(&before, "after a sequence"));
	}
}

Test(core_spec, corrupt_refuses_everything, .init = fixture_up)
{
	uint64_t pages;

	cr_assert_eq(load_good(), 0);
	cr_assert_eq(core_start(core, &report), 0);
	mock_arm(1, 0);
	cr_expect_eq(core_stop(core, &report), PLINTH_E_CORRUPT);
	EXPECT_REPORT("CPU 1", "restart");
	mock_disarm();
	pages = mock_world.pages;
	for (enum command_id command = LOAD; command < COMMANDS; command++) {
		cr_expect_eq(run_command_id(command), PLINTH_E_CORRUPT);
		EXPECT_REPORT("restart");
		cr_expect_eq(state_now(), PLINTH_CORRUPT);
	}
	cr_expect_eq(core_destroy(core), PLINTH_E_CORRUPT);
	cr_expect_eq(mock_world.pages, pages, "nothing was freed");
	cr_expect(mock_world.guest[1] && mock_world.prepared[1], "the CPU keeps its memory");
	cr_expect_not(mock_world.guest[0], "the other one was stopped all the same");
	cr_expect(mock_world.virt);
}
