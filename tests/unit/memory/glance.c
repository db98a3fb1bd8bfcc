/* SPDX-License-Identifier: MIT */
/* Looks at any memory of the machine, in passing. */
#include <string.h>

#include <pagetable.h>

#include "fixture.h"
#include "model/model.h"

#define CPUS	   3u
#define RW_NX_BITS 0x8000000000000063ull

static uint64_t *table_there(void *ctx, uint64_t pa)
{
	(void)ctx;
	return mem_phys_to_virt(pa);
}

static struct pt_leaf leaf_of(const void *va)
{
	const struct pt pt = {.root_pa = boot.root_pgd_pa, .levels = boot.levels, .table = table_there};
	struct pt_leaf leaf = {0};

	(void)!pt_find(&pt, (uint64_t)va, &leaf);
	return leaf;
}

static void some_cpus(void)
{
	describe();
	boot.n_cpus = CPUS;
	boot.window_pages = WINDOW_PAGES + CPUS;
	log_up();
	cr_assert_eq(mem_init(&boot), 0);
}

static void expect_look(uint32_t cpu, uint64_t pa)
{
	const char *va = mem_glance(cpu, pa);

	cr_assert_not_null(va);
	cr_expect_eq((uint64_t)va % MEM_PAGE, pa % MEM_PAGE);
	cr_expect_eq(leaf_of(va).pa, pa, "CPU %u at 0x%llx sees 0x%llx", cpu, (unsigned long long)pa,
		     (unsigned long long)leaf_of(va).pa);
	cr_expect_eq(leaf_of(va).entry & ~PT_BITS_ADDRESS, RW_NX_BITS);
}

static uint64_t flushed;

static void note_flush(uint64_t va)
{
	flushed = va;
}

Test(glance, each_cpu_has_an_address, .init = some_cpus)
{
	const char *first = mem_glance(0, 0x12345678);

	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		expect_look(cpu, 0xfee00020 + cpu * 0x1000);
	cr_expect_eq(leaf_of(mem_glance(0, 0x1000)).pa, 0x1000, "the newest look counts");
	cr_expect_eq((uint64_t)mem_glance(0, 8) / MEM_PAGE, (uint64_t)first / MEM_PAGE);
	cr_expect_neq((uint64_t)mem_glance(1, 8) / MEM_PAGE, (uint64_t)first / MEM_PAGE);
}

Test(glance, ends_with_the_machine, .init = some_cpus)
{
	const uint64_t end = 1ull << model.kind->physical_bits;

	expect_look(1, end - 1);
	expect_look(1, 0);
	cr_expect_null(mem_glance(1, end));
	cr_expect_null(mem_glance(1, ~0ull));
	cr_expect_null(mem_glance(CPUS, 0), "no such CPU");
}

/* What the CPU remembers of the look before. */
Test(glance, is_flushed, .init = some_cpus)
{
	char *va;

	model.invalidate = note_flush;
	va = mem_glance(2, 0x5000);
	cr_expect_eq(flushed, (uint64_t)va);
	flushed = 0;
	va = mem_glance(2, 0x5000);
	cr_expect_eq(flushed, (uint64_t)va);
	model.invalidate = NULL;
}

Test(glance, takes_nothing, .init = some_cpus)
{
	const uint64_t used = region.head.pool_used;

	for (uint64_t pa = 0; pa < 1ull << 38; pa += 1ull << 30)
		expect_look(0, pa);
	cr_expect_eq(region.head.pool_used, used);
	cr_expect_eq(space_used(), 0u);
	mem_fini();
	cr_expect_eq(region.cpu.log_head, 0, "nothing is left over");
}

/* At a load nothing of it is mapped: what is hidden from the guest is what is mapped then. */
Test(glance, shows_nothing_at_first, .init = some_cpus)
{
	struct plinth_ctl_map row;

	cr_expect_eq(space_next(PLINTH_MAP_ROOT, 0, &row), PLINTH_E_FAULT);
}

Test(glance, no_other_gets_the_addresses, .init = some_cpus)
{
	const uint64_t own = (uint64_t)mem_glance(CPUS - 1, 0);
	const char *va = mem_map(0x80000000, 1, MEM_R);

	cr_expect_gt((uint64_t)va, own);
	cr_expect_lt((uint64_t)va, boot.free_va + WINDOW_PAGES * MEM_PAGE);
	cr_assert_not_null(va);
}

Test(glance, wants_its_tables, .init = describe)
{
	log_up();
	boot.heap_bytes = (boot.pool_pages - 5) * MEM_PAGE;
	cr_expect_eq(mem_init(&boot), PLINTH_E_NOMEM, "of the pool too little is left for them");
	boot.window_pages = 0;
	cr_expect_eq(mem_init(&boot), PLINTH_E_INVAL);
}
