/* SPDX-License-Identifier: MIT */
/* A memory module that gives whole pages for everything, one after the other, and maps nothing. */
#include <string.h>

#include <plinth/memory.h>
#include <plinth/shared.h>

#include "variant.h"

PLINTH_MODULE("mock_memory", "0.1.0", "memory: whole pages of the pool, no mappings (tests)");

/* What a page of the pool is; runs begin with FIRST. */
enum { FREE, FIRST, MORE };

static struct plinth_shared *shared;
static const struct plinth_descriptor *runs;
static uint64_t n_runs, root_pa, launch_pa, pool_va, pool_pages;
static uint8_t *kinds; /* one for each page; lies in the pool itself */

static void mark(uint64_t first, uint64_t pages)
{
	memset(&kinds[first], MORE, pages);
	kinds[first] = FIRST;
	shared->pool_used += pages;
}

int mem_init(const struct plinth_boot *boot)
{
	uint64_t own = (boot->pool_pages + MEM_PAGE - 1) / MEM_PAGE;

	if (!mock_ready)
		return PLINTH_E_STATE;
	if (mock_fails("mem_init"))
		return PLINTH_E_NOMEM;
	shared = (struct plinth_shared *)boot->shared_va;
	runs = (const struct plinth_descriptor *)boot->descriptors_va;
	n_runs = boot->n_descriptors;
	root_pa = boot->root_pgd_pa;
	launch_pa = boot->launch_pgd_pa;
	pool_va = boot->pool_va;
	pool_pages = boot->pool_pages;
	kinds = (uint8_t *)pool_va + boot->pool_used * MEM_PAGE;
	memset(kinds, FREE, pool_pages);
	shared->pool_used = 0;
	mark(0, boot->pool_used + own);
	return 0;
}

void mem_fini(void)
{
	kinds = NULL;
}

static bool free_at(uint64_t first, uint64_t pages)
{
	for (uint64_t i = first; i < first + pages; i++)
		if (kinds[i] != FREE)
			return false;
	return true;
}

static void *take(uint64_t pages)
{
	for (uint64_t first = 0; first + pages <= pool_pages; first++) {
		if (!free_at(first, pages))
			continue;
		mark(first, pages);
		return memset((char *)pool_va + first * MEM_PAGE, 0, pages * MEM_PAGE);
	}
	return NULL;
}

static void give(const void *memory)
{
	uint64_t i = ((uint64_t)memory - pool_va) / MEM_PAGE;

	if (!memory)
		return;
	do {
		kinds[i++] = FREE;
		shared->pool_used--;
	} while (i < pool_pages && kinds[i] == MORE);
}

void *mem_alloc(size_t bytes, size_t align)
{
	(void)align; /* a page is aligned for all */
	return mock_fails("mem_alloc") ? NULL : take((bytes + MEM_PAGE - 1) / MEM_PAGE);
}

void mem_free(void *p)
{
	give(p);
}

void *mem_page_alloc(void)
{
	return mock_fails("mem_page_alloc") ? NULL : take(1);
}

void mem_page_free(void *page)
{
	give(page);
}

void *mem_stack_alloc(size_t pages)
{
	char *bottom = mock_fails("mem_stack_alloc") ? NULL : take(pages);

	return bottom ? bottom + pages * MEM_PAGE : NULL;
}

void mem_stack_free(void *top, size_t pages)
{
	if (top)
		give((char *)top - pages * MEM_PAGE);
}

void *mem_map(uint64_t pa, size_t pages, enum mem_prot prot)
{
	(void)pa;
	(void)pages;
	(void)prot;
	return NULL; /* as when the page tables run out */
}

void mem_unmap(void *va, size_t pages)
{
	(void)va;
	(void)pages;
}

/* It never unmaps. */
void mem_cpu_enter(uint32_t cpu)
{
	(void)cpu;
}

void mem_cpu_leave(uint32_t cpu)
{
	(void)cpu;
}

void mem_cpu_flush(uint32_t cpu)
{
	(void)cpu;
}

int mem_virt_to_phys(const void *va, uint64_t *pa)
{
	if (mock_fails("mem_virt_to_phys"))
		return PLINTH_E_FAULT;
	for (uint64_t i = 0; i < n_runs; i++) {
		if ((uint64_t)va - runs[i].va < runs[i].pages * MEM_PAGE) {
			*pa = runs[i].pa + ((uint64_t)va - runs[i].va);
			return 0;
		}
	}
	return PLINTH_E_FAULT;
}

void *mem_phys_to_virt(uint64_t pa)
{
	for (uint64_t i = 0; i < n_runs; i++)
		if (pa - runs[i].pa < runs[i].pages * MEM_PAGE)
			return (void *)(runs[i].va + (pa - runs[i].pa));
	return NULL;
}

uint64_t mem_root_tables(void)
{
	return root_pa;
}

uint64_t mem_launch_tables(void)
{
	return launch_pa;
}

int mem_next_mapping(uint32_t table, uint64_t from, struct plinth_ctl_map *out)
{
	(void)from;
	(void)out;
	/* It looks at no tables. */
	return table < PLINTH_MAP_TABLES ? PLINTH_E_FAULT : PLINTH_E_INVAL;
}
