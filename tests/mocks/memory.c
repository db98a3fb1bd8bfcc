/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/pagetable.h"
#include "memory.h"
#include "mock_os.h"
#include "physical.h"

#define PAGE PHYSICAL_PAGE

static uint64_t entered; /* root of the tables that are mapped, 0: none */
static uint32_t entered_levels;

/* What memory_enter() mapped, to be unmapped as one. */
static uint64_t entered_from, entered_to;

static void memory_error(const char *what)
{
	fprintf(stderr, "mock memory: %s\n", what);
	abort();
}

static void leave_tables(void)
{
	if (entered && munmap((void *)entered_from, entered_to - entered_from))
		memory_error("cannot unmap the VMM");
	entered = 0;
}

void memory_reset(void)
{
	leave_tables();
	physical_reset();
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

/* Neighbours with the same permissions become one mapping. */
static struct {
	uint64_t va, offset, bytes;
	uint32_t flags;
	int file;
} pending;

static void map_pending(void)
{
	int prot = PROT_READ | (pending.flags & PT_WRITE ? PROT_WRITE : 0) |
		   (pending.flags & PT_EXEC ? PROT_EXEC : 0);

	if (!pending.bytes)
		return;
	if (mmap((void *)pending.va, pending.bytes, prot, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE,
		 pending.file, (off_t)pending.offset) == MAP_FAILED)
		memory_error("cannot map the VMM");
	pending.bytes = 0;
}

/* A page behind which there is no memory is not there: whoever touches it is told. */
static void map_page(uint64_t va, uint64_t pa, uint32_t flags)
{
	uint64_t offset;
	int file;

	if (!physical_file(pa, &file, &offset))
		return;
	if (pending.bytes && va == pending.va + pending.bytes && offset == pending.offset + pending.bytes &&
	    flags == pending.flags) {
		pending.bytes += PAGE;
		return;
	}
	map_pending();
	pending.va = va;
	pending.offset = offset;
	pending.bytes = PAGE;
	pending.flags = flags;
	pending.file = file;
}

static int map_leaf(void *ctx, const struct pt_leaf *leaf)
{
	(void)ctx;
	if (!entered_from)
		entered_from = leaf->va;
	entered_to = leaf->va + leaf->bytes;
	for (uint64_t at = 0; at < leaf->bytes; at += PAGE)
		map_page(leaf->va + at, leaf->pa + at, leaf->flags);
	return 0;
}

void memory_enter(uint64_t root_pa, uint32_t levels)
{
	const struct pt pt = {.root_pa = root_pa, .levels = levels, .table = table_entry};

	if (entered == root_pa)
		return;
	leave_tables();
	entered_from = 0;
	if (pt_walk(&pt, map_leaf, NULL))
		memory_error("bad page tables");
	map_pending();
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
	memory_forget(va);
	map_page(va, leaf.pa, leaf.flags);
	map_pending();
	if (va + PAGE > entered_to)
		entered_to = va + PAGE;
	if (va < entered_from)
		entered_from = va;
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
	if (entered && munmap((void *)va, PAGE))
		memory_error("cannot unmap a page of the VMM");
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
