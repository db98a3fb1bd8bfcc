/* SPDX-License-Identifier: MIT */
/* Memory descriptors: runs of the pool, searched by either address. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static const struct plinth_descriptor *runs_by_va;
static const struct plinth_descriptor *runs_by_pa;
static uint64_t n_runs;

static int compare_pa(const void *left, const void *right)
{
	uint64_t a = ((const struct plinth_descriptor *)left)->pa;
	uint64_t b = ((const struct plinth_descriptor *)right)->pa;

	return a < b ? -1 : a > b;
}

void descriptors_init(const struct plinth_descriptor *runs, uint64_t n, struct plinth_descriptor *by_pa)
{
	memcpy(by_pa, runs, n * sizeof(*runs));
	qsort(by_pa, n, sizeof(*by_pa), compare_pa);
	runs_by_va = runs;
	runs_by_pa = by_pa;
	n_runs = n;
}

bool descriptors_check(const struct plinth_boot *boot)
{
	const struct plinth_descriptor *runs = (const struct plinth_descriptor *)boot->descriptors_va;
	uint64_t va = boot->pool_va;

	for (uint64_t i = 0; i < boot->n_descriptors; i++) {
		if (runs[i].va != va || (runs[i].pa | runs[i].va) % MEM_PAGE || !runs[i].pages)
			return false;
		if (runs[i].pages > boot->pool_pages - (va - boot->pool_va) / MEM_PAGE)
			return false;
		va += runs[i].pages * MEM_PAGE;
	}
	return va == boot->pool_va + boot->pool_pages * MEM_PAGE;
}

static uint64_t key_va(const struct plinth_descriptor *run)
{
	return run->va;
}

static uint64_t key_pa(const struct plinth_descriptor *run)
{
	return run->pa;
}

/* The run that contains @address, or NULL. Inlined, as @key is: every table on a page's way is looked up. */
static inline __attribute__((always_inline)) const struct plinth_descriptor *
run_with(const struct plinth_descriptor *runs, uint64_t address,
	 uint64_t (*key)(const struct plinth_descriptor *))
{
	uint64_t low = 0, high = n_runs;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (key(&runs[middle]) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - key(&runs[low - 1]) >= runs[low - 1].pages * MEM_PAGE)
		return NULL;
	return &runs[low - 1];
}

uint64_t descriptors_pa(uint64_t va)
{
	const struct plinth_descriptor *run = run_with(runs_by_va, va, key_va);

	return run ? run->pa + (va - run->va) : 0;
}

void *descriptors_va(uint64_t pa)
{
	const struct plinth_descriptor *run = run_with(runs_by_pa, pa, key_pa);

	return run ? (void *)(run->va + (pa - run->pa)) : NULL;
}
