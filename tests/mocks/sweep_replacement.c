/* SPDX-License-Identifier: MIT */
/*
 * Another file for a module's role (plinthctl load --replace): loaded at once or after the original
 * was there, and the original after it, with every call failing that can, alone and in pairs.
 */
#include "sweep.h"

static const struct {
	const char *module, *with;
} replacements[] = {
	/* Another vendor, written from the interface ... */
	{"vcpu_intel", "vendor_works"},
	/* ... and the shipped sources once more, in another file. */
	{"serial", "fails_serial"},
	{"memory", "fails_memory"},
	{"vcpu_intel", "fails_vcpu_intel"},
	{"exit_handler", "fails_exit_handler"},
	{"entry", "fails_entry"},
	{"ept", "again_ept"},
	{"vmx_check", "again_vmx_check"},
};

#define N_REPLACEMENTS (sizeof(replacements) / sizeof(replacements[0]))

static unsigned int which; /* of them */

static void put_replacement(void)
{
	machine_replace(replacements[which].module, replacements[which].with);
}

static void put_back(void)
{
	machine_replace(replacements[which].with, replacements[which].module);
}

static int whole_life(void)
{
	int err = sweep_started();

	return err ? err : sweep_stop_unload();
}

/* Run, then gone; what stands in its place now is not loaded yet. */
static int after_original(void)
{
	int err = whole_life();

	put_replacement();
	return err;
}

static int after_replacement(void)
{
	int err;

	put_replacement();
	err = whole_life();
	put_back();
	return err;
}

static int instead(void)
{
	put_replacement();
	return 0;
}

static int loaded_after_original(void)
{
	int err = after_original();

	return err ? err : machine_load();
}

static int running_after_original(void)
{
	int err = after_original();

	return err ? err : sweep_started();
}

static int start_stop_unload(void)
{
	int err = machine_start();

	return err ? err : sweep_stop_unload();
}

static const struct scenario scenarios[] = {
	{"load with a replacement", instead, machine_load, start_stop_unload, false},
	{"load a replacement after the original", after_original, machine_load, start_stop_unload, false},
	{"load the original after a replacement", after_replacement, machine_load, start_stop_unload, false},
	{"start a replacement", loaded_after_original, machine_start, sweep_stop_unload, false},
	{"stop a replacement", running_after_original, machine_stop, machine_unload, false},
	{"unload a replacement", loaded_after_original, machine_unload, NULL, false},
};

#define N_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static uint32_t replacement_case(const struct scenario *s, uint32_t n_cpus, uint32_t first, uint32_t second)
{
	return sweep_one(s, &model_kinds[0], n_cpus, (struct sweep_faults){first, second});
}

Test(replacement, single)
{
	for (which = 0; which < N_REPLACEMENTS; which++) {
		sweep_group("%s for %s", replacements[which].with, replacements[which].module);
		for (size_t i = 0; i < N_SCENARIOS; i++)
			for (uint32_t n_cpus = 1; n_cpus <= 2; n_cpus++)
				for (uint32_t n = 1; replacement_case(&scenarios[i], n_cpus, n, 0); n++)
					;
	}
	sweep_report("module replacement, single faults");
}

/* All second faults after one first fault; false when there is no such first fault. */
static bool pairs_of_replacement(const struct scenario *s, uint32_t first)
{
	for (uint32_t second = first + 1;; second++) {
		uint32_t hits = replacement_case(s, 1, first, second);

		if (hits < 2)
			return hits;
	}
}

Test(replacement, pairs)
{
	for (which = 0; which < N_REPLACEMENTS; which++) {
		sweep_group("%s for %s", replacements[which].with, replacements[which].module);
		/*
		 * Of pairs in a start sweep_faults.c tries enough: a replacement makes no difference to them.
		 */
		for (size_t i = 0; i < N_SCENARIOS; i++)
			for (uint32_t first = 1;
			     scenarios[i].run != machine_start && pairs_of_replacement(&scenarios[i], first);
			     first++)
				;
	}
	sweep_report("module replacement, pairs of faults");
}

/* -- what a user does to change a module, with a fault on the way --------------------------- */

static int change_files(void)
{
	put_replacement();
	return 0;
}

static int change_files_back(void)
{
	put_back();
	return 0;
}

static int (*const way[])(void) = {
	machine_load, machine_start, machine_stop, machine_unload, change_files,
	machine_load, machine_start, machine_stop, machine_unload, change_files_back,
	machine_load, machine_start, machine_stop, machine_unload,
};

#define TRIES 3 /* of a command: each of two faults may hit it once */

/* False: the state is CORRUPT, and the way ends here. */
static bool give_command(int (*run)(void))
{
	int err = PLINTH_E_STATE;

	for (unsigned int i = 0; i < TRIES && err; i++) {
		struct machine_world before;

		machine_snapshot(&before);
		err = run();
		if (err == PLINTH_E_CORRUPT) {
			model_disarm();
			sweep_expect_corrupt();
			return false;
		}
		if (err)
			sweep_expect_same(&before);
	}
	cr_expect_eq(err, 0, "%s: does not work again: %s", sweep_case(), machine.report.text);
	return true;
}

static uint32_t go(uint32_t first, uint32_t second)
{
	struct machine_world empty;
	uint32_t hits;

	sweep_label("%s for %s on the way, faults %u %u", replacements[which].with,
		    replacements[which].module, first, second);
	sweep_count();
	machine_reset(&model_kinds[0], 1);
	machine_snapshot(&empty);
	model_arm(first, second);
	for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++)
		if (!give_command(way[i])) {
			sweep_expect_clean();
			return 1;
		}
	hits = model_disarm();
	sweep_expect_same(&empty);
	sweep_expect_clean();
	return hits;
}

Test(replacement, on_the_way)
{
	for (which = 0; which < N_REPLACEMENTS; which++)
		for (uint32_t n = 1; go(n, n + 1); n++)
			;
	sweep_report("a module changed and changed back, two faults in a row");
}
