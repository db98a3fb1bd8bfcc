/* SPDX-License-Identifier: MIT */
/*
 * The VMM's slot: which memory it holds and where.
 *
 *	slot_va                                    one 512 GiB slot of the lower half
 *	  ...    random distance
 *	base_va  the modules in random order
 *	         boot page, stack, shared region, tuning page, mailbox, jump slots' tables, lists, launch
 *tables, pool in front of each a gap of 1 to GAP_PAGES pages, as a guard end_va   free for the memory module
 */
#include <plinth/footprint.h>

#include "drivers/common/internal.h"

#define SLOT_FIRST 1u /* not 0: a NULL pointer stays one */
#define SLOT_LAST  254u
#define SLOT_FIXED 64u		/* without randomisation: 0x200000000000 */
#define BASE_FIXED (1ull << 30) /* ... and this far into it */
#define BASE_PAGES (SLOT_BYTES / 2 / OS_PAGE)

#define STACK_PAGES                                                                                          \
	2u /* of the boot stack: constructors run on it, and what comes before a CPU has its own */
#define GAP_PAGES 16u

/* How many parts of @reach pages so many pages in a row can lie in. */
static uint64_t parts(uint64_t pages, uint64_t reach)
{
	return (pages + 2 * reach - 2) / reach;
}

/*
 * Page tables for that many addresses in a row: for each 2 MiB, for each GiB, and one for each level above,
 * where all the slot's addresses have the same entries.
 */
static uint64_t tables_for(uint64_t pages)
{
	return parts(pages, PT_ENTRIES) + parts(pages, (uint64_t)PT_ENTRIES * PT_ENTRIES) +
	       os_paging_levels() - 2;
}

static uint64_t image_pages(const struct core *core)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < core->n_modules; i++)
		pages += (core->modules[i].about.bytes + core->modules[i].align) / OS_PAGE + GAP_PAGES;
	return pages;
}

static uint64_t shared_pages(const struct core *core)
{
	return core_pages(sizeof(struct plinth_shared) +
			  (uint64_t)core->n_cpus * sizeof(struct plinth_shared_cpu));
}

int space_alloc_region(struct core *core, enum space_id id, uint64_t pages, const char *what)
{
	struct space_region *region = &core->space[id];

	if (!pages)
		return 0;
	/* With PTI the kernel's NMI entry takes a CR3 with bit 12 set for a user-space one. */
	region->kernel = core_alloc(core, pages, id == SPACE_LAUNCH ? 2 * OS_PAGE : OS_PAGE, what);
	region->pages = pages;
	return region->kernel ? 0 : PLINTH_E_NOMEM;
}

/* Physical runs of the pool: a descriptor each. */
static uint64_t count_runs(const struct core *core)
{
	const struct space_region *pool = &core->space[SPACE_POOL];
	const uint8_t *page = pool->kernel;
	uint64_t runs = 0, expected = 0;

	for (uint64_t i = 0; i < pool->pages; i++, page += OS_PAGE) {
		uint64_t pa = os_virt_to_phys(page);

		runs += pa != expected || !i;
		expected = pa + OS_PAGE;
	}
	return runs;
}

/* Behind all that: what the memory module gives out. */
static uint64_t window_pages(const struct core *core)
{
	return plinth_window_pages(core->n_cpus);
}

static uint64_t region_pages(const struct core *core)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < SPACE_COUNT; i++)
		pages += (i == SPACE_POOL ? 0 : core->space[i].pages) + GAP_PAGES;
	return pages;
}

/* Of the lists there is no pool yet that they describe: a run for each page is the most. */
static uint64_t lists_for(const struct core *core, uint64_t n_runs)
{
	return core_pages(core->n_modules * sizeof(struct plinth_boot_module) +
			  n_runs * sizeof(struct plinth_descriptor));
}

uint64_t space_list_pages(struct core *core)
{
	core->n_descriptors = count_runs(core);
	return lists_for(core, core->n_descriptors);
}

uint64_t space_table_pages(const struct core *core, uint64_t pool_pages)
{
	return tables_for(image_pages(core) + region_pages(core) + lists_for(core, pool_pages) + pool_pages +
			  window_pages(core));
}

/* The pool after what it has to hide, the descriptors after the pool they describe. */
static int alloc_regions(struct core *core)
{
	int err =
		space_alloc_region(core, SPACE_BOOT, core_pages(sizeof(struct plinth_boot)), "the boot page");

	if (!err)
		err = space_alloc_region(core, SPACE_STACK, STACK_PAGES, "the boot stack");
	if (!err)
		err = space_alloc_region(core, SPACE_SHARED, shared_pages(core), "the shared region");
	if (!err)
		err = space_alloc_region(core, SPACE_TUNING, core_pages(sizeof(struct plinth_tuning)),
					 "the tuning page");
	if (!err)
		err = space_alloc_region(core, SPACE_MAILBOX, core_pages(sizeof(struct plinth_mailbox)),
					 "the mailbox");
	if (!err)
		err = lazy_alloc(core);
	if (!err)
		err = space_alloc_region(core, SPACE_LAUNCH, 1, "the launch tables");
	if (!err)
		err = pool_alloc(core);
	if (err)
		return err;
	return space_alloc_region(core, SPACE_TABLES, space_list_pages(core), "memory descriptors");
}

int space_alloc(void *ctx)
{
	struct core *core = ctx;
	int err = pool_choose_heap(core);

	if (!err)
		err = alloc_regions(core);
	if (err) {
		space_free(core);
		return err;
	}
	boot_init_shared(core);
	boot_init_tuning(core);
	return 0;
}

void space_free(void *ctx)
{
	struct core *core = ctx;

	for (uint32_t i = 0; i < SPACE_COUNT; i++) {
		struct space_region *region = &core->space[i];

		core_free(core, region->kernel, region->pages);
		*region = (struct space_region){0};
	}
	core_free(core, core->table, core_pages(core->max_tables * sizeof(*core->table)));
	core->table = NULL;
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* Unmapped pages in front of everything: at least one, as a guard. */
static uint64_t gap(const struct core *core)
{
	return core->load->flags & PLINTH_LOAD_NO_ASLR ? OS_PAGE : (1 + os_random() % GAP_PAGES) * OS_PAGE;
}

/* The modules in the order of their addresses: any, each equally likely. */
static void choose_order(const struct core *core, uint8_t *order)
{
	for (uint32_t i = 0; i < core->n_modules; i++) {
		uint32_t j = core->load->flags & PLINTH_LOAD_NO_ASLR ? i : (uint32_t)(os_random() % (i + 1));

		order[i] = order[j];
		order[j] = (uint8_t)i;
	}
}

static uint64_t place_modules(struct core *core, uint64_t at)
{
	uint8_t order[PLINTH_CTL_MAX_FILES] = {0};

	choose_order(core, order);
	for (uint32_t i = 0; i < core->n_modules; i++) {
		struct core_module *module = &core->modules[order[i]];

		at = align_up(at + gap(core), module->align);
		module->about.base_va = at;
		at += module->about.bytes;
	}
	core->base_va = core->modules[order[0]].about.base_va;
	return at;
}

int space_place(void *ctx)
{
	struct core *core = ctx;
	uint64_t slot = SLOT_FIXED, distance = BASE_FIXED, at;

	if (!(core->load->flags & PLINTH_LOAD_NO_ASLR)) {
		slot = SLOT_FIRST + os_random() % (SLOT_LAST - SLOT_FIRST + 1);
		distance = os_random() % BASE_PAGES * OS_PAGE;
	}
	core->slot_va = slot * SLOT_BYTES;
	at = place_modules(core, core->slot_va + distance);
	for (uint32_t i = 0; i < SPACE_COUNT; i++) {
		core->space[i].va = at + gap(core);
		at = core->space[i].va + core->space[i].pages * OS_PAGE;
	}
	core->end_va = at;
	return 0;
}
