/* SPDX-License-Identifier: MIT */
/* Not compiled as the modules are: whoever calls it keeps the turn. */
#include "tlb.h"

#include <stdint.h>
#include <string.h>

#include "cpus.h"
#include "model/vendor.h"
#include "sched.h"

#define PAGE	4096u
#define PLACES	4096u /* more than the VMM has addresses */
#define INVALID UINT64_MAX

/* An address that was taken back, and how often each CPU had loaded CR3 then. */
static struct place {
	uint64_t page;
	uint64_t loads[SCHED_THREADS];
} places[PLACES];

static struct place *place_of(uint64_t page)
{
	return &places[page % PLACES];
}

static bool keeps(uint32_t cpu)
{
	return model.cpu[cpu].virt_on && model_vendor()->keeps_tlb();
}

void tlb_given(const void *at, size_t pages)
{
	for (uint64_t page = (uint64_t)at / PAGE; pages--; page++) {
		const struct place *p = place_of(page);

		for (uint32_t cpu = 0; p->page == page && cpu < model.n_cpus; cpu++)
			if (keeps(cpu) && p->loads[cpu] == model.cpu[cpu].cr3_loads)
				cpus_complain("address 0x%llx is given out again, and CPU %u remembers where "
					      "it led",
					      (unsigned long long)page * PAGE, cpu);
	}
}

void tlb_taken(const void *at, size_t pages)
{
	for (uint64_t page = (uint64_t)at / PAGE; pages--; page++) {
		struct place *p = place_of(page);

		p->page = page;
		for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++)
			p->loads[cpu] = cpu == model.here ? INVALID : model.cpu[cpu].cr3_loads;
	}
}

void tlb_forget(void)
{
	memset(places, 0, sizeof(places));
}
