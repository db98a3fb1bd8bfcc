/* SPDX-License-Identifier: MIT */
/* What happens around the commands: CPUs come and go, the machine sleeps or goes down. */
#include "fixture.h"

static void running_on(unsigned int cpus)
{
	fixture_up();
	mock_config.n_cpus = cpus;
	cr_assert_eq(load_good(), 0);
	cr_assert_eq(core_start(core, &report), 0);
}

Test(core_events, offline_cpus_are_left_alone)
{
	fixture_up();
	mock_config.n_cpus = 3;
	mock_config.offline[0] = true;
	cr_assert_eq(load_good(), 0);
	cr_assert_eq(core_start(core, &report), 0, "%s", report.text);
	cr_expect(!mock_world.guest[0] && mock_world.guest[1] && mock_world.guest[2]);
	mock_config.offline[0] = false;
	cr_expect_eq(core_cpu_online(core, 0, &report), 0);
	cr_expect(mock_world.guest[0]);
	cr_expect_eq(core_cpu_online(core, 0, &report), 0, "once is enough");
	cr_expect_eq(core_stop(core, &report), 0);
	cr_expect_eq(core_unload(core, &report), 0);
}

Test(core_events, a_cpu_that_goes_is_stopped)
{
	running_on(2);
	cr_expect_eq(core_cpu_offline(core, 1, &report), 0);
	cr_expect(!mock_world.guest[1] && !mock_world.prepared[1] && !mock_world.claimed[1]);
	mock_config.offline[1] = true;
	cr_expect_eq(core_stop(core, &report), 0);
	cr_expect_eq(core_cpu_offline(core, 0, &report), 0);
	cr_expect_eq(core_cpu_online(core, 0, &report), 0);
	cr_expect_not(mock_world.guest[0], "only while running");
	cr_expect_eq(core_unload(core, &report), 0);
	cr_expect_eq(core_cpu_online(core, 0, &report), 0);
}

Test(core_events, a_cpu_that_cannot_start_may_not_come)
{
	running_on(2);
	cr_assert_eq(core_cpu_offline(core, 1, &report), 0);
	mock_config.fail_event = MOCK_CHECK + 1;
	mock_config.fail_event_cpu = 1;
	mock_config.entry_error = PLINTH_E_LOCKED;
	cr_expect_eq(core_cpu_online(core, 1, &report), PLINTH_E_LOCKED);
	EXPECT_REPORT("CPU 1", "check", plinth_strerror(PLINTH_E_LOCKED));
	cr_expect_null(strstr(report.text, "firmware\n"), "behind the error stands what to do about it");
	cr_expect_eq(state_now(), PLINTH_RUNNING);
	cr_expect(mock_world.guest[0] && !mock_world.prepared[1]);
}

Test(core_events, a_cpu_that_will_not_stop_may_not_go)
{
	running_on(2);
	mock_arm(2, 0);
	cr_expect_eq(core_cpu_offline(core, 1, &report), PLINTH_E_CORRUPT);
	cr_expect_eq(state_now(), PLINTH_CORRUPT);
}

Test(core_events, pause_and_resume)
{
	running_on(2);
	cr_expect_eq(core_pause(core, &report), 0);
	cr_expect_eq(state_now(), PLINTH_LOADED);
	cr_expect_eq(core_resume(core, &report), 0);
	cr_expect_eq(state_now(), PLINTH_RUNNING);
	cr_expect_eq(core_pause(core, &report), 0);
	cr_expect_eq(core_unload(core, &report), 0);
	cr_expect_eq(core_resume(core, &report), 0, "a command ended the pause");
	cr_expect_eq(state_now(), PLINTH_UNLOADED);
	cr_expect_eq(core_pause(core, &report), 0);
	cr_expect_eq(core_resume(core, &report), 0);
	cr_expect_eq(state_now(), PLINTH_UNLOADED);
}

/* Somebody tried while the machine was on its way to sleep. */
Test(core_events, a_failed_start_does_not_end_the_pause)
{
	running_on(2);
	cr_assert_eq(core_pause(core, &report), 0);
	mock_config.fail_event = MOCK_CHECK + 1;
	mock_config.entry_error = PLINTH_E_LOCKED;
	cr_expect_eq(core_start(core, &report), PLINTH_E_LOCKED);
	cr_expect_eq(state_now(), PLINTH_LOADED);
	mock_config.fail_event = 0;
	cr_expect_eq(core_resume(core, &report), 0);
	cr_expect_eq(state_now(), PLINTH_RUNNING);
	cr_expect(mock_world.guest[0] && mock_world.guest[1]);
}

/* What becomes of two CPUs when the VMM dies on the second one, seen by a stop or by the watch. */
static void die(uint32_t state, bool watched)
{
	mock_reset();
	running_on(2);
	cr_expect_not(core_cpu_died(core, 1));
	plinth_shared_cpu(core_shared_region(core), 1)->state = state;
	cr_expect(core_cpu_died(core, 1) && !core_cpu_died(core, 0));
	if (watched)
		core_watch(core, &report);
	else
		cr_expect_eq(core_stop(core, &report), PLINTH_E_CORRUPT);
	cr_expect_eq(state_now(), PLINTH_CORRUPT);
	cr_expect_not(mock_world.guest[0], "the other CPU is free");
	cr_expect_eq(mock_world.prepared[1], true, "nothing of a dead VMM is called");
}

Test(core_events, dead_cpus_are_not_waited_for)
{
	die(PLINTH_CPU_HALTED, false);
	EXPECT_REPORT("CPU 1", "halted");
	cr_expect(mock_world.claimed[1] && core->cpus[1].guest, "it does not come back");
}

Test(core_events, cpus_that_an_init_took_are_not_waited_for)
{
	for (unsigned int watched = 0; watched < 2; watched++) {
		die(PLINTH_CPU_RESET, watched);
		EXPECT_REPORT("CPU 1", "INIT");
		cr_expect(mock_world.claimed[1] && core->cpus[1].guest, "it does not come back");
	}
}

Test(core_events, cpus_that_a_dead_vmm_gave_back_are_free)
{
	for (unsigned int watched = 0; watched < 2; watched++) {
		die(PLINTH_CPU_DEAD, watched);
		EXPECT_REPORT("CPU 1", "died");
		cr_expect(!mock_world.claimed[1] && !core->cpus[1].guest);
	}
}

Test(core_events, the_watch_lets_the_living_live)
{
	running_on(2);
	core_watch(core, &report);
	cr_expect_eq(state_now(), PLINTH_RUNNING);
	cr_expect(mock_world.guest[0] && mock_world.guest[1]);
}

Test(core_events, emergency_stop_asks_only_guests)
{
	running_on(2);
	mock_be_on(0);
	core_emergency_stop(core, 0);
	cr_expect(!mock_world.guest[0] && mock_world.guest[1]);
	core_emergency_stop(core, 0); /* the mock would abort a hypercall nobody answers */
	core_emergency_stop(core, 99);
}

Test(core_events, destroy_undoes_everything)
{
	mock_reset();
	core = core_create();
	cr_assert_eq(load_good(), 0);
	cr_assert_eq(core_start(core, &report), 0);
	cr_expect_eq(core_destroy(core), 0);
	cr_expect_eq(mock_world.pages, 0);
	cr_expect_not(mock_world.virt);
}

/* Where even the undoing of a start fails nothing of it is known any more. */
Test(core_events, a_cpu_whose_start_cannot_be_undone)
{
	int err = 0;

	for (unsigned int n = 1; n < 10 && err != PLINTH_E_CORRUPT; n++) {
		running_on(2);
		cr_assert_eq(core_cpu_offline(core, 1, &report), 0);
		mock_config.fail_event = MOCK_START + 1;
		mock_config.fail_event_cpu = 1;
		mock_arm(n, 0);
		err = core_cpu_online(core, 1, &report);
		cr_expect_neq(err, 0, "call %u", n);
		mock_disarm();
	}
	cr_expect_eq(err, PLINTH_E_CORRUPT);
	cr_expect(core_is_corrupt(core));
}

/* Without a VMM there is nothing to watch and nobody to stop. */
Test(core_events, nothing_is_loaded)
{
	fixture_up();
	cr_expect_not(core_is_corrupt(core));
	cr_expect_not(core_cpu_died(core, 0));
	cr_expect_eq(core_cpu_offline(core, 0, &report), 0);
	core_watch(core, &report);
	core_emergency_stop(core, 0);
	cr_assert_eq(load_good(), 0);
	core_watch(core, &report);
	cr_expect_not(core_cpu_died(core, 0));
	core_emergency_stop(core, 0);
	cr_expect_eq(state_now(), PLINTH_LOADED);
}

/* One that died and on which nothing can be run: it stays claimed, and the core says that the VMM died. */
Test(core_events, a_dead_cpu_that_does_not_answer)
{
	running_on(2);
	plinth_shared_cpu(core_shared_region(core), 1)->state = PLINTH_CPU_DEAD;
	mock_config.offline[1] = true;
	cr_expect_eq(core_stop(core, &report), PLINTH_E_CORRUPT);
	cr_expect(core->cpus[1].guest && mock_world.claimed[1]);
	cr_expect_not(mock_world.guest[0], "the other CPU is free");
}

/* The first of many that died is enough. */
Test(core_events, the_watch_sees_the_first_cpu, .init = fixture_up)
{
	running_on(3);
	plinth_shared_cpu(core_shared_region(core), 0)->state = PLINTH_CPU_DEAD;
	core_watch(core, &report);
	cr_expect_eq(state_now(), PLINTH_CORRUPT);
	cr_expect(!mock_world.guest[1] && !mock_world.guest[2]);
}

Test(core_events, an_emergency_stop_that_fails)
{
	running_on(2);
	mock_be_on(1);
	mock_arm(1, 0);
	core_emergency_stop(core, 1);
	cr_expect_eq(mock_disarm(), 1);
	cr_expect(core->cpus[1].guest && mock_world.guest[1]);
}

/* Without a CPU to call it on nothing of the VMM can be called. */
Test(core_events, no_cpu_is_online)
{
	struct mock_world before;

	fixture_up();
	before = mock_world;
	mock_config.offline[0] = mock_config.offline[1] = true;
	cr_expect_eq(load_good(), PLINTH_E_STATE);
	worlds_equal(&before, "after a load without CPUs");
	mock_config.offline[0] = false;
	cr_assert_eq(load_good(), 0, "%s", report.text);
	mock_config.offline[0] = true;
	core->report = &report;
	cr_expect_eq(vmm_init(core), PLINTH_E_STATE);
	cr_expect_eq(map_check(core), PLINTH_E_STATE);
	cr_expect_eq(core_unload(core, &report), PLINTH_E_CORRUPT);
	EXPECT_REPORT("restart");
}

/* -- the list of what is mapped ------------------------------------------------------ */

/* The VMM hides its tables while it runs: it is asked. */
Test(core_events, maps_of_a_running_vmm_are_its_own_words, .init = fixture_up)
{
	struct plinth_ctl_map maps[8];

	cr_assert_eq(load_good(), 0);
	cr_assert_eq(core_start(core, &report), 0);
	cr_assert_eq(core_maps(core, maps, 8, sizeof(maps[0])), 4);
	for (uint32_t i = 0; i < 4; i++) {
		cr_expect_eq(maps[i].table, i / 2);
		cr_expect_eq(maps[i].va, MOCK_MAP_VA + i % 2 * MOCK_MAP_STEP);
		cr_expect_eq(maps[i].flags, i / 2 ? PLINTH_MAP_EXEC : PLINTH_MAP_WRITE);
		cr_expect_str_eq(maps[i].name, "VMM");
	}
	cr_expect_eq(core_maps(core, maps, 1, 8), 4, "whatever the room is");
	for (unsigned int call = 1; call <= 12; call++) {
		mock_arm(call, 0);
		cr_expect_eq(core_maps(core, maps, 8, sizeof(maps[0])), 0, "half a list is none");
		cr_expect_eq(mock_disarm(), 1);
	}
	cr_assert_eq(core_stop(core, &report), 0);
}

static void expect_maps(uint64_t n, const char *when)
{
	struct plinth_ctl_map maps[8];

	cr_expect_eq(core_maps(core, maps, 8, sizeof(maps[0])), n, "%s", when);
}

/* Any CPU that is a guest and lives can be asked; without one there is no list. */
Test(core_events, maps_are_asked_of_a_cpu_that_lives)
{
	running_on(2);
	plinth_shared_cpu(core_shared_region(core), 0)->state = PLINTH_CPU_DEAD;
	expect_maps(4, "the first CPU died");
	plinth_shared_cpu(core_shared_region(core), 1)->state = PLINTH_CPU_DEAD;
	expect_maps(0, "all CPUs died");
	mock_reset();
	running_on(2);
	cr_assert_eq(core_cpu_offline(core, 0, &report), 0);
	expect_maps(4, "the first CPU went");
	cr_assert_eq(core_cpu_offline(core, 1, &report), 0);
	expect_maps(0, "all CPUs went");
}

/* More CPUs than there were at the load: none of them is the VMM's. */
Test(core_events, a_cpu_that_nobody_counted, .init = fixture_up)
{
	cr_assert_eq(load_good(), 0);
	cr_expect_eq(core_cpu_online(core, 2, &report), 0, "nothing runs");
	cr_assert_eq(core_start(core, &report), 0);
	report_clear(&report);
	cr_expect_eq(core_cpu_online(core, 2, &report), PLINTH_E_LIMIT);
	EXPECT_REPORT("CPU 2", "2 CPUs", "unload", "load");
	cr_expect_eq(core_cpu_offline(core, 2, &report), 0);
	cr_expect_not(core_cpu_died(core, 2));
	cr_expect_eq(core_stop(core, &report), 0);
	cr_expect_eq(core_unload(core, &report), 0);
}

/*
 * On each CPU another process runs, whose part of the kernel's half the launch tables have while that CPU
 * uses them.
 */
Test(core_events, the_kernels_half_is_that_of_the_cpu)
{
	running_on(3);
	cr_expect_eq(core_cpu_offline(core, 2, &report), 0);
	cr_expect_eq(core_cpu_online(core, 2, &report), 0);
	cr_expect_eq(core_stop(core, &report), 0);
	cr_expect_eq(core_unload(core, &report), 0);
	cr_expect_eq(mock_world.others_half, 0, "%u calls with another process's", mock_world.others_half);
}
