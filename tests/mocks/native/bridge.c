/* SPDX-License-Identifier: MIT */
/* An entry module that leads to modules which are part of the test's process. */
#include <plinth/entry.h>

#include "../intrinsics/calls.h"

PLINTH_MODULE("native_bridge", "0.1.0",
	      "the modules as part of a test's process, for sanitizers and coverage (tests)");

#define NATIVE ((*(const struct model_calls *const *)MODEL_CALLS_PAGE)->native)

int entry_init(const struct plinth_boot *boot, uint64_t cpu)
{
	return NATIVE->init(boot, cpu);
}

void entry_fini(uint64_t cpu)
{
	NATIVE->fini(cpu);
}

int entry_prepare(uint64_t target, uint64_t cpu)
{
	return NATIVE->prepare(target, cpu);
}

void entry_release(uint64_t target, uint64_t cpu)
{
	NATIVE->release(target, cpu);
}

int entry_start(uint64_t cpu, uint64_t rip, uint64_t rsp, uint64_t cr3)
{
	return NATIVE->start(cpu, rip, rsp, cr3);
}

int entry_check(uint64_t cpu)
{
	return NATIVE->check(cpu);
}

int entry_call(uint64_t cpu)
{
	return NATIVE->call(cpu);
}
