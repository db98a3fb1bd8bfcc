/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/pagetable.h"
#include "memory.h"
#include "mock_os.h"

#define PAGE	       4096ull
#define PHYSICAL_BYTES (1ull << 30)
#define FIRST_PA       0x1000000ull /* where one large page has many neighbours */
#define RUN_PAGES      512u /* longest physical run */
#define MAX_RUNS       4096u

/* A run is contiguous in both; the first of an allocation knows how long that is. */
static struct run {
	uint8_t *va;
	uint64_t pa, pages, total;
} runs[MAX_RUNS];
static unsigned int n_runs;

static int file = -1;
static uint8_t *physical;
static uint64_t next_pa;
static uint64_t entered; /* root of the tables that are mapped, 0: none */
static uint32_t entered_levels;

/* What memory_enter() mapped, to be unmapped as one. */
static uint64_t entered_from, entered_to;

static void die(const char *what)
{
	fprintf(stderr, "mock memory: %s\n", what);
	abort();
}

static void leave(void)
{
	if (entered && munmap((void *)entered_from, entered_to - entered_from))
		die("cannot unmap the VMM");
	entered = 0;
}

void memory_reset(void)
{
	leave();
	if (file < 0) {
		file = memfd_create("physical", 0);
		if (ftruncate(file, PHYSICAL_BYTES))
			die("no physical memory");
		physical = mmap(NULL, PHYSICAL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (physical == MAP_FAILED)
			die("cannot map physical memory");
	}
	for (unsigned int i = 0; i < n_runs; i++)
		munmap(runs[i].va, runs[i].pages * PAGE);
	fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PHYSICAL_BYTES);
	n_runs = 0;
	next_pa = FIRST_PA;
}

static void add_run(uint8_t *va, uint64_t pages, uint64_t total)
{
	if (n_runs == MAX_RUNS || next_pa + pages * PAGE > PHYSICAL_BYTES)
		die("out of physical memory: something leaks");
	if (mmap(va, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, (off_t)next_pa) != va)
		die("cannot map an allocation");
	runs[n_runs++] = (struct run){.va = va, .pa = next_pa, .pages = pages, .total = total};
	next_pa += pages * PAGE + PAGE; /* a gap, so that the next run is another one */
}

void *memory_alloc(size_t pages, size_t align)
{
	uint8_t *va = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t run = align > PAGE ? pages : RUN_PAGES;

	if (va == MAP_FAILED)
		die("out of addresses");
	next_pa = (next_pa + align - 1) & ~(align - 1);
	for (uint64_t done = 0; done < pages; done += run)
		add_run(va + done * PAGE, pages - done < run ? pages - done : run, done ? 0 : pages);
	mock_world.pages += pages;
	return va;
}

static struct run *find(const uint8_t *va)
{
	for (unsigned int i = 0; i < n_runs; i++)
		if (runs[i].va && (uint64_t)va - (uint64_t)runs[i].va < runs[i].pages * PAGE)
			return &runs[i];
	return NULL;
}

void memory_free(void *memory, size_t pages)
{
	struct run *run = find(memory);
	uint64_t left = pages;

	if (!run || run->va != memory || run->total != pages)
		die("freed what was not allocated like that");
	leave();
	for (; left; left -= run->pages, run++) {
		fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)run->pa, (off_t)(run->pages * PAGE));
		munmap(run->va, run->pages * PAGE);
		run->va = NULL;
	}
	mock_world.pages -= pages;
	while (n_runs && !runs[n_runs - 1].va)
		n_runs--;
	run = n_runs ? &runs[n_runs - 1] : NULL;
	next_pa = run ? run->pa + run->pages * PAGE + PAGE : FIRST_PA;
}

uint64_t memory_pa(const void *memory)
{
	struct run *run = find(memory);

	if (!run)
		die("physical address of memory that is not allocated");
	return run->pa + (uint64_t)((const uint8_t *)memory - run->va);
}

void *memory_physical(uint64_t pa)
{
	return pa < PHYSICAL_BYTES ? physical + pa : NULL;
}

/* -- the VMM's address space ------------------------------------------------- */

static uint64_t *reach(void *ctx, uint64_t pa)
{
	(void)ctx;
	return memory_physical(pa);
}

/* Neighbours with the same permissions become one mapping. */
static struct {
	uint64_t va, pa, bytes;
	uint32_t flags;
} pending;

static void map_pending(void)
{
	int prot = PROT_READ | (pending.flags & PT_WRITE ? PROT_WRITE : 0) | (pending.flags & PT_EXEC ? PROT_EXEC : 0);

	if (!pending.bytes)
		return;
	if (mmap((void *)pending.va, pending.bytes, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, file, (off_t)pending.pa) ==
	    MAP_FAILED)
		die("cannot map the VMM");
	pending.bytes = 0;
}

static int map_leaf(void *ctx, const struct pt_leaf *leaf)
{
	(void)ctx;
	if (!entered_from)
		entered_from = leaf->va;
	entered_to = leaf->va + leaf->bytes;
	if (pending.bytes && leaf->va == pending.va + pending.bytes && leaf->pa == pending.pa + pending.bytes &&
	    leaf->flags == pending.flags) {
		pending.bytes += leaf->bytes;
		return 0;
	}
	map_pending();
	pending.va = leaf->va;
	pending.pa = leaf->pa;
	pending.bytes = leaf->bytes;
	pending.flags = leaf->flags;
	return 0;
}

void memory_enter(uint64_t root_pa, uint32_t levels)
{
	const struct pt pt = {.root_pa = root_pa, .levels = levels, .table = reach};

	if (entered == root_pa)
		return;
	leave();
	entered_from = 0;
	if (pt_walk(&pt, map_leaf, NULL))
		die("bad page tables");
	map_pending();
	entered = root_pa;
	entered_levels = levels;
}

bool memory_touch(uint64_t va, bool write, bool execute)
{
	const struct pt pt = {.root_pa = entered, .levels = entered_levels, .table = reach};
	struct pt_leaf leaf;

	va &= ~(PAGE - 1);
	if (!entered || pt_find(&pt, va, &leaf) || (write && !(leaf.flags & PT_WRITE)) ||
	    (execute && !(leaf.flags & PT_EXEC)))
		return false;
	memory_forget(va);
	pending.va = va;
	pending.pa = leaf.pa;
	pending.bytes = PAGE;
	pending.flags = leaf.flags;
	map_pending();
	if (va + PAGE > entered_to)
		entered_to = va + PAGE;
	if (va < entered_from)
		entered_from = va;
	return true;
}

uint64_t memory_translate(uint64_t va)
{
	const struct pt pt = {.root_pa = entered, .levels = entered_levels, .table = reach};
	struct pt_leaf leaf;

	return entered && !pt_find(&pt, va & ~(PAGE - 1), &leaf) ? leaf.pa | (va & (PAGE - 1)) : 0;
}

void memory_forget(uint64_t va)
{
	if (entered && munmap((void *)va, PAGE))
		die("cannot unmap a page of the VMM");
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
