/* SPDX-License-Identifier: MIT */
/* What the tests need of the CPU's features: page-table isolation. */
#ifndef STUB_ASM_CPUFEATURE_H
#define STUB_ASM_CPUFEATURE_H

#include <stdbool.h>

#define X86_FEATURE_PTI 1

bool cpu_feature_enabled(int feature);

#endif
