/* SPDX-License-Identifier: MIT */
/* Every sequence of six commands against the specification: what each gives in each state. */
#include "sweep.h"

#define LENGTH	 6
#define COMMANDS 4

static const struct command {
	const char *name;
	int (*run)(void);
} commands[COMMANDS] = {
	{"load", machine_load},
	{"start", machine_start},
	{"stop", machine_stop},
	{"unload", machine_unload},
};

#define NO                                                                                                   \
	{                                                                                                    \
		PLINTH_E_STATE, PLINTH_STATES                                                                \
	} /* refused, nothing changes */
#define BAD                                                                                                  \
	{                                                                                                    \
		PLINTH_E_CORRUPT, PLINTH_STATES                                                              \
	}

static const struct {
	int err;
	enum plinth_ctl_state next;
} spec[PLINTH_STATES][COMMANDS] = {
	/*                     load                  start                  stop                  unload */
	[PLINTH_UNLOADED] = {{0, PLINTH_LOADED}, NO, NO, NO},
	[PLINTH_LOADED] = {NO, {0, PLINTH_RUNNING}, NO, {0, PLINTH_UNLOADED}},
	[PLINTH_RUNNING] = {NO, NO, {0, PLINTH_LOADED}, NO},
	[PLINTH_CORRUPT] = {BAD, BAD, BAD, BAD},
};

static enum plinth_ctl_state state_now(void)
{
	struct plinth_ctl_status status = {0};

	core_status(machine.core, &status);
	return (enum plinth_ctl_state)status.state;
}

/* In which state every CPU is what the core's state says. */
static void expect_cpus(enum plinth_ctl_state state)
{
	for (uint32_t i = 0; i < model.n_cpus; i++)
		cr_expect_eq(model.cpu[i].guest, state == PLINTH_RUNNING, "%s: CPU %u", sweep_case(), i);
	cr_expect_eq(machine.virt, state == PLINTH_RUNNING, "%s: os_virt_acquire()", sweep_case());
}

static void run_sequence(unsigned int number, enum plinth_ctl_state state)
{
	for (unsigned int i = 0; i < LENGTH; i++, number /= COMMANDS) {
		unsigned int c = number % COMMANDS;
		int err = commands[c].run();

		cr_expect_eq(err, spec[state][c].err, "%s: command %u, %s, gives %d", sweep_case(), i,
			     commands[c].name, err);
		cr_expect_eq(err != 0, machine.report.used != 0, "%s: words if and only if it fails",
			     sweep_case());
		if (spec[state][c].next != PLINTH_STATES)
			state = spec[state][c].next;
		cr_expect_eq(state_now(), state, "%s: state after %s", sweep_case(), commands[c].name);
		if (state != PLINTH_CORRUPT)
			expect_cpus(state);
	}
}

static unsigned int sequences(void)
{
	unsigned int n = 1;

	for (unsigned int i = 0; i < LENGTH; i++)
		n *= COMMANDS;
	return n;
}

/* Whatever was done, the core can be taken away, and nothing stays. */
static void expect_destroyed(void)
{
	struct machine_world world;

	cr_expect_eq(core_destroy(machine.core), 0, "%s: core_destroy()", sweep_case());
	cr_expect_eq(machine_pages(), 0, "%s: pages owned at the end", sweep_case());
	machine.core = core_create();
	machine_snapshot(&world);
	cr_expect_eq(world.active, 0);
}

Test(commands, all_sequences)
{
	for (unsigned int number = 0; number < sequences(); number++) {
		sweep_label("sequence %u", number);
		sweep_count();
		machine_reset(&model_kinds[0], 2);
		run_sequence(number, PLINTH_UNLOADED);
		expect_destroyed();
		sweep_expect_clean();
	}
	sweep_report("sequences of six commands");
}

/* A stop that fails: from there on nothing is possible, and the memory stays. */
Test(commands, all_sequences_in_corrupt)
{
	uint64_t pages;

	machine_reset(&model_kinds[0], 2);
	cr_assert_eq(sweep_started(), 0);
	model_arm(1, 0);
	cr_assert_eq(machine_stop(), PLINTH_E_CORRUPT);
	model_disarm();
	pages = machine_pages();
	for (unsigned int number = 0; number < sequences(); number++) {
		sweep_label("corrupt, sequence %u", number);
		sweep_count();
		run_sequence(number, PLINTH_CORRUPT);
	}
	cr_expect_eq(machine_pages(), pages);
	cr_expect_eq(core_destroy(machine.core), PLINTH_E_CORRUPT);
	sweep_expect_clean();
	sweep_report("sequences of six commands when corrupt");
}
