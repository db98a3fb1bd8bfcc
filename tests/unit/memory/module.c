/* SPDX-License-Identifier: MIT */
/*
 * The module as a whole: what it accepts, what it complains about, whose memory it is, and two CPUs at once.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

/* A byte for each page of the pool and of the window, the runs, and a number for the CPU. */
#define BOOKS  3u
/* Below the top level, for the addresses that CPUs have of their own. */
#define TABLES 3u

/* -- mem_init() -------------------------------------------------------------------------- */

Test(memory, refuses_runs_that_are_not_the_pool, .init = describe)
{
	const struct plinth_descriptor good[3] = {runs[0], runs[1], runs[2]};

	log_up();
	runs[1].va += MEM_PAGE;
	cr_expect_eq(mem_init(&boot), PLINTH_E_INVAL, "a hole");
	memcpy(runs, good, sizeof(runs));
	runs[1].pa += 8;
	cr_expect_eq(mem_init(&boot), PLINTH_E_INVAL, "not aligned");
	memcpy(runs, good, sizeof(runs));
	runs[1].pages = 0;
	cr_expect_eq(mem_init(&boot), PLINTH_E_INVAL, "nothing");
	memcpy(runs, good, sizeof(runs));
	runs[2].pages++;
	cr_expect_eq(mem_init(&boot), PLINTH_E_INVAL, "more than the pool");
	runs[2].pages = ~0ull;
	cr_expect_eq(mem_init(&boot), PLINTH_E_INVAL, "far more");
	memcpy(runs, good, sizeof(runs));
	runs[2].pages--;
	cr_expect_eq(mem_init(&boot), PLINTH_E_INVAL, "less than the pool");
	memcpy(runs, good, sizeof(runs));
	boot.pool_va += 8;
	cr_expect_eq(mem_init(&boot), PLINTH_E_INVAL, "not its address");
	boot.pool_va -= 8;
	boot.heap_bytes++;
	cr_expect_eq(mem_init(&boot), PLINTH_E_INVAL, "half a page of heap");
	boot.heap_bytes--;
	cr_expect_eq(mem_init(&boot), 0);
}

Test(memory, refuses_a_heap_beyond_the_pool, .init = describe)
{
	log_up();
	boot.heap_bytes = (PAGES - BOOKS) * (uint64_t)MEM_PAGE;
	cr_expect_eq(mem_init(&boot), PLINTH_E_NOMEM);
	boot.heap_bytes = (PAGES - BOOKS - TABLES) * (uint64_t)MEM_PAGE;
	cr_expect_eq(mem_init(&boot), PLINTH_E_NOMEM);
	boot.heap_bytes = (PAGES - 1 - BOOKS - TABLES) * (uint64_t)MEM_PAGE;
	cr_expect_eq(mem_init(&boot), 0);
	boot.heap_bytes = 0;
	boot.pool_used = PAGES - 1;
	cr_expect_eq(mem_init(&boot), PLINTH_E_NOMEM);
	boot.pool_used = ~0ull / 2;
	cr_expect_eq(mem_init(&boot), PLINTH_E_NOMEM);
}

/* -- descriptors ----------------------------------------------------------------------------- */

Test(memory, physical_addresses, .init = up)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		const struct plinth_descriptor *run = &runs[i < 100 ? 0 : i < 124 ? 1 : 2];
		uint64_t pa = run->pa + ((uint64_t)pages[i] - run->va);

		cr_expect_eq(mem_phys_to_virt(pa + 5), pages[i] + 5, "page %u", i);
		cr_expect_eq(descriptors_pa((uint64_t)pages[i] + 7), pa + 7, "page %u", i);
	}
	cr_expect_null(mem_phys_to_virt(0));
	cr_expect_null(mem_phys_to_virt(0x1000000 - 1));
	cr_expect_null(mem_phys_to_virt(0x1000000 + 24 * MEM_PAGE), "between two runs");
	cr_expect_null(mem_phys_to_virt(~0ull));
	cr_expect_eq(descriptors_pa((uint64_t)pages[0] - 1), 0);
	cr_expect_eq(descriptors_pa((uint64_t)pages + sizeof(pages)), 0);
	cr_expect_eq(mem_root_tables(), 0x5000000);
	cr_expect_eq(mem_launch_tables(), 0x7000);
}

/* -- complaints -------------------------------------------------------------------------------------- */

Test(memory, frees_that_are_none, .init = up)
{
	void *page = mem_page_alloc();

	mem_page_free(NULL);
	mem_free(NULL);
	cr_expect_eq(region.cpu.log_head, 0);
	mem_page_free((char *)page + 8);
	cr_expect_eq(LOGGED(fact_hex((uint64_t)page + 8)), 1);
	cr_expect_eq(region.head.pool_used, 1 + BOOKS + HEAP_BYTES / MEM_PAGE + TABLES + 1);
	mem_page_free(page);
	mem_page_free(page);
	cr_expect_eq(region.cpu.log_head, 2, "twice");
	mem_page_free(pages[0]);
	cr_expect_eq(region.cpu.log_head, 3, "a page table");
	mem_page_free((void *)((uint64_t)pages - MEM_PAGE));
	cr_expect_eq(region.cpu.log_head, 4);
	mem_page_free(pages[0] + sizeof(pages));
	cr_expect_eq(region.cpu.log_head, 5);
}

Test(memory, what_is_left_is_told, .init = up)
{
	uint64_t left;

	cr_assert(mem_alloc(100, 0));
	cr_assert(mem_stack_alloc(2));
	cr_assert(mem_page_alloc());
	left = heap_used();
	mem_fini();
	cr_expect_geq(left, 100);
	cr_expect_eq(LOGGED("heap", fact_decimal(left)), 1);
	cr_expect_eq(LOGGED("pool", "3"), 1);
	cr_expect_eq(LOGGED("stacks", "4"), 1);
	cr_expect_eq(mem_root_tables(), 0);
}

/* -- whose it is ---------------------------------------------------------------------------------------- */

Test(memory, counted_by_module, .init = describe)
{
	void *p, *page;

	modules[0] = (struct plinth_boot_module){.base_va = 0x1000, .bytes = 0x1000};
	modules[1] = (struct plinth_boot_module){.base_va = 0, .bytes = ~0ull};
	boot.n_modules = 2;
	log_up();
	cr_assert_eq(mem_init(&boot), 0);
	p = mem_alloc(100, 0);
	page = mem_page_alloc();
	cr_expect_eq(region.head.memory[0].heap_used, 0);
	cr_expect_geq(region.head.memory[1].heap_used, 100);
	cr_expect_eq(region.head.memory[1].pages_used, TABLES + 1);
	mem_free(p);
	mem_page_free(page);
	cr_expect_eq(region.head.memory[1].heap_used, 0);
	cr_expect_geq(region.head.memory[1].heap_peak, 100);
	cr_expect_eq(region.head.memory[1].pages_used, TABLES);
	cr_expect_eq(region.head.memory[1].pages_peak, TABLES + 1);
}

Test(memory, of_no_module, .init = up)
{
	cr_assert(mem_alloc(100, 0));
	cr_expect_geq(region.head.memory[PLINTH_MEMORY_MODULES - 1].heap_used, 100);
}

Test(memory, more_modules_than_rows, .init = describe)
{
	static const struct plinth_boot_module nobodys[1000];

	boot.n_modules = 1000;
	boot.modules_va = (uint64_t)nobodys;
	log_up();
	cr_assert_eq(mem_init(&boot), 0);
	cr_assert(mem_alloc(100, 0));
	cr_expect_geq(region.head.memory[PLINTH_MEMORY_MODULES - 1].heap_used, 100);
}

/*
 * -- two CPUs ----------------------------------------------------------------------------------------------
 */

static void *allocate(void *out)
{
	*(void **)out = mem_alloc(64, 0);
	return NULL;
}

Test(memory, one_waits_for_the_other, .init = up)
{
	void *p = NULL;
	pthread_t other;

	mem_lock();
	cr_assert_eq(pthread_create(&other, NULL, allocate, &p), 0);
	usleep(20000);
	cr_expect_eq(heap_used(), 0);
	mem_unlock();
	pthread_join(other, NULL);
	cr_expect_not_null(p);
}
