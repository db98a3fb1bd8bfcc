/* SPDX-License-Identifier: MIT */
/* The page tables of a load: complete, and never more than needed. */
#include "fixture.h"

#include <string.h>

#include "lib/map_rule.h"

static uint64_t *reach(void *ctx, uint64_t pa)
{
	(void)ctx;
	return mock_physical(pa);
}

static struct pt tables(uint64_t root_pa)
{
	return (struct pt){.root_pa = root_pa, .levels = mock_config.levels, .table = reach};
}

static int judge(void *ctx, const struct pt_leaf *leaf)
{
	uint64_t *leaves = ctx;

	++*leaves;
	cr_expect_neq(leaf->flags, PT_WRITE | PT_EXEC, "%lx is writable and executable", leaf->va);
	cr_expect_not(leaf->flags & PT_USER, "%lx is the user's", leaf->va);
	cr_expect_not(leaf->entry & PT_BIT_GLOBAL, "%lx is global", leaf->va);
	cr_expect_eq(leaf->bytes, OS_PAGE);
	cr_expect(leaf->va >= core->base_va && leaf->va < core->end_va, "%lx", leaf->va);
	return 0;
}

static bool mapped(const struct pt *pt, uint64_t va)
{
	struct pt_leaf leaf;

	return !pt_find(pt, va, &leaf);
}

static void check_region(const struct pt *pt, enum space_id id, uint32_t flags)
{
	const struct space_region *region = &core->space[id];
	struct pt_leaf leaf;

	cr_expect_not(mapped(pt, region->va - 1), "region %u has a guard page", id);
	for (uint64_t i = 0; i < region->pages; i++) {
		cr_assert_eq(pt_find(pt, region->va + i * OS_PAGE, &leaf), 0);
		cr_assert_eq(leaf.pa, os_virt_to_phys((uint8_t *)region->kernel + i * OS_PAGE));
		cr_assert_eq(leaf.flags, flags, "region %u", id);
	}
}

static void check_modules(const struct pt *pt)
{
	for (uint32_t i = 0; i < core->n_modules; i++) {
		const struct plinth_ctl_module *about = &core->modules[i].about;
		struct pt_leaf leaf;
		uint32_t seen = 0;

		cr_expect_not(mapped(pt, about->base_va - 1));
		cr_expect_not(mapped(pt, about->base_va + about->bytes));
		for (uint64_t at = 0; at < about->bytes; at += OS_PAGE)
			if (!pt_find(pt, about->base_va + at, &leaf))
				seen |= 1u << leaf.flags;
		cr_expect_eq(seen, 1u << 0 | 1u << PT_WRITE | 1u << PT_EXEC,
			     "%s: R, RW and RX, and all of them", about->role);
	}
}

static void check_tables(void)
{
	const struct plinth_boot *boot = core->space[SPACE_BOOT].kernel;
	const struct pt root = tables(boot->root_pgd_pa), launch = tables(boot->launch_pgd_pa);
	const uint64_t *root_top = mock_physical(boot->root_pgd_pa);
	const uint64_t *launch_top = mock_physical(boot->launch_pgd_pa);
	uint64_t leaves = 0, again = 0;

	cr_expect_eq(pt_walk(&root, judge, &leaves), 0);
	cr_expect_eq(pt_walk(&launch, judge, &again), 0);
	cr_expect_eq(leaves, again);
	check_modules(&root);
	check_region(&root, SPACE_BOOT, 0);
	check_region(&root, SPACE_TABLES, 0);
	check_region(&root, SPACE_STACK, PT_WRITE);
	check_region(&root, SPACE_SHARED, PT_WRITE);
	check_region(&root, SPACE_TUNING, 0);
	check_region(&root, SPACE_MAILBOX, PT_WRITE);
	check_region(&root, SPACE_POOL, PT_WRITE);
	cr_expect_eq(boot->launch_pgd_pa & 0x1000, 0, "PTI looks at bit 12");
	for (unsigned int i = 0; i < 512; i++) {
		cr_expect_eq(launch_top[i], i < 256 ? root_top[i] : 0xdead000000000000ull + i);
		cr_expect(i < 256 || !root_top[i], "the kernel's half is not in the root tables");
	}
}

Test(core_space, tables_of_4_and_5_levels, .init = fixture_up)
{
	for (mock_config.levels = 4; mock_config.levels <= 5; mock_config.levels++) {
		cr_assert_eq(load_good(), 0, "%s", report.text);
		check_tables();
		cr_assert_eq(core_unload(core, &report), 0);
	}
}

Test(core_space, boot_page_is_complete, .init = fixture_up)
{
	const struct plinth_boot *boot;
	const struct plinth_descriptor *runs;
	uint64_t at;

	cr_assert_eq(load_modules(good_modules, 2, PLINTH_LOAD_NO_ASLR, 4u << 20), 0);
	boot = core->space[SPACE_BOOT].kernel;
	runs = (const void *)((uint8_t *)core->space[SPACE_TABLES].kernel +
			      (boot->descriptors_va - boot->modules_va));
	at = boot->pool_va;
	cr_expect_gt(boot->n_descriptors, 1, "the mock's memory comes in pieces");
	for (uint64_t i = 0; i < boot->n_descriptors; i++) {
		cr_expect_eq(runs[i].va, at);
		cr_expect_gt(runs[i].pages, 0);
		at += runs[i].pages * OS_PAGE;
	}
	cr_expect_eq(at, boot->pool_va + boot->pool_pages * OS_PAGE);
	cr_expect_eq(boot->root_pgd_pa, runs[0].pa, "the pool begins with the page tables");
	cr_expect_geq(boot->pool_used, boot->levels);
	cr_expect_eq(boot->pool_va % OS_PAGE, 0);
	cr_expect_eq(boot->free_va, core->end_va);
	cr_expect_eq(boot->slot_va % (1ull << 39), 0);
	cr_expect_lt(boot->free_va, boot->slot_va + (1ull << 39));
}

/* The slot of an address in the last table of the VMM's own. */
static uint64_t *entry_of(uint64_t va)
{
	const struct plinth_boot *boot = core->space[SPACE_BOOT].kernel;
	uint64_t *table = mock_physical(boot->root_pgd_pa);

	for (unsigned int shift = 12 + 9 * (boot->levels - 1); shift > 12; shift -= 9)
		table = mock_physical(table[va >> shift & 511] & PT_BITS_ADDRESS);
	return &table[va >> 12 & 511];
}

/* Which mapping, and what it is that none may be. */
static void expect_stack_refused(uint32_t what)
{
	EXPECT_REPORT(fact_hex(core->space[SPACE_STACK].va), map_table_name(PLINTH_MAP_ROOT),
		      map_forbidden(what));
}

Test(core_space, bad_tables_are_refused, .init = fixture_up)
{
	static const struct {
		uint64_t bits;
		uint32_t what; /* PLINTH_MAP_*, or 0 */
	} cases[] = {
		{PT_BIT_USER, 0}, /* the levels above it forbid */
		{PT_BIT_GLOBAL, PLINTH_MAP_GLOBAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE_OF(cases); i++) {
		cr_assert_eq(load_good(), 0);
		*entry_of(core->space[SPACE_STACK].va) |= cases[i].bits;
		report_clear(&report);
		cr_expect_eq(core_start(core, &report), cases[i].what ? PLINTH_E_INVAL : 0);
		if (cases[i].what)
			expect_stack_refused(cases[i].what);
		else
			cr_assert_eq(core_stop(core, &report), 0);
		cr_assert_eq(core_unload(core, &report), 0);
	}
	cr_assert_eq(load_good(), 0);
	*entry_of(core->space[SPACE_STACK].va) &= ~PT_BIT_NX;
	cr_expect_eq(core_start(core, &report), PLINTH_E_INVAL);
	expect_stack_refused(PLINTH_MAP_WRITE | PLINTH_MAP_EXEC);
}

static uint64_t *top_of(const struct core *c, enum plinth_map_table table)
{
	const struct plinth_boot *boot = c->space[SPACE_BOOT].kernel;

	return mock_physical(table == PLINTH_MAP_LAUNCH ? boot->launch_pgd_pa : boot->root_pgd_pa);
}

/*
 * There in builds with the address sanitizer only, which has its notes where the mock would map other slots.
 */
void __asan_unpoison_memory_region(const volatile void *address, size_t bytes) __attribute__((weak));

Test(core_space, tables_with_more_than_the_slot_are_refused, .init = fixture_up)
{
	static const struct {
		enum plinth_map_table table;
		unsigned int entry; /* gets a copy of the slot's */
		uint64_t va;	    /* that the copy begins at */
	} cases[] = {
		{PLINTH_MAP_ROOT, 256, 0xffff800000000000},
		{PLINTH_MAP_ROOT, 511, 0xffffff8000000000},
		{PLINTH_MAP_ROOT, 255, 0x00007f8000000000},
		{PLINTH_MAP_LAUNCH, 0, 0},
	};
	const struct plinth_boot *boot;

	for (size_t i = 0; i < ARRAY_SIZE_OF(cases); i++) {
		uint64_t *top, at;

		if (__asan_unpoison_memory_region && cases[i].entry < 256)
			continue;
		cr_assert_eq(load_good(), 0);
		boot = core->space[SPACE_BOOT].kernel;
		top = top_of(core, cases[i].table);
		top[cases[i].entry] = top[boot->slot_va >> 39 & 511];
		report_clear(&report);
		cr_expect_eq(core_start(core, &report), PLINTH_E_INVAL);
		/* The kernel's half is not looked into. */
		at = cases[i].va + (cases[i].va >> 63 ? 0 : core->base_va - boot->slot_va);
		EXPECT_REPORT(fact_hex(at), map_table_name(cases[i].table));
		cr_expect_eq(state_now(), PLINTH_LOADED);
		cr_assert_eq(core_unload(core, &report), 0);
	}
}

/* What was mapped for a later CPU is judged like that for the first one. */
Test(core_space, tables_are_checked_for_every_cpu, .init = fixture_up)
{
	mock_config.offline[1] = true;
	cr_assert_eq(load_good(), 0);
	cr_assert_eq(core_start(core, &report), 0);
	mock_config.offline[1] = false;
	*entry_of(core->space[SPACE_STACK].va) &= ~PT_BIT_NX;
	cr_expect_eq(core_cpu_online(core, 1, &report), PLINTH_E_INVAL);
	expect_stack_refused(PLINTH_MAP_WRITE | PLINTH_MAP_EXEC);
	cr_expect(mock_world.guest[0] && !mock_world.guest[1] && !mock_world.prepared[1]);
	*entry_of(core->space[SPACE_STACK].va) |= PT_BIT_NX;
	cr_expect_eq(core_cpu_online(core, 1, &report), 0);
	cr_expect_eq(core_stop(core, &report), 0);
}

/* The slot of an address at each level down to the last. */
static uint64_t *entry_at(uint64_t va, unsigned int level)
{
	const struct plinth_boot *boot = core->space[SPACE_BOOT].kernel;
	uint64_t *table = mock_physical(boot->root_pgd_pa);

	for (unsigned int l = boot->levels; l > level; l--)
		table = mock_physical(table[va >> (3 + 9 * l) & 511] & PT_BITS_ADDRESS);
	return &table[va >> (3 + 9 * level) & 511];
}

/* User mode gets through where every level allows it. */
Test(core_space, pages_of_user_mode_are_refused, .init = fixture_up)
{
	struct plinth_ctl_map maps[64];
	unsigned int user = 0;
	uint64_t n;

	cr_assert_eq(load_good(), 0);
	for (unsigned int level = 1; level <= mock_config.levels; level++)
		*entry_at(core->space[SPACE_STACK].va, level) |= PT_BIT_USER;
	n = core_maps(core, maps, 64, sizeof(maps[0]));
	for (uint64_t i = 0; i < n; i++)
		user += maps[i].va == core->space[SPACE_STACK].va && maps[i].flags & PLINTH_MAP_USER;
	cr_expect_eq(user, 1, "the list tells; in the launch tables the first level forbids");
	cr_expect_eq(core_start(core, &report), PLINTH_E_INVAL);
	expect_stack_refused(PLINTH_MAP_USER);
}

/* A table that is not the VMM's: nobody knows what it maps, and the list ends early. */
Test(core_space, tables_out_of_reach, .init = fixture_up)
{
	struct plinth_ctl_map maps[64];
	uint64_t *entry, good, n;

	cr_assert_eq(load_good(), 0);
	n = core_maps(core, maps, 64, sizeof(maps[0]));
	entry = entry_at(core->space[SPACE_STACK].va, 3);
	good = *entry;
	*entry = 0x3ff000000 | (good & ~PT_BITS_ADDRESS);
	cr_expect_lt(core_maps(core, maps, 64, sizeof(maps[0])), n);
	*entry = good;
	cr_expect_eq(core_maps(core, maps, 64, sizeof(maps[0])), n);
}

/* What the VMM maps itself has no name of the core's; a receiver may know less of a row, or have no room. */
Test(core_space, maps_of_the_vmm_itself, .init = fixture_up)
{
	struct plinth_ctl_map maps[64], short_rows[64];
	uint64_t n, again, *entry;

	cr_assert_eq(load_good(), 0);
	n = core_maps(core, maps, 64, sizeof(maps[0]));
	entry = entry_of(core->end_va + 2 * OS_PAGE);
	*entry = 0x5000 | PT_BIT_PRESENT | PT_BIT_WRITE | PT_BIT_NX | PT_BIT_GLOBAL;
	again = core_maps(core, maps, 64, sizeof(maps[0]));
	cr_assert_eq(again, n + 2, "in both tables");
	cr_expect_str_eq(maps[n / 2].name, "VMM");
	cr_expect_eq(maps[n / 2].flags, PLINTH_MAP_WRITE | PLINTH_MAP_GLOBAL);
	cr_expect_eq(core_maps(core, maps, 3, sizeof(maps[0])), again);
	memset(short_rows, 0x77, sizeof(short_rows));
	cr_expect_eq(core_maps(core, short_rows, 64, 16), again);
	cr_expect_arr_eq((uint8_t *)short_rows, (uint8_t *)maps, 16);
	cr_expect_arr_eq((uint8_t *)short_rows + 16, (uint8_t *)&maps[1], 16);
}

Test(core_space, maps_are_listed, .init = fixture_up)
{
	struct plinth_ctl_map maps[64];
	uint64_t n, text = 0;

	cr_expect_eq(core_maps(core, maps, 64, sizeof(maps[0])), 0, "nothing is loaded");
	cr_assert_eq(load_good(), 0);
	n = core_maps(core, maps, 64, sizeof(maps[0]));
	cr_assert(n > 10 && n < 64, "%lu", n);
	for (uint64_t i = 0; i < n; i++) {
		cr_expect_eq(maps[i].table, i < n / 2 ? PLINTH_MAP_ROOT : PLINTH_MAP_LAUNCH);
		cr_expect_eq(maps[i].va, maps[i % (n / 2)].va, "the same in both");
		text += maps[i].flags == PLINTH_MAP_EXEC && !strcmp(maps[i].name, "mock-entry");
	}
	cr_expect_eq(text, 2);
}

/* With what is the default nothing may be wasted: the modules' images come on top. */
Test(core_space, memory_is_counted_and_little, .init = fixture_up)
{
	struct plinth_ctl_status status = {.size = sizeof(status)};

	cr_assert_eq(load_modules(good_modules, 2, 0, 0), 0);
	core_status(core, &status);
	cr_expect_eq(status.heap_bytes, PLINTH_CTL_DEFAULT_HEAP + OS_PAGE, "1.5 KiB a CPU, in whole pages");
	cr_expect_lt(status.memory_bytes - status.image_bytes, 400u << 10, "%lu", status.memory_bytes);
	cr_expect_geq(status.memory_bytes, status.pool_bytes + status.shared_bytes + status.image_bytes);
}

/* ELF's symbol, as far as it is looked at here. */
struct symbol {
	uint32_t name;
	uint8_t info, other;
	uint16_t section;
	uint64_t value, size;
};

Test(core_space, symbols_are_found_through_the_boot_modules, .init = fixture_up)
{
	const struct plinth_boot_module *modules;
	const struct symbol *symbols;
	const char *names;
	bool found = false;

	cr_assert_eq(load_good(), 0);
	cr_assert_eq(core_start(core, &report), 0); /* the VMM's addresses are mapped here now */
	modules = core->space[SPACE_TABLES].kernel;
	symbols = (const struct symbol *)modules[0].dynsym_va;
	names = (const char *)modules[0].dynstr_va;
	cr_expect_str_eq(modules[0].name, "mock-entry");
	for (uint64_t i = 0; i < modules[0].dynsym_count; i++) {
		cr_assert_lt(symbols[i].name, modules[0].dynstr_bytes);
		if (!strcmp(names + symbols[i].name, "entry_init"))
			found = modules[0].base_va + symbols[i].value == core->entry[ENTRY_INIT];
	}
	cr_expect(found);
}

Test(core_space, addresses_are_random, .init = fixture_up)
{
	static const uint64_t randoms[] = {100, 77 + 254 * 1000003ull, 99 + 254 * 12345677ull};
	uint64_t last = 0;

	for (size_t i = 0; i < ARRAY_SIZE_OF(randoms); i++) {
		mock_config.random = randoms[i];
		cr_assert_eq(load_modules(good_modules, 2, 0, 0), 0, "%s", report.text);
		cr_expect_neq(core->base_va, last);
		last = core->base_va;
		check_tables();
		cr_assert_eq(core_start(core, &report), 0, "and it works there");
		cr_assert_eq(core_stop(core, &report), 0);
		cr_assert_eq(core_unload(core, &report), 0);
	}
}

/* The least and the greatest place the random numbers can give. */
Test(core_space, slots_stay_in_the_lower_half, .init = fixture_up)
{
	static const uint64_t randoms[] = {0, 253, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_SIZE_OF(randoms); i++) {
		const uint64_t slot_bytes = 1ull << 39;

		mock_config.random = randoms[i];
		/* Where it cannot be mapped in this process the constructors do not get their turn. */
		mock_arm(18, 0);
		cr_expect_eq(load_modules(good_modules, 2, 0, 0), PLINTH_E_NOMEM);
		EXPECT_REPORT("destructors");
		mock_disarm();
		cr_expect_geq(core->slot_va, slot_bytes);
		cr_expect_leq(core->slot_va, 254 * slot_bytes);
		cr_expect_eq(core->end_va / slot_bytes, core->slot_va / slot_bytes);
	}
}

/* -- what the VMM, and a guest's kernel, can write ------------------------------------------------- */
