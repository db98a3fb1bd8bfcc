/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/pagetable.h"
#include "mapping.h"
#include "memory.h"
#include "mock_os.h"
#include "physical.h"
#include "backing.h"

#define PAGE PHYSICAL_PAGE

static uint64_t entered; /* root of the tables that are mapped, 0: none */
static uint32_t entered_levels;

static void memory_error(const char *what)
{
	fprintf(stderr, "mock memory: %s\n", what);
	abort();
}

/* Where memory is guarded nobody finds the VMM when no CPU is in it. */
static void leave_tables(void)
{
	if (backing_is_guarded())
		mapping_leave();
	entered = 0;
}

void memory_reset(void)
{
	physical_reset();
	leave_tables();
}

void *memory_alloc(size_t pages, size_t align)
{
	void *memory = physical_alloc(pages, align);

	if (memory)
		mock_world.pages += pages;
	return memory;
}

void memory_free(void *memory, size_t pages)
{
	leave_tables();
	if (!physical_free(memory, pages))
		memory_error("freed what was not allocated like that");
	mock_world.pages -= pages;
}

uint64_t memory_pa(const void *memory)
{
	uint64_t pa = physical_of(memory);

	if (!pa)
		memory_error("physical address of memory that is not allocated");
	return pa;
}

void *memory_physical(uint64_t pa)
{
	return physical_at(pa);
}

/* -- the VMM's address space ------------------------------------------------- */

static uint64_t *table_entry(void *ctx, uint64_t pa)
{
	(void)ctx;
	return memory_physical(pa);
}

static int prot_of(uint32_t flags)
{
	return PROT_READ | (flags & PT_WRITE ? PROT_WRITE : 0) | (flags & PT_EXEC ? PROT_EXEC : 0);
}

/* A page behind which there is no memory is not there: whoever touches it is told. */
static int want_leaf(void *ctx, const struct pt_leaf *leaf)
{
	uint64_t offset;
	int file;

	(void)ctx;
	for (uint64_t at = 0; at < leaf->bytes; at += PAGE)
		if (physical_file(leaf->pa + at, &file, &offset))
			mapping_want(leaf->va + at, file, offset, prot_of(leaf->flags));
	return 0;
}

void memory_enter(uint64_t root_pa, uint32_t levels)
{
	const struct pt pt = {.root_pa = root_pa, .levels = levels, .table = table_entry};

	if (entered == root_pa)
		return;
	leave_tables();
	if (pt_walk(&pt, want_leaf, NULL))
		memory_error("bad page tables");
	mapping_enter();
	entered = root_pa;
	entered_levels = levels;
}

bool memory_touch(uint64_t va, bool write, bool execute)
{
	const struct pt pt = {.root_pa = entered, .levels = entered_levels, .table = table_entry};
	struct pt_leaf leaf;
	uint64_t offset;
	int file;

	va &= ~(PAGE - 1);
	if (!entered || pt_find(&pt, va, &leaf) || (write && !(leaf.flags & PT_WRITE)) ||
	    (execute && !(leaf.flags & PT_EXEC)))
		return false;
	if (!physical_file(leaf.pa, &file, &offset))
		return false;
	mapping_page(va, file, offset, prot_of(leaf.flags));
	return true;
}

uint64_t memory_translate(uint64_t va)
{
	const struct pt pt = {.root_pa = entered, .levels = entered_levels, .table = table_entry};
	struct pt_leaf leaf;

	return entered && !pt_find(&pt, va & ~(PAGE - 1), &leaf) ? leaf.pa | (va & (PAGE - 1)) : 0;
}

void memory_forget(uint64_t va)
{
	if (entered)
		mapping_forget(va);
}

int memory_call(uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t result = fn;

	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %[stack], %%rsp\n\t"
			 "call *%%rax\n\t"
			 "movq %%rbx, %%rsp"
			 : "+a"(result), "+D"(a), "+S"(b), "+d"(c), "+c"(d)
			 : [stack] "r"(stack_top)
			 : "rbx", "r8", "r9", "r10", "r11", "memory", "cc");
	return (int)result;
}
