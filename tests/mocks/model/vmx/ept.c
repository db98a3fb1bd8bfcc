/* SPDX-License-Identifier: MIT */
/* Second-level translation (SDM, "EPT Translation Mechanism"). */
#include "vmx.h"

#define LARGE	     (1ull << 7)
#define ADDRESS_BITS 0x000ffffffffff000ull

uint64_t ept_tables(const struct model_cpu *cpu, uint32_t *levels)
{
	uint64_t pointer = vmcs_get(cpu, VMCS_EPT_POINTER);

	*levels = 1 + (pointer >> 3 & 7);
	return pointer & ADDRESS_BITS;
}

struct translation ept_translation(const struct model_cpu *cpu, uint64_t gpa)
{
	struct translation t = {.access = READ | WRITE | FETCH};
	uint32_t levels;
	uint64_t table = ept_tables(cpu, &levels);

	/* Of a CPU that has no guest any more there is no VMCS. */
	if (!table)
		return t;
	for (uint64_t shift = 3 + 9 * levels;; shift -= 9) {
		uint64_t entry = ((const uint64_t *)model.physical(table))[gpa >> shift & 511];

		t.bytes = 1ull << shift;
		t.access &= entry & 7;
		if (!t.access)
			return t;
		if (shift == 12 || entry & LARGE) {
			t.pa = (entry & ADDRESS_BITS & ~(t.bytes - 1)) | (gpa & (t.bytes - 1));
			return t;
		}
		table = entry & ADDRESS_BITS;
	}
}
