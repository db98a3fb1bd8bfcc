/* SPDX-License-Identifier: MIT */
/* The module's interface: locking, and how its parts make up stacks and mappings. */
#include <stdatomic.h>

#include <plinth/footprint.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>

#include "internal.h"

#define STACK_PAGES_MAX 16
#define MAP_PAGES_MAX	64

static atomic_flag lock = ATOMIC_FLAG_INIT;
static uint64_t root_pa, launch_pa;

void mem_lock(void)
{
	while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
		cpu_pause();
}

void mem_unlock(void)
{
	atomic_flag_clear_explicit(&lock, memory_order_release);
}

/* The pool from its start: page tables, the books, the heap, free pages. */
int mem_init(const struct plinth_boot *boot)
{
	struct plinth_shared *shared = (struct plinth_shared *)boot->shared_va;
	const struct plinth_books books =
		plinth_books_of(boot->n_descriptors, boot->n_cpus, boot->pool_pages, boot->window_pages);
	uint64_t heap = boot->pool_used + books.pages, heap_pages = boot->heap_bytes / MEM_PAGE;
	char *base = (char *)boot->pool_va, *book = base + boot->pool_used * MEM_PAGE;

	if (!descriptors_check(boot) || boot->heap_bytes % MEM_PAGE || boot->window_pages < boot->n_cpus)
		return PLINTH_E_INVAL;
	owner_init(boot);
	if (heap > boot->pool_pages || heap_pages > boot->pool_pages - heap) {
		owner_refused(owner_of(mem_init), PLINTH_SHORTAGE_PAGES,
			      heap + heap_pages - boot->pool_pages);
		return PLINTH_E_NOMEM;
	}
	pool_init(boot->pool_va, boot->pool_pages, (uint8_t *)book + books.pool, shared);
	pool_reserve(0, heap + heap_pages);
	descriptors_init((const struct plinth_descriptor *)boot->descriptors_va, boot->n_descriptors,
			 (struct plinth_descriptor *)(book + books.runs));
	heap_init(base + heap * MEM_PAGE, boot->heap_bytes, shared);
	root_pa = boot->root_pgd_pa;
	launch_pa = boot->launch_pgd_pa;
	glance_init(boot->free_va, boot->n_cpus);
	return space_init(boot, (uint8_t *)book + books.window, (uint32_t *)(book + books.seen));
}

void mem_fini(void)
{
	if (heap_used())
		LOG_ERR("%zu bytes of the heap were never freed", heap_used());
	if (space_used())
		LOG_ERR("%zu pages of stacks and mappings were never freed", space_used());
	if (pool_taken() > space_tables())
		LOG_ERR("%llu pages of the pool were never freed",
			(unsigned long long)(pool_taken() - space_tables()));
	space_fini();
	root_pa = 0;
	launch_pa = 0;
}

void *mem_alloc(size_t bytes, size_t align)
{
	uint32_t owner = owner_of(__builtin_return_address(0));
	void *p;

	mem_lock();
	p = heap_alloc_locked(bytes, align, owner);
	mem_unlock();
	return p;
}

void mem_free(void *p)
{
	if (!p)
		return;
	mem_lock();
	heap_free_locked(p);
	mem_unlock();
}

void *mem_page_alloc(void)
{
	uint32_t owner = owner_of(__builtin_return_address(0));
	void *page;

	mem_lock();
	page = pool_alloc_locked(POOL_PAGE, owner);
	mem_unlock();
	return page;
}

void mem_page_free(void *page)
{
	bool freed;

	if (!page)
		return;
	mem_lock();
	freed = pool_free_locked(page, POOL_PAGE);
	mem_unlock();
	if (!freed)
		LOG_ERR("free of page %p: not a page that was allocated", page);
}

/* The pool pages behind a stack, by their physical addresses. */
static void pages_give_back(const uint64_t *pa, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		pool_free_locked(descriptors_va(pa[i]), POOL_STACK);
}

static size_t pages_take(uint64_t *pa, size_t pages, uint32_t owner)
{
	for (size_t i = 0; i < pages; i++) {
		void *page = pool_alloc_locked(POOL_STACK, owner);

		if (!page) {
			pages_give_back(pa, i);
			return 0;
		}
		pa[i] = descriptors_pa((uint64_t)page);
	}
	return pages;
}

void *mem_stack_alloc(size_t pages)
{
	uint32_t owner = owner_of(__builtin_return_address(0));
	uint64_t pa[STACK_PAGES_MAX];
	char *bottom = NULL;

	if (!pages || pages > STACK_PAGES_MAX)
		return NULL;
	mem_lock();
	if (pages_take(pa, pages, owner)) {
		bottom = space_map_locked(pa, pages, MEM_RW, SPACE_STACK);
		if (!bottom)
			pages_give_back(pa, pages);
	}
	mem_unlock();
	return bottom ? bottom + pages * MEM_PAGE : NULL;
}

/* Only what space_is() a stack: each of its pages is mapped. */
static void stack_free_locked(char *bottom, size_t pages)
{
	uint64_t pa[STACK_PAGES_MAX];

	for (size_t i = 0; i < pages; i++)
		if (space_translate((uint64_t)bottom + i * MEM_PAGE, &pa[i]))
			pa[i] = 0;
	space_unmap_locked(bottom, pages, SPACE_STACK);
	pages_give_back(pa, pages);
}

void mem_stack_free(void *top, size_t pages)
{
	char *bottom = (char *)((uint64_t)top - pages * MEM_PAGE);
	bool ours;

	if (!top)
		return;
	mem_lock();
	ours = pages <= STACK_PAGES_MAX && space_is(bottom, pages, SPACE_STACK);
	if (ours)
		stack_free_locked(bottom, pages);
	mem_unlock();
	if (!ours)
		LOG_ERR("free of the stack below %p: no stack of %zu pages was allocated there", top, pages);
}

void *mem_map(uint64_t pa, size_t pages, enum mem_prot prot)
{
	uint64_t list[MAP_PAGES_MAX];
	void *va;

	if (!pages || pages > MAP_PAGES_MAX || pa % MEM_PAGE)
		return NULL;
	for (size_t i = 0; i < pages; i++)
		list[i] = pa + i * MEM_PAGE;
	mem_lock();
	va = space_map_locked(list, pages, prot, SPACE_MAP);
	mem_unlock();
	return va;
}

void mem_unmap(void *va, size_t pages)
{
	bool ours;

	if (!va)
		return;
	mem_lock();
	ours = space_is(va, pages, SPACE_MAP);
	if (ours)
		space_unmap_locked(va, pages, SPACE_MAP);
	mem_unlock();
	if (!ours)
		LOG_ERR("unmap of %p: no mapping of %zu pages was made there", va, pages);
}

int mem_virt_to_phys(const void *va, uint64_t *pa)
{
	int err;

	mem_lock();
	err = space_translate((uint64_t)va, pa);
	mem_unlock();
	return err;
}

int mem_next_mapping(uint32_t table, uint64_t from, struct plinth_ctl_map *out)
{
	int err;

	if (table >= PLINTH_MAP_TABLES)
		return PLINTH_E_INVAL;
	mem_lock();
	err = space_next(table, from, out);
	mem_unlock();
	return err;
}

void *mem_phys_to_virt(uint64_t pa)
{
	return descriptors_va(pa);
}

uint64_t mem_root_tables(void)
{
	return root_pa;
}

uint64_t mem_launch_tables(void)
{
	return launch_pa;
}
