/* SPDX-License-Identifier: MIT */
/* What the sources of the core share; nobody else includes this. */
#ifndef DRIVERS_COMMON_INTERNAL_H
#define DRIVERS_COMMON_INTERNAL_H

#include <stdbool.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/shared.h>

#include "drivers/common/core.h"
#include "drivers/common/os.h"
#include "lib/pagetable.h"
#include "rtld/rtld.h"

#define ARRAY_SIZE_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Memory that is mapped in the VMM's slot beside the modules. */
enum space_id {
	SPACE_BOOT,
	SPACE_STACK,
	SPACE_SHARED,
	SPACE_TUNING,
	SPACE_MAILBOX,
	SPACE_SLOTS,
	SPACE_CLAIMS,
	SPACE_TABLES,
	SPACE_LAUNCH,
	SPACE_POOL,
	SPACE_COUNT
};

/* All the addresses the VMM has. */
#define SLOT_BYTES (1ull << 39)

/* Where the kernel's addresses begin. */
#define CORE_UPPER_HALF (1ull << 63)

/* What a region is in the list of what is mapped, and in reports; and what a mapping of it allows. */
struct region_kind {
	const char *name, *what;
	unsigned int flags; /* PT_* */
};
extern const struct region_kind region_kinds[SPACE_COUNT];

struct space_region {
	void *kernel; /* where the core reads and writes it; NULL: not there, of 0 pages */
	uint64_t va;
	uint64_t pages;
};

struct core_module {
	struct plinth_ctl_module about;
	uint8_t *image; /* the core's view of the pages at about.base_va */
	uint64_t align;
	uint64_t slots_va, slots_bytes; /* pages of jump slots, sealed when all have been filled */
	char slots_name[32];
};

/* A function to call when the modules go, and its module's place in dependency order. */
struct core_fini {
	uint64_t fn;
	uint32_t position;
};

/* What only a load needs; gone when it ends. */
struct core_link {
	void *arena, *work;
	size_t arena_bytes, work_bytes;
	struct rtld_set *set;
	struct rtld_errors errors;
	struct rtld_lazy lazy;
};

/* The functions of the entry module. */
enum entry_fn {
	ENTRY_INIT,
	ENTRY_FINI,
	ENTRY_PREPARE,
	ENTRY_RELEASE,
	ENTRY_START,
	ENTRY_CHECK,
	ENTRY_CALL,
	ENTRY_COUNT
};

struct core_cpu {
	struct core *core;
	uint32_t cpu;
	bool guest;	    /* set by a start, cleared by a stop that worked */
	uint64_t stack_top; /* as it was when it was checked; what stands in the shared region anybody may
			       change */
	uint64_t log_seen;  /* newest record of its log when the command began */
};

/* Where a page table of the VMM's lies. */
struct core_table {
	uint64_t pa;
	uint64_t page; /* of the pool */
};

struct core {
	enum plinth_ctl_state state;
	bool paused;	     /* core_resume() is to start again */
	uint64_t pages_held; /* by core_alloc() */

	/* Of the command in progress. */
	const struct core_load *load;
	struct core_report *report;
	const struct step *failed; /* of a load's second half */

	struct core_report unheard; /* what a command that nobody gave has to say */

	/* From load to unload. */
	uint32_t n_cpus;
	uint32_t n_modules;
	uint32_t n_finis;
	uint32_t inits_done; /* modules whose init functions all ran, in dependency order */
	struct core_cpu *cpus;
	struct core_module *modules;
	struct core_fini *finis;
	struct core_link link;
	struct space_region space[SPACE_COUNT];
	uint64_t slot_va, base_va, end_va;
	uint64_t heap_bytes;
	struct plinth_boot_memory memory[PLINTH_BOOT_MEMORY]; /* of the machine, at the load */
	uint32_t n_memory;
	struct pt tables; /* the root tables */
	/*
	 * Page tables: the first n_tables are the core's and the pool's first pages, what follows was found
	 * elsewhere in it.
	 */
	struct core_table *table;
	uint32_t n_tables, n_known, max_tables;
	uint64_t n_descriptors;
	uint64_t entry[ENTRY_COUNT];
	uint64_t stop_token[2];
	uint64_t shortages; /* of the VMM, when the command began */
	enum plinth_ctl_plan link_plan;
	uint64_t link_ticks, load_ticks, start_ticks, stop_ticks;
};

/* The only command, and with CPUs that stay as they are. */
static inline void core_lock(void)
{
	os_lock();
	os_cpus_lock();
}

static inline void core_unlock(void)
{
	os_cpus_unlock();
	os_unlock();
}

static inline uint64_t core_pages(uint64_t bytes)
{
	return (bytes + OS_PAGE - 1) / OS_PAGE;
}

/* The launch tables' top level. */
static inline uint64_t *core_launch_pgd(const struct core *core)
{
	return core->space[SPACE_LAUNCH].kernel;
}

/* The root tables': the pool's first page. */
static inline uint64_t *core_root_pgd(const struct core *core)
{
	return core->space[SPACE_POOL].kernel;
}

static inline struct plinth_tuning *core_tuning_page(const struct core *core)
{
	return core->space[SPACE_TUNING].kernel;
}

static inline struct plinth_mailbox *core_mailbox(const struct core *core)
{
	return core->space[SPACE_MAILBOX].kernel;
}

static inline struct plinth_shared *core_shared_region(const struct core *core)
{
	return core->space[SPACE_SHARED].kernel;
}

static inline struct plinth_shared_cpu *core_shared_cpu(const struct core *core, uint32_t cpu)
{
	return plinth_shared_own(core_shared_region(core), cpu);
}

/*
 * What takes a void * is a step (lib/step.h) of a load, of a start, or, of a struct core_cpu, of one CPU's
 * start.
 *
 * memory.c: counted, reported when it fails unless @what is NULL; never freed any more once CORRUPT.
 */
void *core_alloc(struct core *core, uint64_t pages, size_t align, const char *what);
void core_free(struct core *core, void *memory, uint64_t pages);

static inline void *core_alloc_bytes(struct core *core, uint64_t bytes, const char *what)
{
	return core_alloc(core, core_pages(bytes), OS_PAGE, what);
}

static inline void core_free_bytes(struct core *core, void *memory, uint64_t bytes)
{
	core_free(core, memory, core_pages(bytes));
}

/* core.c: with core_lock() held; undoing failed, for good. */
int core_start_locked(struct core *core, struct core_report *report);
int core_stop_locked(struct core *core, struct core_report *report);
void core_corrupt(struct core *core, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* modules.c */
int modules_probe(void *ctx);
void modules_forget(void *ctx);
int modules_alloc(void *ctx);
void modules_free(void *ctx);

/* note.c: read and judge a module's note. */
int note_read(struct core *core, const char *file, uint32_t module, struct plinth_ctl_module *out);
/* Copy a text that should be terminated within its array, but may come from anywhere. */
void note_copy_text(char *to, const char *from, size_t bytes);

/*
 * link.c: what a load needs for it, until the load ends, and what rtld has found so far; failed, link_end()
 * all the same.
 */
int link_begin(struct core *core);
void link_end(struct core *core);
void link_report(struct core *core);
int link_modules(void *ctx);
int link_entry_points(void *ctx);

/* lazy.c: jump slots filled at the first call; memory for the binder, before and after linking. */
uint64_t lazy_table_bytes(const struct core *core);
uint64_t lazy_claim_bytes(const struct core *core);
int lazy_set(struct core *core);
int lazy_prepare(void *ctx);
void lazy_describe(const struct core *core, uint32_t module, struct plinth_ctl_module *out);

/* space.c */
int space_alloc(void *ctx);
void space_free(void *ctx);
int space_place(void *ctx);
/* Pages of page tables for all addresses the VMM can have, with a pool of @pool_pages. */
uint64_t space_table_pages(const struct core *core, uint64_t pool_pages);
/* Of the lists that describe the pool as it is, and the modules. */
uint64_t space_list_pages(struct core *core);

/* pool.c: how large heap and pool are; the other regions are there already. */
int pool_choose_heap(struct core *core);
int pool_alloc(struct core *core);
void pool_free(struct core *core);

/*
 * slat_pages.c: what second-level translation takes of the pool, which is among what it hides; 0 or
 * PLINTH_E_NOMEM. The machine's memory is noted first.
 */
void slat_note_memory(struct core *core);
int slat_pages(struct core *core, uint64_t *pages);

/* page_tables.c: none but an empty top level; a set of tables, as it is found again. */
int page_tables_init(struct core *core);
struct pt page_tables_of(const struct core *core, enum plinth_map_table table);

/* map.c; the launch tables are for the CPU this runs on, interrupts off, until they are on again. */
int map_all(void *ctx);
uint64_t map_launch_tables(const struct core *core);

/* maps.c: what lies at an address, as the list of what is mapped has it. */
const char *maps_name(const struct core *core, uint64_t va);

/*
 * map_check.c: after a load; and on the CPU itself before its start: that @stack_top is the end of memory of
 * the VMM's that can be written, too.
 */
int map_check(void *ctx);
int map_check_start(struct core *core, uint32_t cpu, uint64_t stack_top);

/* boot.c: the heads of regions as they are allocated; the rest when all is linked and mapped. */
void boot_init_regions(struct core *core);
int boot_fill(void *ctx);

/*
 * vmm.c: calls into the VMM on the boot stack, of a function that has a result and of one that has none. The
 * last argument of both is the CPU: each function of the VMM wants it there or ignores it.
 */
int vmm_call(struct core *core, uint32_t cpu, uint64_t fn, uint64_t arg0);
int vmm_call_void(struct core *core, uint32_t cpu, uint64_t fn);
int vmm_any_cpu(struct core *core, uint32_t *cpu);
int vmm_note_finis(void *ctx);
void vmm_forget_finis(void *ctx);
int vmm_run_inits(void *ctx);
void vmm_run_finis(void *ctx);
int vmm_init(void *ctx);
void vmm_fini(void *ctx);

/* cpus.c */
int cpus_alloc(void *ctx);
void cpus_free(void *ctx);
int cpus_start(void *ctx);
void cpus_stop(void *ctx);
int cpus_start_one(struct core_cpu *c);
void cpus_stop_one(struct core_cpu *c);
/*
 * Every guest makes an exit: what a CPU that was stopped leaves behind, the others forget at it
 * (plinth/memory.h).
 */
void cpus_make_exits(struct core *core);
uint32_t cpus_guests(const struct core *core);
int cpus_any_guest(const struct core *core, uint32_t *cpu); /* RUNNING */
bool cpus_died(const struct core_cpu *c);
/** cpus_hastened() - core_hastened(). */
uint32_t cpus_hastened(const struct core_cpu *c);

/* explain.c: what an error of the VMM means on this CPU, and its own words. */
void explain_mark(struct core *core);
void explain(struct core *core, uint32_t cpu, const char *step, int err);
/* ... its own words alone. */
void explain_quote(struct core *core, uint32_t cpu);

/* shortage.c: of what there was too little in this command, and what helps; NULL: nothing is known. */
#define SHORTAGE_TEXT 320u
void shortage_mark(struct core *core);
const char *shortage_advice(const struct core *core, char *text, size_t bytes);

#endif
