/* SPDX-License-Identifier: MIT */
#include "remembered.h"

#include <string.h>

#include "model/translation.h"
#include "sweep.h"

#define LARGE	     (1ull << 7)
#define ADDRESS_BITS 0x000ffffffffff000ull

static struct memory {
	uint64_t invalidations;
	unsigned int n;
	struct {
		uint64_t top;		     /* the first level: of other tables it remembers others */
		uint64_t base, table, shift; /* of its entries */
	} of[64];
} memory[MODEL_CPUS];

void remembered_note(uint32_t cpu, uint64_t gpa)
{
	struct memory *m = &memory[cpu];
	uint32_t levels = 0;
	uint64_t top = translation_tables(cpu, &levels), entry = top;

	for (uint64_t shift = 3 + 9 * levels; shift > 12; shift -= 9) {
		uint64_t table = entry & ADDRESS_BITS;

		entry = ((const uint64_t *)model.physical(table))[gpa >> shift & 511];
		if (shift <= 30 && m->n < 64) {
			m->of[m->n].top = top;
			m->of[m->n].base = gpa & ~((512ull << shift) - 1);
			m->of[m->n].table = table;
			m->of[m->n++].shift = shift;
		}
		if (entry & LARGE || !(entry & 7))
			return;
	}
}

void remembered_check(uint32_t cpu)
{
	struct memory *m = &memory[cpu];
	uint32_t levels;
	uint64_t top = translation_tables(cpu, &levels);

	if (m->invalidations != model.cpu[cpu].invalidations)
		m->n = 0;
	m->invalidations = model.cpu[cpu].invalidations;
	for (unsigned int i = 0; i < m->n; i++) {
		const uint64_t *table = model.physical(m->of[i].table);

		for (uint64_t j = 0; m->of[i].top == top && j < 512; j += 73) {
			uint64_t gpa = m->of[i].base + (j << m->of[i].shift);

			if (table[j] & LARGE && (table[j] & ADDRESS_BITS) != gpa)
				cr_expect(false, "%s: CPU %u remembers a table in which 0x%llx is 0x%llx",
					  sweep_case(), cpu, (unsigned long long)gpa,
					  (unsigned long long)table[j]);
		}
	}
}

void remembered_forget(void)
{
	memset(memory, 0, sizeof(memory));
}
