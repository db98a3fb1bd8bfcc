/* SPDX-License-Identifier: MIT */
/* What the sweeps share: scenarios, expectations after each case, and the count of cases. */
#ifndef TESTS_MOCKS_SWEEP_H
#define TESTS_MOCKS_SWEEP_H

#include <criterion/criterion.h>

#include "machine/machine.h"

#define SWEEP_CPUS 4u /* where a machine of every size has its turn; larger ones have sweep_worlds.c */

/* A command under test between what leads up to it and what takes it back. */
struct scenario {
	const char *name;
	int (*prepare)(void); /* 0, or a negative error; NULL: nothing */
	int (*run)(void);
	int (*undo)(void); /* back to where nothing is loaded; NULL: nothing to do */
	bool circle;	   /* run ends where it began */
};

/** sweep_label() - the name of the case at hand, for messages; as printf(). */
void sweep_label(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *sweep_case(void);
/** sweep_group() - what the following cases of sweep_one() have in common, told in their names. */
void sweep_group(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** sweep_count() - one more combination was tried. */
void sweep_count(void);
/**
 * sweep_report() - tell how many there were since the last report, in the file $PLINTH_SWEEPS if it is set.
 */
void sweep_report(const char *name);

/** sweep_seed(), sweep_draw() - chance, the same in each run: below @below, or, with 0, any number. */
void sweep_seed(uint64_t seed);
uint64_t sweep_draw(uint64_t below);

/** sweep_expect_clean() - nobody did what a CPU or an OS forbids. */
void sweep_expect_clean(void);
/** sweep_expect_same() - the world is as it was. */
void sweep_expect_same(const struct machine_world *before);
/** sweep_expect_corrupt() - the core says so, whatever it is asked. */
void sweep_expect_corrupt(void);

/** sweep_comes_back() - does the guest exit behind its next instruction? sweep_step() - it is there. */
bool sweep_comes_back(uint32_t cpu);
void sweep_step(uint32_t cpu);

/* Makes the combination: which calls fail, after everything is prepared. */
struct sweep_faults {
	uint32_t first, second;
};

/**
 * sweep_one() - a scenario with faults.
 * Return: how many of the faults happened.
 */
uint32_t sweep_one(const struct scenario *s, const struct model_kind *kind, uint32_t n_cpus,
		   struct sweep_faults faults);

/* What scenarios are made of. */
int sweep_loaded(void);
int sweep_warm(void); /* loaded, and started and stopped before */
int sweep_started(void);
int sweep_stop_unload(void);

#endif
