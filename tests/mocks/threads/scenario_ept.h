/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MOCKS_THREADS_SCENARIO_EPT_H
#define TESTS_MOCKS_THREADS_SCENARIO_EPT_H

#include <stdint.h>

void ept_prepare(void);
void ept_act(uint32_t cpu, uint32_t left);
void ept_check(void);

#endif
