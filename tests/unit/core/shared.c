/* SPDX-License-Identifier: MIT */
/* What stands in memory that a guest can write is not believed. */
#include "fixture.h"
#include <string.h>

/* Wherever the region says that its CPUs are: the core laid it out itself. */
Test(core_space, the_shared_region_is_not_believed, .init = fixture_up)
{
	struct plinth_shared *shared;

	cr_assert_eq(load_good(), 0);
	shared = core_shared_region(core);
	for (unsigned int round = 0; round < 3; round++) {
		memset(&shared->cpu_offset, round == 1 ? 0x7f : 0xff, sizeof(shared->cpu_offset));
		memset(&shared->cpu_stride, round == 2 ? 0x7f : 0xff, sizeof(shared->cpu_stride));
		shared->n_cpus = round ? ~0u : 0;
		cr_expect_eq(core_start(core, &report), 0, "round %u: %s", round, report.text);
		core_watch(core, &report);
		cr_expect_eq(state_now(), PLINTH_RUNNING);
		cr_expect_eq(core_stop(core, &report), 0, "round %u: %s", round, report.text);
	}
	cr_expect_eq(core_unload(core, &report), 0);
}

/* What is copied of it is what there is room for, to the byte, and nothing behind that is written. */
Test(core_space, the_shared_region_is_copied, .init = fixture_up)
{
	static uint8_t copy[1u << 17];
	const uint64_t rooms[] = {1, 7, 8, 4099, sizeof(copy) - 8};
	const void *region;
	uint64_t bytes;

	cr_expect_eq(core_shared(core, copy, sizeof(copy)), 0, "nothing is loaded");
	cr_assert_eq(load_good(), 0);
	region = core_shared_region(core);
	bytes = core_shared(core, NULL, 0);
	cr_assert_lt(bytes, sizeof(copy) - 8);
	for (size_t i = 0; i < ARRAY_SIZE_OF(rooms); i++) {
		uint64_t copied = rooms[i] < bytes ? rooms[i] : bytes;

		memset(copy, 0x5a, sizeof(copy));
		cr_expect_eq(core_shared(core, copy, rooms[i]), bytes);
		cr_expect_eq(memcmp(copy, region, copied), 0, "%lu bytes", rooms[i]);
		cr_expect_eq(copy[copied], 0x5a, "%lu bytes", rooms[i]);
	}
	cr_expect_eq(core_unload(core, &report), 0);
}

/* The stack to start on is one in both tables, and the CPU's own copy of its address is used. */
Test(core_space, a_stack_that_is_none, .init = fixture_up)
{
	uint64_t good, bad[8];

	cr_assert_eq(load_good(), 0);
	core->report = &report;
	good = core->space[SPACE_STACK].va + core->space[SPACE_STACK].pages * OS_PAGE;
	bad[0] = 0;
	bad[1] = good - 8;
	bad[2] = good + OS_PAGE;
	bad[3] = core->space[SPACE_BOOT].va + OS_PAGE;
	bad[4] = core->modules[0].about.base_va + OS_PAGE;
	bad[5] = core->slot_va;
	bad[6] = 0xffff888000001000;
	bad[7] = ~15ull;
	core_lock();
	cr_expect_eq(map_check_start(core, 0, good), 0, "%s", report.text);
	for (size_t i = 0; i < ARRAY_SIZE_OF(bad); i++) {
		report_clear(&report);
		cr_expect_eq(map_check_start(core, 0, bad[i]), PLINTH_E_INVAL, "%zu: 0x%lx", i, bad[i]);
		cr_expect(bad[i] ? report.used > 0 : facts_in(report.text, FACTS("CPU 0")), "%s",
			  report.text);
	}
	core_unlock();
	core->report = NULL;
	cr_expect_eq(core_unload(core, &report), 0);
}

static unsigned int runs_on_1, spoil_from;

static void spoil_stack(uint32_t cpu)
{
	runs_on_1 += cpu == 1;
	if (cpu == 1 && runs_on_1 >= spoil_from)
		plinth_shared_own(core_shared_region(core), 1)->stack_top = core->space[SPACE_BOOT].va;
}

/* Runs on CPU 1 in a start: check, prepare, check of the tables, launch. */
#define SPOIL_BEFORE_THE_CHECK 2u
#define SPOIL_AFTER_THE_CHECK  3u

Test(core_space, a_stack_that_changes, .init = fixture_up)
{
	cr_assert_eq(load_good(), 0);
	mock_config.after_run = spoil_stack;
	spoil_from = SPOIL_BEFORE_THE_CHECK;
	cr_expect_eq(core_start(core, &report), PLINTH_E_INVAL);
	EXPECT_REPORT("CPU 1");
	cr_expect_eq(state_now(), PLINTH_LOADED);
	runs_on_1 = 0;
	spoil_from = SPOIL_AFTER_THE_CHECK;
	cr_expect_eq(core_start(core, &report), 0, "it starts on the one that was checked: %s", report.text);
	mock_config.after_run = NULL;
	cr_expect_eq(core_stop(core, &report), 0);
	cr_expect_eq(core_unload(core, &report), 0);
}
