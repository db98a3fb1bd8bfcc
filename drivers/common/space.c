/* SPDX-License-Identifier: MIT */
/*
 * The VMM's slot: which memory it holds and where.
 *
 *	slot_va  one 512 GiB slot of the lower half
 *	  ...    random distance
 *	base_va  the modules in random order, then the regions in the order of their numbers;
 *	         in front of each a gap of 1 to GAP_PAGES pages, as a guard
 *	end_va   free for the memory module
 */
#include <plinth/footprint.h>

#include "drivers/common/internal.h"

#define SLOT_FIRST 1u /* not 0: a NULL pointer stays one */
#define SLOT_LAST  254u
#define SLOT_FIXED 64u		/* without randomisation: 0x200000000000 */
#define BASE_FIXED (1ull << 30) /* ... and this far into it */
#define BASE_PAGES (SLOT_BYTES / 2 / OS_PAGE)

#define GAP_PAGES 16u

/* Constructors run on the boot stack, and what comes before a CPU has its own. */
#define STACK_BYTES (2ull * OS_PAGE)

const struct region_kind region_kinds[SPACE_COUNT] = {
	[SPACE_BOOT] = {"boot", "the boot page", 0},
	[SPACE_STACK] = {"boot stack", "the boot stack", PT_WRITE},
	[SPACE_SHARED] = {"shared", "the shared region", PT_WRITE},
	[SPACE_TUNING] = {"tuning", "the tuning page", 0},
	[SPACE_MAILBOX] = {"mailbox", "the mailbox", PT_WRITE},
	[SPACE_SLOTS] = {"bindings", "jump slots", 0},
	[SPACE_CLAIMS] = {"bindings done", "jump slots", PT_WRITE},
	[SPACE_TABLES] = {"lists", "memory descriptors", 0},
	[SPACE_LAUNCH] = {"launch tables", "the launch tables", 0},
	[SPACE_POOL] = {"pool", "the VMM's heap and pages", PT_WRITE},
};

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

static uint64_t shared_bytes(const struct core *core)
{
	return sizeof(struct plinth_shared) + (uint64_t)core->n_cpus * sizeof(struct plinth_shared_cpu);
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

/* Behind all that is the window: what the memory module gives out. */
uint64_t space_table_pages(const struct core *core, uint64_t pool_pages)
{
	return tables_for(image_pages(core) + region_pages(core) + lists_for(core, pool_pages) + pool_pages +
			  plinth_window_pages(core->n_cpus));
}

static int alloc_region(struct core *core, enum space_id id, uint64_t pages)
{
	struct space_region *region = &core->space[id];

	if (!pages)
		return 0;
	/* With PTI the kernel's NMI entry takes a CR3 with bit 12 set for a user-space one. */
	region->kernel =
		core_alloc(core, pages, id == SPACE_LAUNCH ? 2 * OS_PAGE : OS_PAGE, region_kinds[id].what);
	region->pages = pages;
	return region->kernel ? 0 : PLINTH_E_NOMEM;
}

/* The pool after what it has to hide, the lists after the pool they describe. */
static int alloc_regions(struct core *core)
{
	const struct {
		enum space_id id;
		uint64_t bytes;
	} regions[] = {
		{SPACE_BOOT, sizeof(struct plinth_boot)},
		{SPACE_STACK, STACK_BYTES},
		{SPACE_SHARED, shared_bytes(core)},
		{SPACE_TUNING, sizeof(struct plinth_tuning)},
		{SPACE_MAILBOX, sizeof(struct plinth_mailbox)},
		{SPACE_SLOTS, lazy_table_bytes(core)},
		{SPACE_CLAIMS, lazy_claim_bytes(core)},
		{SPACE_LAUNCH, OS_PAGE},
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE_OF(regions) && !err; i++)
		err = alloc_region(core, regions[i].id, core_pages(regions[i].bytes));
	if (!err)
		err = pool_alloc(core);
	return err ? err : alloc_region(core, SPACE_TABLES, space_list_pages(core));
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
	boot_init_regions(core);
	return 0;
}

void space_free(void *ctx)
{
	struct core *core = ctx;

	pool_free(core);
	for (uint32_t i = 0; i < SPACE_COUNT; i++) {
		struct space_region *region = &core->space[i];

		core_free(core, region->kernel, region->pages);
		*region = (struct space_region){0};
	}
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
