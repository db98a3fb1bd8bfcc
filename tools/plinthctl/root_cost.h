/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_ROOT_COST_H
#define PLINTHCTL_ROOT_COST_H

#include <stdint.h>

/*
 * root_cost() - TSC ticks of one CPUID, the shortest of several, on the CPU this runs on.
 * Under the VMM CPUID leaves for it and has the shortest way there and back of all exits, so
 * exits times this is the least that the VMM takes. Causes exits of its own. Never 0.
 */
uint32_t root_cost(void);

#endif
