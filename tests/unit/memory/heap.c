/* SPDX-License-Identifier: MIT */
/* The heap against a list of what is taken, and every complaint it has. */
#include <criterion/criterion.h>
#include <string.h>

#include "internal.h"

#define HEAP_BYTES 65536u
#define SLOTS	   64u
#define OVERHEAD   16u /* bytes in front of a block */

static _Alignas(4096) char arena[HEAP_BYTES];
static struct plinth_shared shared;

static void fresh(void)
{
	const struct plinth_boot boot = {.shared_va = (uint64_t)&shared};

	memset(arena, 0xee, sizeof(arena));
	owner_init(&boot);
	heap_init(arena, sizeof(arena), &shared);
}

Test(heap, gives_zeroed_aligned_memory)
{
	static const size_t sizes[] = {1, 7, 8, 15, 16, 17, 100, 4095, 4096, 4097};
	static const size_t aligns[] = {0, 1, 8, 16, 32, 64, 256, 4096};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (size_t k = 0; k < sizeof(aligns) / sizeof(*aligns); k++) {
			size_t align = aligns[k] < 16 ? 16 : aligns[k];
			char *p;

			fresh();
			cr_assert(heap_alloc_locked(24, 0, 0));
			p = heap_alloc_locked(sizes[i], aligns[k], 0);
			cr_assert(p, "%zu bytes, align %zu", sizes[i], aligns[k]);
			cr_expect_eq((uint64_t)p % align, 0, "%zu bytes, align %zu", sizes[i], aligns[k]);
			for (size_t b = 0; b < sizes[i]; b++)
				cr_assert_eq(p[b], 0);
		}
	}
}

Test(heap, refuses_bad_arguments)
{
	fresh();
	cr_expect_null(heap_alloc_locked(0, 0, 0));
	cr_expect_null(heap_alloc_locked(8, 3, 0));
	cr_expect_null(heap_alloc_locked(8, 8192, 0));
	cr_expect_eq(shared.shortage.times, 0, "these are no shortages");
	cr_expect_null(heap_alloc_locked(HEAP_BYTES, 0, 0));
	cr_expect_null(heap_alloc_locked(SIZE_MAX, 0, 0));
	cr_expect_eq(shared.shortage.times, 2);
	cr_expect_eq(shared.shortage.kind, PLINTH_SHORTAGE_HEAP);
	cr_expect_eq(shared.shortage.wanted, SIZE_MAX);
	cr_expect_eq(heap_used(), 0);
	heap_init(arena, 0, &shared);
	cr_expect_null(heap_alloc_locked(1, 0, 0));
}

Test(heap, runs_out_and_recovers)
{
	void *list[HEAP_BYTES / 64];
	unsigned int n = 0;

	fresh();
	while ((list[n] = heap_alloc_locked(100, 0, 0)))
		n++;
	cr_expect_gt(n, 400);
	cr_expect_eq(shared.heap_used, heap_used());
	while (n--)
		heap_free_locked(list[n]);
	cr_expect_eq(heap_used(), 0);
	cr_expect_gt(shared.heap_peak, HEAP_BYTES * 9 / 10);
	cr_expect(heap_alloc_locked(HEAP_BYTES - 64, 0, 0), "all of it is one block again");
}

/* Random use against a model; everybody's bytes stay what they were set to. */
Test(heap, random_use)
{
	struct {
		unsigned char *p;
		size_t bytes;
	} taken[SLOTS] = {0};
	uint32_t seed = 1;

	fresh();
	for (unsigned int round = 0; round < 50000; round++) {
		unsigned int i = (seed = seed * 1103515245 + 12345) >> 16 & (SLOTS - 1);
		size_t bytes = ((seed = seed * 1103515245 + 12345) >> 16) % 3000 + 1;
		size_t align = 1u << ((seed >> 8) % 10);

		if (taken[i].p) {
			for (size_t b = 0; b < taken[i].bytes; b++)
				cr_assert_eq(taken[i].p[b], i, "round %u", round);
			heap_free_locked(taken[i].p);
			taken[i].p = NULL;
		} else if ((taken[i].p = heap_alloc_locked(bytes, align, 0))) {
			taken[i].bytes = bytes;
			memset(taken[i].p, (int)i, bytes);
		}
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		if (taken[i].p)
			heap_free_locked(taken[i].p);
	cr_expect_eq(heap_used(), 0);
	cr_expect(heap_alloc_locked(HEAP_BYTES - 64, 0, 0));
}

/* What cannot be freed stays taken, and the heap goes on. */
Test(heap, bad_frees_are_refused)
{
	char *p, *q;
	size_t used;

	fresh();
	p = heap_alloc_locked(100, 0, 0);
	q = heap_alloc_locked(100, 0, 0);
	used = heap_used();
	heap_free_locked(p + 1);
	heap_free_locked(p + 16);
	heap_free_locked((void *)((uint64_t)arena - 4096));
	heap_free_locked((void *)((uint64_t)arena + HEAP_BYTES));
	cr_expect_eq(heap_used(), used, "not the heap's, or not a block");
	p[100] ^= 1;
	heap_free_locked(p);
	cr_expect_eq(heap_used(), used, "written beyond its end");
	p[100] ^= 1;
	heap_free_locked(p);
	cr_expect_lt(heap_used(), used);
	used = heap_used();
	heap_free_locked(p);
	cr_expect_eq(heap_used(), used, "freed twice");
	memset(q - OVERHEAD / 2, 0xff, 4);
	heap_free_locked(q);
	cr_expect_eq(heap_used(), used, "more than the heap was asked for");
	memset(q - OVERHEAD, 0x41, 4);
	memset(q - 4, 0x41, 4);
	heap_free_locked(q);
	cr_expect_eq(heap_used(), used, "its header is overwritten");
}

/* Headers are followed only within the heap, and only where they fit their neighbours. */
Test(heap, overwritten_headers_lead_nowhere)
{
	static const uint32_t units[] = {0, 1, 2, 0x10000, 0x7fffffff, 0xffffffff};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		char *p, *q, *r;
		size_t used;

		fresh();
		p = heap_alloc_locked(100, 0, 0);
		q = heap_alloc_locked(100, 0, 0);
		r = heap_alloc_locked(100, 0, 0);
		used = heap_used();
		memcpy(q - OVERHEAD, &units[i], sizeof(units[i])); /* the block's length */
		heap_free_locked(q);
		heap_free_locked(r);
		cr_assert_not_null(p);
		cr_expect_eq(heap_used(), used, "units %u: one of the two was believed", units[i]);
		cr_expect_null(heap_alloc_locked(100, 0, 0), "units %u: found behind an overwritten header",
			       units[i]);
	}
}

/* The length in front of it, which leads backwards. */
Test(heap, overwritten_lengths_before_lead_nowhere)
{
	static const uint32_t previous[] = {0, 1, 9, 0x10000, 0xffffffff};

	for (size_t i = 0; i < sizeof(previous) / sizeof(previous[0]); i++) {
		char *p, *q;
		size_t used;

		fresh();
		p = heap_alloc_locked(100, 0, 0);
		q = heap_alloc_locked(100, 0, 0);
		heap_free_locked(p);
		used = heap_used();
		memcpy(q - OVERHEAD + 4, &previous[i], sizeof(previous[i]));
		heap_free_locked(q);
		cr_expect_eq(heap_used(), used, "%u units before", previous[i]);
	}
}

/* A free neighbour whose header is overwritten is not merged with. */
Test(heap, overwritten_neighbours_are_left_alone)
{
	char *p, *q, *r;
	uint32_t units = 0x100000;

	fresh();
	p = heap_alloc_locked(100, 0, 0);
	q = heap_alloc_locked(100, 0, 0);
	r = heap_alloc_locked(100, 0, 0);
	cr_assert(p && r);
	heap_free_locked(q);
	memcpy(q - OVERHEAD, &units, sizeof(units));
	heap_free_locked(p);
	heap_free_locked(r);
	cr_expect_null(heap_alloc_locked(200, 0, 0));
}
