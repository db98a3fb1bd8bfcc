/* SPDX-License-Identifier: MIT */
/*
 * Modules that are not as they should be, in place of every module, alone and in pairs:
 * missing, twice, of another ABI, cut off, without a function others need, or with functions
 * that fail. Nothing of a refused set may stay, and the good set loads afterwards.
 */
#include "sweep.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	bool optional; /* the others do without it */
} modules[] = {
	{"mock_intrinsics", false},
	{"serial", false},
	{"memory", false},
	{"vcpu_intel", false},
	{"vcpu", false},
	{"exit_handler", false},
	{"ept", true},
	{"vmx_check", true},
	{"entry", false},
};

#define N_MODULES (sizeof(modules) / sizeof(modules[0]))

/* Built variants, see variants/meson.build. */
static const char *const lacking[] = {"memory", "serial", "exit_handler", "vcpu_intel", "vcpu", "entry"};
static const char *const failing[] = {"memory", "serial", "exit_handler", "vcpu_intel", "vcpu", "entry"};

#define N_LACKING (sizeof(lacking) / sizeof(lacking[0]))
#define N_FAILING (sizeof(failing) / sizeof(failing[0]))

static void set_flaw(unsigned int module, enum machine_flaw flaw)
{
	for (unsigned int i = 0; machine.modules[i]; i++)
		if (!strcmp(machine.modules[i], modules[module].name))
			machine.flaw[i] = flaw;
}

static void expect_good_set_works(const struct machine_world *empty)
{
	memset(machine.flaw, 0, sizeof(machine.flaw));
	cr_expect_eq(sweep_started(), 0, "%s: the good set: %s", sweep_case(), machine.report.text);
	cr_expect_eq(sweep_stop_unload(), 0, "%s: the good set: %s", sweep_case(), machine.report.text);
	sweep_expect_same(empty);
	sweep_expect_clean();
}

static void expect_refused(int err, const struct machine_world *empty)
{
	cr_expect_lt(err, 0, "%s: loads", sweep_case());
	cr_expect(machine.report.used, "%s: refused without a word", sweep_case());
	sweep_expect_same(empty);
	sweep_expect_clean();
	cr_expect_eq(machine_start(), PLINTH_E_STATE, "%s: start after a refused load", sweep_case());
}

static void try_flaws(unsigned int a, enum machine_flaw flaw_a, unsigned int b, enum machine_flaw flaw_b)
{
	struct machine_world empty;
	int err;

	sweep_label("%s with flaw %d, %s with flaw %d", modules[a].name, (int)flaw_a, modules[b].name,
		    (int)flaw_b);
	sweep_count();
	machine_reset(&model_kinds[0], 1);
	machine_snapshot(&empty);
	set_flaw(b, flaw_b);
	set_flaw(a, flaw_a);
	err = machine_load();
	if (!err) {
		cr_expect(flaw_a == FLAW_MISSING && modules[a].optional &&
				  (a == b || (flaw_b == FLAW_MISSING && modules[b].optional)),
			  "%s: loads", sweep_case());
		cr_expect_eq(machine_unload(), 0);
		sweep_expect_same(&empty);
	} else {
		expect_refused(err, &empty);
	}
	expect_good_set_works(&empty);
}

Test(variants, flawed_files)
{
	for (unsigned int a = 0; a < N_MODULES; a++)
		for (int flaw = FLAW_MISSING; flaw < MACHINE_FLAWS; flaw++)
			try_flaws(a, (enum machine_flaw)flaw, a, FLAW_NONE);
	for (unsigned int a = 0; a < N_MODULES; a++)
		for (unsigned int b = a + 1; b < N_MODULES; b++)
			for (int i = FLAW_MISSING; i < MACHINE_FLAWS; i++)
				for (int k = FLAW_MISSING; k < MACHINE_FLAWS; k++)
					try_flaws(a, (enum machine_flaw)i, b, (enum machine_flaw)k);
	sweep_report("flawed modules, alone and in pairs");
}

static const char *variant(const char *kind, const char *module)
{
	static char names[4][64];
	static unsigned int next;
	char *name = names[next++ % 4];

	snprintf(name, sizeof(names[0]), "%s_%s", kind, module);
	return name;
}

/* Every need that nobody meets is named. */
Test(variants, symbols_left_out)
{
	for (unsigned int a = 0; a < N_LACKING; a++) {
		for (unsigned int b = a; b < N_LACKING; b++) {
			struct machine_world empty;

			sweep_label("%s and %s without a function", lacking[a], lacking[b]);
			sweep_count();
			machine_reset(&model_kinds[0], 1);
			machine_snapshot(&empty);
			machine_replace(lacking[a], variant("lacks", lacking[a]));
			if (b != a)
				machine_replace(lacking[b], variant("lacks", lacking[b]));
			expect_refused(machine_load(), &empty);
		}
	}
	sweep_report("symbols left out, alone and in pairs");
}

/* -- functions that fail ---------------------------------------------------------------- */

static const char *replaced[2];

static void put_variants(void)
{
	for (unsigned int i = 0; i < 2; i++)
		if (replaced[i])
			machine_replace(replaced[i], variant("fails", replaced[i]));
}

static int prepare_load(void)
{
	put_variants();
	return 0;
}

static int prepare_start(void)
{
	put_variants();
	return machine_load();
}

static int prepare_stop(void)
{
	put_variants();
	return sweep_started();
}

static const struct scenario scenarios[] = {
	{"load", prepare_load, machine_load, machine_unload, false},
	{"start", prepare_start, machine_start, sweep_stop_unload, false},
	{"stop", prepare_stop, machine_stop, machine_unload, false},
};

static void sweep_replaced(uint32_t n_cpus)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		for (uint32_t n = 1;
		     sweep_one(&scenarios[i], &model_kinds[0], n_cpus, (struct sweep_faults){n, 0}); n++)
			;
}

Test(variants, functions_that_fail)
{
	for (unsigned int a = 0; a < N_FAILING; a++) {
		for (unsigned int b = a; b < N_FAILING; b++) {
			replaced[0] = failing[a];
			replaced[1] = a == b ? NULL : failing[b];
			sweep_replaced(a == b ? 2 : 1);
		}
	}
	sweep_report("failing functions of every module, alone and in pairs of modules");
}
