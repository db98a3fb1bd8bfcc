/* SPDX-License-Identifier: MIT */
/* The machine with its CPUs as threads, and one case of a scenario. */
#ifndef TESTS_MOCKS_THREADS_CPUS_H
#define TESTS_MOCKS_THREADS_CPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/machine.h"

struct scenario {
	const char *name;
	void (*prepare)(void); /* the machine is reset, nothing is loaded; NULL: nothing to do */
	/* Each CPU that is a guest does this so often, @left times more; CPU 0 does its commands besides. */
	uint32_t actions;
	void (*act)(uint32_t cpu, uint32_t left);
	/* On CPU 0, while the others act. NULL: all CPUs are started before and stopped after. */
	void (*command)(void);
	/* All threads have ended, the VMM is still loaded and, without a command, runs. */
	void (*check)(void);
	bool corrupt;	/* the VMM may die on the way */
	uint32_t seeds; /* schedules that ./test tries */
	uint32_t nmis;	/* one NMI in so many instructions of interest, in every other case */
};

extern const struct scenario scenarios[];
extern const unsigned int n_scenarios;

/** cpus_case() - a scenario with the schedule of @seed. Return: points there were. */
uint64_t cpus_case(const struct scenario *s, uint64_t seed);

/** cpus_exit() - the guest on that CPU leaves, and comes back until nothing is owed to it. */
enum model_end cpus_exit(uint32_t cpu, const struct model_exit *exit);
/** cpus_order() - a hypercall for vmm.c; its answer, or ~0. */
uint64_t cpus_order(uint32_t cpu, uint64_t what, uint64_t rcx, uint64_t rdx);

/** cpus_complain() - what is wrong; the case has failed. */
void cpus_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** cpus_complaints() - how many there were since cpus_forget(). */
unsigned int cpus_complaints(void);
void cpus_forget(void);

#endif
