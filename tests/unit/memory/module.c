/* SPDX-License-Identifier: MIT */
/* The module as a whole on a pool of three physical runs: what it accepts, stacks, mappings, and what it
 * complains about. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <pagetable.h>
#include <plinth/serial.h>

#include "internal.h"
#include "model/model.h"

#define PAGES	   1024u
#define HEAP_BYTES (16ull * MEM_PAGE)
#define FREE_VA	   0x200000000000ull
#define WINDOW	   8192u /* pages of addresses, as in modules/memory/space.c */
#define MAP_MAX	   64u
#define STACK_MAX  16u

static _Alignas(4096) uint8_t pages[PAGES][MEM_PAGE];
static struct plinth_descriptor runs[3];
static struct plinth_boot boot;
static struct plinth_boot_module modules[2];
static struct plinth_tuning tuning;
static struct {
	struct plinth_shared head;
	struct plinth_shared_cpu cpu;
} region;

/* Contiguous in one way, and in another order in the other. */
static void describe(void)
{
	memset(pages, 0, sizeof(pages));
	runs[0] = (struct plinth_descriptor){(uint64_t)pages[0], 0x5000000, 100};
	runs[1] = (struct plinth_descriptor){(uint64_t)pages[100], 0x1000000, 24};
	runs[2] = (struct plinth_descriptor){(uint64_t)pages[124], 0x3000000, PAGES - 124};
	boot = (struct plinth_boot){
		.levels = 4,
		.n_cpus = 1,
		.free_va = FREE_VA,
		.root_pgd_pa = 0x5000000,
		.launch_pgd_pa = 0x7000,
		.pool_va = (uint64_t)pages,
		.pool_pages = PAGES,
		.pool_used = 1,
		.heap_bytes = HEAP_BYTES,
		.descriptors_va = (uint64_t)runs,
		.n_descriptors = 3,
		.shared_va = (uint64_t)&region,
		.tuning_va = (uint64_t)&tuning,
		.modules_va = (uint64_t)modules,
	};
}

static void log_up(void)
{
	static struct cpu_local local;

	memset(&region, 0, sizeof(region));
	region.head = (struct plinth_shared){.magic = PLINTH_SHARED_MAGIC,
					     .version = PLINTH_SHARED_VERSION,
					     .n_cpus = 1,
					     .cpu_offset = offsetof(typeof(region), cpu),
					     .cpu_stride = sizeof(struct plinth_shared_cpu)};
	tuning.log_level = PLINTH_LOG_DEBUG;
	model_init(&model_kinds[0], 1);
	local.self = &local;
	model.cpu[0].st.msr[MODEL_MSR_FS_BASE] = (uint64_t)&local;
	cr_assert_eq(log_init(&boot), 0);
}

static void up(void)
{
	describe();
	log_up();
	cr_assert_eq(mem_init(&boot), 0);
}

static bool logged(const char *text)
{
	for (unsigned int i = 0; i < PLINTH_LOG_RECORDS; i++)
		if (strstr(region.cpu.log[i].text, text))
			return true;
	return false;
}

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
	/* Page table, the map of the pool and the sorted list take one page each. */
	boot.heap_bytes = (PAGES - 2) * (uint64_t)MEM_PAGE;
	cr_expect_eq(mem_init(&boot), PLINTH_E_NOMEM);
	boot.heap_bytes = (PAGES - 3) * (uint64_t)MEM_PAGE;
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

/* -- what is mapped ---------------------------------------------------------------------------- */

static uint64_t *table_at(void *ctx, uint64_t pa)
{
	(void)ctx;
	return mem_phys_to_virt(pa);
}

static int find(const void *va, struct pt_leaf *leaf)
{
	const struct pt pt = {.root_pa = boot.root_pgd_pa, .levels = boot.levels, .table = table_at};

	return pt_find(&pt, (uint64_t)va, leaf);
}

static void expect_mapped(const char *va, size_t n, unsigned int flags)
{
	for (size_t i = 0; i < n; i++) {
		struct pt_leaf leaf;

		cr_assert_eq(find(va + i * MEM_PAGE, &leaf), 0, "page %zu", i);
		cr_expect_eq(leaf.flags, flags, "page %zu", i);
		cr_expect_not(leaf.user);
	}
}

static void expect_unmapped(const char *va, size_t n)
{
	struct pt_leaf leaf;

	for (size_t i = 0; i < n; i++)
		cr_expect_eq(find(va + i * MEM_PAGE, &leaf), PLINTH_E_FAULT, "page %zu", i);
}

static uint64_t pages_used(void)
{
	return region.head.pool_used;
}

static void stacks_with_guards(void)
{
	char *a = mem_stack_alloc(3), *b = mem_stack_alloc(STACK_MAX), *again;
	uint64_t used = pages_used();

	cr_assert(a && b);
	expect_mapped(a - 3 * MEM_PAGE, 3, PT_WRITE);
	expect_unmapped(a - 4 * MEM_PAGE, 1);
	expect_unmapped(a, 1);
	expect_mapped(b - STACK_MAX * MEM_PAGE, STACK_MAX, PT_WRITE);
	expect_unmapped(b - (STACK_MAX + 1) * MEM_PAGE, 1);
	expect_unmapped(b, 1);
	mem_stack_free(a, 3);
	expect_unmapped(a - 3 * MEM_PAGE, 3);
	cr_expect_eq(pages_used(), used - 3);
	again = mem_stack_alloc(3);
	cr_expect_eq(again, a, "addresses are used again");
	mem_stack_free(again, 3);
	mem_stack_free(b, STACK_MAX);
	mem_fini();
	cr_expect(!logged("never freed"));
}

Test(memory, stacks_have_guards, .init = up)
{
	stacks_with_guards();
}

Test(memory, stacks_in_five_levels, .init = describe)
{
	boot.levels = 5;
	log_up();
	cr_assert_eq(mem_init(&boot), 0);
	stacks_with_guards();
}

Test(memory, stacks_that_cannot_be, .init = up)
{
	char *top = mem_stack_alloc(1);

	cr_expect_null(mem_stack_alloc(0));
	cr_expect_null(mem_stack_alloc(STACK_MAX + 1));
	mem_stack_free(NULL, 1);
	mem_stack_free(top, 0);
	mem_stack_free(top, STACK_MAX + 1);
	expect_mapped(top - MEM_PAGE, 1, PT_WRITE);
	mem_stack_free(top, 1);
	expect_unmapped(top - MEM_PAGE, 1);
}

Test(memory, foreign_memory, .init = up)
{
	static const struct {
		enum mem_prot prot;
		unsigned int flags;
	} cases[] = {{MEM_R, 0}, {MEM_RW, PT_WRITE}, {MEM_RX, PT_EXEC}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *va = mem_map(0xfee00000, 2, cases[i].prot);
		uint64_t pa = 0;

		cr_assert_not_null(va);
		expect_mapped(va, 2, cases[i].flags);
		cr_expect_eq(mem_virt_to_phys(va + 0x1010, &pa), 0);
		cr_expect_eq(pa, 0xfee01010);
		mem_unmap(va, 2);
		expect_unmapped(va, 2);
		cr_expect_eq(mem_virt_to_phys(va, &pa), PLINTH_E_FAULT);
		cr_expect_eq(pa, 0xfee01010, "untouched");
	}
	cr_expect_null(mem_map(0x1001, 1, MEM_R));
	cr_expect_null(mem_map(0x1000, 0, MEM_R));
	cr_expect_null(mem_map(0x1000, MAP_MAX + 1, MEM_R));
	mem_unmap(NULL, 1);
	mem_unmap(pages, 0);
	cr_expect_eq(space_used(), 0);
}

Test(memory, addresses_run_out_and_come_back, .init = up)
{
	char *va[WINDOW / MAP_MAX];

	for (unsigned int i = 0; i < WINDOW / MAP_MAX; i++)
		cr_assert(va[i] = mem_map(0x80000000, MAP_MAX, MEM_R), "mapping %u", i);
	cr_expect_null(mem_map(0x80000000, 1, MEM_R));
	cr_expect_null(mem_stack_alloc(1));
	mem_unmap(va[5] + 3 * MEM_PAGE, 2);
	cr_expect_null(mem_map(0x80000000, 3, MEM_R), "not in a row");
	cr_expect_null(mem_stack_alloc(1), "a stack and its guards are three");
	cr_expect_eq(mem_map(0x80000000, 2, MEM_R), va[5] + 3 * MEM_PAGE);
}

/* -- memory runs out ------------------------------------------------------------------------------- */

Test(memory, pages_run_out, .init = up)
{
	void *list[PAGES], *stack = mem_stack_alloc(STACK_MAX);
	unsigned int n = 0;

	cr_assert_not_null(stack);
	mem_stack_free(stack, STACK_MAX);
	while ((list[n] = mem_page_alloc()))
		n++;
	for (unsigned int left = 0; left < STACK_MAX; left++) {
		uint64_t used = pages_used();

		cr_expect_null(mem_stack_alloc(STACK_MAX), "%u pages left", left);
		cr_expect_eq(pages_used(), used, "%u pages left", left);
		mem_page_free(list[--n]);
	}
	cr_expect(mem_stack_alloc(STACK_MAX), "its page tables are there");
}

/* No page for a page table: what was mapped of it is not any more. */
Test(memory, page_tables_run_out, .init = up)
{
	void *list[PAGES];
	unsigned int n = 0;

	while ((list[n] = mem_page_alloc()))
		n++;
	for (unsigned int given = 0; given < 5; given++) {
		uint64_t used = pages_used();
		void *stack = mem_stack_alloc(2);

		cr_assert_eq(stack != NULL, given >= 5, "%u pages", given);
		cr_expect_leq(pages_used() - used, 3, "but for tables");
		mem_page_free(list[--n]);
	}
	cr_expect(mem_stack_alloc(2), "two pages and three tables");
}

/* -- complaints -------------------------------------------------------------------------------------- */

Test(memory, frees_that_are_none, .init = up)
{
	void *page = mem_page_alloc();

	mem_page_free(NULL);
	mem_free(NULL);
	cr_expect_eq(region.cpu.log_head, 0);
	mem_page_free((char *)page + 8);
	cr_expect(logged("not a page that was allocated"));
	cr_expect_eq(pages_used(), 1 + 2 + HEAP_BYTES / MEM_PAGE + 1);
	mem_page_free(page);
	mem_page_free(page);
	cr_expect_eq(region.cpu.log_head, 2, "twice");
	mem_page_free(pages[0]);
	cr_expect_eq(region.cpu.log_head, 3, "a page table");
	mem_page_free(pages[0] - MEM_PAGE);
	cr_expect_eq(region.cpu.log_head, 4);
	mem_page_free(pages[0] + sizeof(pages));
	cr_expect_eq(region.cpu.log_head, 5);
}

Test(memory, what_is_left_is_told, .init = up)
{
	cr_assert(mem_alloc(100, 0));
	cr_assert(mem_stack_alloc(2));
	mem_fini();
	cr_expect(logged("bytes of the heap were never freed"));
	cr_expect(logged("4 pages of stacks and mappings were never freed"));
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
	cr_expect_eq(region.head.memory[1].pages_used, 1);
	mem_free(p);
	mem_page_free(page);
	cr_expect_eq(region.head.memory[1].heap_used, 0);
	cr_expect_geq(region.head.memory[1].heap_peak, 100);
	cr_expect_eq(region.head.memory[1].pages_used, 0);
	cr_expect_eq(region.head.memory[1].pages_peak, 1);
}

Test(memory, of_no_module, .init = up)
{
	cr_assert(mem_alloc(100, 0));
	cr_expect_geq(region.head.memory[PLINTH_MEMORY_MODULES - 1].heap_used, 100);
}

Test(memory, more_modules_than_rows, .init = describe)
{
	boot.n_modules = 1000;
	boot.modules_va = (uint64_t)pages; /* all zero: nobody's */
	log_up();
	cr_assert_eq(mem_init(&boot), 0);
	cr_assert(mem_alloc(100, 0));
	cr_expect_geq(region.head.memory[PLINTH_MEMORY_MODULES - 1].heap_used, 100);
}

/* -- two CPUs ----------------------------------------------------------------------------------------------
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
