/* SPDX-License-Identifier: MIT */
/* Exceptions in root mode: who handles them, and where a *_safe function goes on. */
#include <plinth/intrinsics.h>

/* Both addresses relative to the member itself, so that the table needs no relocation. */
struct fixup {
	int32_t from;
	int32_t to;
};

/* The linker defines these around the section "cpu_fixups", which safe.S fills. */
extern const struct fixup __start_cpu_fixups[] __attribute__((visibility("hidden")));
extern const struct fixup __stop_cpu_fixups[] __attribute__((visibility("hidden")));
extern const char cpu_fault_stubs[] __attribute__((visibility("hidden")));

#define STUB_BYTES 16

static cpu_fault_fn *fault_handler;

void cpu_fault_entered(struct cpu_fault *fault);

void cpu_set_fault_handler(cpu_fault_fn *handler)
{
	fault_handler = handler;
}

uint64_t cpu_fault_stub(unsigned int vector)
{
	return (uint64_t)cpu_fault_stubs + vector * STUB_BYTES;
}

uint64_t cpu_fixup(uint64_t rip)
{
	for (const struct fixup *row = __start_cpu_fixups; row < __stop_cpu_fixups; row++)
		if ((uint64_t)&row->from + (uint64_t)(int64_t)row->from == rip)
			return (uint64_t)&row->to + (uint64_t)(int64_t)row->to;
	return 0;
}

/* Called by fault.S only. */
void cpu_fault_entered(struct cpu_fault *fault)
{
	fault_handler(fault);
}
