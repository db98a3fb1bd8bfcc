/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MOCKS_THREADS_SCENARIO_INTROSPECTION_H
#define TESTS_MOCKS_THREADS_SCENARIO_INTROSPECTION_H

#include <stdint.h>

void introspection_prepare(void);
void introspection_act(uint32_t cpu, uint32_t left);
void introspection_check(void);

#endif
