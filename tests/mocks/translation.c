/* SPDX-License-Identifier: MIT */
#include "translation.h"

#include "model/model.h"

#define LARGE	     (1ull << 7)
#define ADDRESS_BITS 0x000ffffffffff000ull

struct translation translation_of(uint32_t cpu, uint64_t gpa)
{
	uint64_t pointer = model_field(cpu, VMCS_EPT_POINTER), table = pointer & ADDRESS_BITS;
	struct translation t = {.access = READ | WRITE | FETCH};

	/* Of a CPU that has no guest any more there is no VMCS. */
	if (!pointer)
		return t;
	for (uint64_t shift = 12 + 9 * (pointer >> 3 & 7);; shift -= 9) {
		uint64_t entry = ((const uint64_t *)model.physical(table))[gpa >> shift & 511];

		t.bytes = 1ull << shift;
		t.access &= entry & 7;
		if (!t.access)
			return t;
		if (shift == 12 || entry & LARGE) {
			t.pa = (entry & ADDRESS_BITS & ~(t.bytes - 1)) | (gpa & (t.bytes - 1));
			t.type = entry >> 3 & 7;
			return t;
		}
		table = entry & ADDRESS_BITS;
	}
}
