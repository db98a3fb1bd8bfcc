/* SPDX-License-Identifier: MIT */
/*
 * The mock of every interface (interfaces/) in each of its variants, alone and in pairs, with the
 * shipped modules around it: what works works with every other, what cannot is refused without a
 * trace, and what fails at its n-th call is undone.
 */
#include "sweep.h"

#include <stdio.h>

enum variant { WORKS, FAILS, LACKS, ABI, CTOR, VARIANTS };

static const char *const variant_names[VARIANTS] = {"works", "fails", "lacks", "abi", "ctor"};

static const struct {
	const char *module, *role;
	bool other[VARIANTS]; /* variants that there are not */
} interfaces[] = {
	/* It fails by itself, and nobody asks whether its constructor ran. */
	{"mock_intrinsics", "intrinsics", {[FAILS] = true, [CTOR] = true}},
	{"serial", "serial", {false}},
	{"memory", "memory", {false}},
	{"vcpu_intel", "vendor", {false}},
	{"exit_handler", "exit_handler", {false}},
	{"entry", "entry", {false}},
};

#define N_INTERFACES (sizeof(interfaces) / sizeof(interfaces[0]))

/* The mocks of the case at hand. */
static struct {
	unsigned int interface;
	enum variant variant;
} mocks[2];
static unsigned int n_mocks;

static const char *file_name(unsigned int interface, enum variant variant)
{
	static char names[N_INTERFACES][VARIANTS][32];
	char *name = names[interface][variant];

	snprintf(name, sizeof(names[0][0]), "%s_%s", interfaces[interface].role, variant_names[variant]);
	return name;
}

static void put_mocks(void)
{
	for (unsigned int i = 0; i < n_mocks; i++)
		machine_replace(interfaces[mocks[i].interface].module,
				file_name(mocks[i].interface, mocks[i].variant));
}

static void put_originals(void)
{
	for (unsigned int i = 0; i < n_mocks; i++)
		machine_replace(file_name(mocks[i].interface, mocks[i].variant),
				interfaces[mocks[i].interface].module);
}

/* -- those that no load may accept --------------------------------------------------------- */

static void expect_refused(void)
{
	struct machine_world empty;
	int err;

	sweep_count();
	machine_reset(&model_kinds[0], 1);
	machine_snapshot(&empty);
	put_mocks();
	err = machine_load();
	cr_expect_lt(err, 0, "%s: loads", sweep_case());
	cr_expect(machine.report.used, "%s: refused without a word", sweep_case());
	sweep_expect_same(&empty);
	cr_expect_eq(machine_start(), PLINTH_E_STATE, "%s: start after a refused load", sweep_case());
	put_originals();
	cr_expect_eq(sweep_started(), 0, "%s: the good set: %s", sweep_case(), machine.report.text);
	cr_expect_eq(sweep_stop_unload(), 0, "%s: the good set: %s", sweep_case(), machine.report.text);
	sweep_expect_same(&empty);
	sweep_expect_clean();
}

/* -- those that do their work, or fail while they do ---------------------------------------- */

static int prepare_load(void)
{
	put_mocks();
	return 0;
}

static int prepare_start(void)
{
	put_mocks();
	return machine_load();
}

static int prepare_stop(void)
{
	put_mocks();
	return sweep_started();
}

static const struct scenario scenarios[] = {
	{"load", prepare_load, machine_load, machine_unload, false},
	{"start", prepare_start, machine_start, sweep_stop_unload, false},
	{"stop", prepare_stop, machine_stop, machine_unload, false},
	{"unload", prepare_start, machine_unload, NULL, false},
};

static void every_call_fails(uint32_t n_cpus)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		for (uint32_t n = 1;
		     sweep_one(&scenarios[i], &model_kinds[0], n_cpus, (struct sweep_faults){n, 0}); n++)
			;
}

static void try(uint32_t n_cpus)
{
	bool refused = false;

	for (unsigned int i = 0; i < n_mocks; i++) {
		if (interfaces[mocks[i].interface].other[mocks[i].variant])
			return;
		refused = refused || mocks[i].variant > FAILS;
	}
	sweep_group("%s %s, %s %s", interfaces[mocks[0].interface].role, variant_names[mocks[0].variant],
		    n_mocks > 1 ? interfaces[mocks[1].interface].role : "no other",
		    n_mocks > 1 ? variant_names[mocks[1].variant] : "");
	if (refused)
		expect_refused();
	else
		every_call_fails(n_cpus);
}

Test(interfaces, alone)
{
	n_mocks = 1;
	for (mocks[0].interface = 0; mocks[0].interface < N_INTERFACES; mocks[0].interface++)
		for (int v = 0; v < VARIANTS; v++) {
			mocks[0].variant = (enum variant)v;
			try(1);
			try(2);
		}
	sweep_report("mocks of an interface, each variant");
}

Test(interfaces, pairs)
{
	n_mocks = 2;
	for (mocks[0].interface = 0; mocks[0].interface < N_INTERFACES; mocks[0].interface++)
		for (mocks[1].interface = mocks[0].interface + 1; mocks[1].interface < N_INTERFACES;
		     mocks[1].interface++)
			for (int v = 0; v < VARIANTS * VARIANTS; v++) {
				mocks[0].variant = (enum variant)(v / VARIANTS);
				mocks[1].variant = (enum variant)(v % VARIANTS);
				try(1);
			}
	sweep_report("mocks of two interfaces, each variant with each");
}

/* Nothing but mocks: the driver core with a set in which no shipped module is left that it needs. */
Test(interfaces, all)
{
	struct machine_world empty;

	sweep_label("mocks only");
	for (uint32_t n_cpus = 1; n_cpus <= SWEEP_CPUS; n_cpus++) {
		sweep_count();
		machine_reset(&model_kinds[0], n_cpus);
		machine_snapshot(&empty);
		for (unsigned int i = 0; i < N_INTERFACES; i++)
			machine_replace(interfaces[i].module, file_name(i, WORKS));
		cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
		for (uint32_t cpu = 0; cpu < n_cpus; cpu++)
			cr_expect(model.cpu[cpu].guest, "CPU %u is a guest", cpu);
		cr_assert_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
		sweep_expect_same(&empty);
		sweep_expect_clean();
	}
	sweep_report("mocks of all interfaces together");
}
