/* SPDX-License-Identifier: MIT */
/*
 * What the VMM takes of its pool and of its addresses. The modules allocate by these numbers and the
 * driver core, which decides how large the pool is, counts by them.
 */
#ifndef PLINTH_FOOTPRINT_H
#define PLINTH_FOOTPRINT_H

#include <stdint.h>

#include <plinth/boot.h>

#define PLINTH_PAGE 4096u

/* -- a CPU under the VMM ------------------------------------------------------- */

/*
 * Stacks, without the unmapped page on either side. A crash report takes 1.4 KiB of the one it is written on;
 * of each a quarter stays free (docs/performance.md). Modules of others run on the root stack, which is why
 * it has room for more.
 */
#define PLINTH_ROOT_STACK_PAGES 2u
#define PLINTH_NMI_STACK_PAGES	1u
#ifndef PLINTH_FAULT_STACK_PAGES
#define PLINTH_FAULT_STACK_PAGES 1u /* code with sanitizers in it takes more: tests/native.py */
#endif
#define PLINTH_MC_STACK_PAGES 1u /* of machine checks: nothing is reported there */
#define PLINTH_CPU_STACKS     4u
#define PLINTH_STACK_GUARDS   2u
#define PLINTH_CPU_STACK_PAGES                                                                               \
	(PLINTH_ROOT_STACK_PAGES + PLINTH_NMI_STACK_PAGES + PLINTH_FAULT_STACK_PAGES + PLINTH_MC_STACK_PAGES)

#define PLINTH_CPU_REGIONS                                                                                   \
	3u /* what the CPU itself wants: descriptor tables, and two pages for root mode and the vCPU's state \
	    */
#define PLINTH_CPU_PAGES	(PLINTH_CPU_STACK_PAGES + PLINTH_CPU_REGIONS)
#define PLINTH_CPU_WINDOW_PAGES (PLINTH_CPU_STACK_PAGES + PLINTH_CPU_STACKS * PLINTH_STACK_GUARDS)
#define PLINTH_VCPU_HEAP	1192u /* bytes: a vCPU's own and its row in the table of all */
#define PLINTH_VENDOR_HEAP	456u  /* bytes: what the vendor's module has of a vCPU */
#define PLINTH_CPU_HEAP		(PLINTH_VCPU_HEAP + PLINTH_VENDOR_HEAP)
#define PLINTH_HEAP_OVERHEAD	40u /* bytes: the heap's own share of each, its header and its mark */

/* -- the window: addresses the memory module gives out --------------------------- */

#define PLINTH_WINDOW_MORE 256u /* pages: mappings that no CPU has of its own */

/**
 * plinth_window_pages() - addresses for so many CPUs. Twice: what is unmapped waits until no CPU can have
 * kept its translation. And one for what each looks at in passing (mem_glance()).
 */
static inline uint64_t plinth_window_pages(uint64_t n_cpus)
{
	return 2 * n_cpus * PLINTH_CPU_WINDOW_PAGES + n_cpus + PLINTH_WINDOW_MORE;
}

/* -- the memory module's books, at the pool's start behind the page tables, before the heap ----------- */

/** plinth_pages_for() - so many bytes, in whole pages. */
static inline uint64_t plinth_pages_for(uint64_t bytes)
{
	return (bytes + PLINTH_PAGE - 1) / PLINTH_PAGE;
}

/* Where each begins, in bytes from the first one; none has pages of its own. */
struct plinth_books {
	uint64_t runs;	 /* the pool's runs once more, in the order of their physical addresses */
	uint64_t seen;	 /* a number for each CPU */
	uint64_t pool;	 /* a byte for each page of the pool */
	uint64_t window; /* a byte for each page of the window */
	uint64_t pages;	 /* of all of them */
};

/** plinth_books_of() - the books about a pool and a window. */
static inline struct plinth_books plinth_books_of(uint64_t n_runs, uint64_t n_cpus, uint64_t pool_pages,
						  uint64_t window_pages)
{
	struct plinth_books books;

	books.runs = 0;
	books.seen = books.runs + n_runs * sizeof(struct plinth_descriptor);
	books.pool = books.seen + n_cpus * sizeof(uint32_t);
	books.window = books.pool + pool_pages;
	books.pages = plinth_pages_for(books.window + window_pages);
	return books;
}

#endif
