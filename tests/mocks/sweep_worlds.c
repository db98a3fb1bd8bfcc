/* SPDX-License-Identifier: MIT */
/*
 * Machines of every size: each is loaded, started, stopped and unloaded; nobody does what must not be done,
 * all is as before, and what the driver takes of the memory keeps to the formula of docs/performance.md.
 */
#include "sweep.h"

#include <string.h>

#include <plinth/footprint.h>

#include "drivers/common/internal.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define TIB (1ull << 40)

#define FRAME	     (2 * MIB) /* one second-level table hides what lies in it */
#define KIB	     1024ull
#define FORMULA_BASE (256 * KIB)
#define FORMULA_CPU  (64 * KIB)
#define FORMULA_GIB  (4 * KIB)	/* a second-level table */
#define FORMULA_TIB  (26 * KIB) /* where each GiB has one: what leads to these tables, maps and hides them */
#define FEW_CPUS     24u	/* of so many and more the formula leaves room for that */

static const char *const places[PHYSICAL_PLACES] = {"low", "high", "across borders", "in single pages"};

static void describe(const struct machine_hardware *h)
{
	sweep_label("%u CPUs (%s), %u bits, %llu MiB, memory %s, lacks 0x%x", h->n_cpus,
		    h->cpu.kind ? h->cpu.kind : "the usual", h->cpu.address_bits,
		    (unsigned long long)(h->memory.bytes / MIB), places[h->memory.place], h->cpu.lacks);
}

/* -- the formula -------------------------------------------------------------------------------- */

/* Different parts of the memory, of so many bytes each. */
static struct {
	uint64_t part[1u << 15];
	uint64_t n;
} parts;

static void note_part(uint64_t part)
{
	uint64_t i = parts.n;

	while (i && parts.part[i - 1] != part)
		i--;
	if (i)
		return;
	cr_assert_lt(parts.n, sizeof(parts.part) / sizeof(parts.part[0]));
	parts.part[parts.n++] = part;
}

static void note_parts(const uint8_t *page, uint64_t pages, uint64_t bytes)
{
	for (uint64_t i = 0; page && i < pages; i++, page += OS_PAGE)
		note_part(os_virt_to_phys(page) / bytes);
}

/* How many of them hold some of what the driver took for the VMM. */
static uint64_t parts_with_vmm(uint64_t bytes)
{
	const struct core *core = machine.core;

	parts.n = 0;
	for (uint32_t i = 0; i < core->n_modules; i++)
		note_parts(core->modules[i].image, core_pages(core->modules[i].about.bytes), bytes);
	for (uint32_t i = 0; i < SPACE_COUNT; i++)
		note_parts(core->space[i].kernel, core->space[i].pages, bytes);
	return parts.n;
}

/* How many hold some of the machine's memory. */
static uint64_t parts_with_memory(uint64_t bytes)
{
	unsigned int n;
	const struct physical_bank *bank = physical_banks(&n);
	uint64_t found = 0, next = 0;

	for (; n; n--, bank++) {
		uint64_t first = bank->from / bytes, end = (bank->to - 1) / bytes + 1;

		found += end - (first > next ? first : next);
		next = end;
	}
	return found;
}

/*
 * No exit takes memory, so without pages of 1 GiB each of the machine's GiBs has its table before it is
 * touched. With them a GiB wants one only where some of the VMM lies; and the first of each 512, which a
 * kernel never leaves alone.
 */
static uint64_t memory_by_formula(const struct machine_hardware *h)
{
	uint64_t all = parts_with_memory(GIB);
	uint64_t touched = parts_with_vmm(GIB) + parts_with_memory(512 * GIB);

	if (!(h->cpu.lacks & MODEL_LACKS_1G))
		return (touched < all ? touched : all) * FORMULA_GIB;
	return all * FORMULA_GIB + (h->n_cpus < FEW_CPUS ? h->memory.bytes * FORMULA_TIB / TIB : 0);
}

static void expect_formula(const struct machine_hardware *h)
{
	struct plinth_ctl_status status = {.size = sizeof(status)};
	const struct plinth_shared *shared = core_shared_region(machine.core);
	uint64_t most;

	core_status(machine.core, &status);
	most = status.image_bytes + FORMULA_BASE + h->n_cpus * FORMULA_CPU + memory_by_formula(h);
	/* What is scattered costs a table to hide each piece; in one piece it is a handful. */
	if (h->memory.place >= PLACE_BORDER)
		most += parts_with_vmm(FRAME) * OS_PAGE;
	cr_expect_leq(status.memory_bytes, most,
		      "%s: %llu KiB, by the formula at most %llu KiB (images %llu KiB)", sweep_case(),
		      (unsigned long long)status.memory_bytes / KIB, (unsigned long long)most / KIB,
		      (unsigned long long)status.image_bytes / KIB);
	cr_expect_leq(shared->pool_used, shared->pool_pages, "%s", sweep_case());
}

/* -- one machine -------------------------------------------------------------------------------- */

static void expect_guests_run(uint32_t n_cpus)
{
	for (uint32_t i = 0; i < n_cpus; i++)
		cr_expect(model.cpu[i].guest && machine.claimed[i], "%s: CPU %u is no guest", sweep_case(),
			  i);
}

static void try_world(const struct machine_hardware *h)
{
	struct machine_world before;
	const char *why;

	describe(h);
	sweep_count();
	cr_assert(machine_build(h, &why), "%s: %s", sweep_case(), why);
	machine_snapshot(&before);
	cr_assert_eq(machine_load(), 0, "%s: load: %s", sweep_case(), machine.report.text);
	cr_expect_eq(machine_start(), 0, "%s: start: %s", sweep_case(), machine.report.text);
	if (cpus_guests(machine.core)) {
		expect_guests_run(h->n_cpus);
		expect_formula(h);
		cr_expect_eq(machine_stop(), 0, "%s: stop: %s", sweep_case(), machine.report.text);
	}
	cr_expect_eq(machine_unload(), 0, "%s: unload: %s", sweep_case(), machine.report.text);
	sweep_expect_same(&before);
	sweep_expect_clean();
}

/* -- which machines ----------------------------------------------------------------------------- */

#define CPU(bits, less)                                                                                      \
	{                                                                                                    \
		.address_bits = (bits), .lacks = (less)                                                      \
	}
#define RAM(size, where)                                                                                     \
	{                                                                                                    \
		.bytes = (size), .place = (where)                                                            \
	}

/* Every value with every other of importance: small and large in each column, and what was seen to fail. */
static const struct machine_hardware chosen[] = {
	{CPU(36, 0), 1, RAM(256 * MIB, PLACE_LOW)},
	{CPU(36, MODEL_LACKS_1G), 4, RAM(32 * GIB, PLACE_HIGH)},
	{CPU(39, 0), 16, RAM(16 * GIB, PLACE_BORDER)},
	{CPU(39, MODEL_LACKS_1G | MODEL_LACKS_ACCESSED), 2, RAM(5632 * MIB, PLACE_HIGH)},
	{CPU(39, 0), 64, RAM(8 * GIB, PLACE_LOW)},
	{CPU(39, 0), 96, RAM(16 * GIB, PLACE_HIGH)},
	{CPU(40, 0), 128, RAM(32 * GIB, PLACE_LOW)},
	{CPU(40, MODEL_LACKS_1G), 32, RAM(256 * GIB, PLACE_BORDER)},
	{CPU(40, 0), 1024, RAM(512 * GIB, PLACE_HIGH)},
	{CPU(42, MODEL_LACKS_1G), 8, RAM(1 * TIB, PLACE_BORDER)},
	{CPU(46, 0), 4, RAM(16 * GIB, PLACE_HIGH)},
	{CPU(46, 0), 16, RAM(64 * GIB, PLACE_SCATTERED)},
	{CPU(46, MODEL_LACKS_1G), 4, RAM(6 * TIB, PLACE_HIGH)},
	{CPU(46, MODEL_LACKS_1G), FEW_CPUS, RAM(6 * TIB, PLACE_HIGH)},
	{CPU(46, 0), 1, RAM(6 * TIB, PLACE_HIGH)},
	{CPU(46, 0), 8, RAM(6 * TIB, PLACE_SCATTERED)},
	{CPU(48, 0), 112, RAM(512 * GIB, PLACE_BORDER)},
	{CPU(48, 0), 1, RAM(256 * MIB, PLACE_LOW)},
	{CPU(52, 0), 2, RAM(1 * GIB, PLACE_SCATTERED)},
	{CPU(52, MODEL_LACKS_1G), 2, RAM(2 * GIB, PLACE_BORDER)},
	{CPU(52, 0), 1024, RAM(6 * TIB, PLACE_HIGH)},
	{CPU(39, MODEL_LACKS_FLUSH_PAGE | MODEL_LACKS_FLUSH_GLOBAL), 2, RAM(1 * GIB, PLACE_LOW)},
	{CPU(39, MODEL_LACKS_FLUSH_ONE), 2, RAM(1 * GIB, PLACE_LOW)},
	{CPU(39, MODEL_LACKS_FLUSH_ALL), 2, RAM(1 * GIB, PLACE_LOW)},
};

Test(worlds, chosen)
{
	for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++)
		try_world(&chosen[i]);
	sweep_report("machines of every size");
}

/* Where the formula leaves least: a few CPUs and little memory. */
Test(worlds, small)
{
	static const uint32_t lacks[] = {0, MODEL_LACKS_1G};

	for (uint32_t n_cpus = 1; n_cpus <= 12; n_cpus++) {
		for (uint32_t place = 0; place < PHYSICAL_PLACES; place++) {
			struct machine_hardware h = {CPU(46, lacks[(n_cpus + place) % 2]), n_cpus,
						     RAM(1 * GIB, (enum physical_place)place)};

			h.memory.seed = n_cpus;
			try_world(&h);
		}
	}
	sweep_report("small machines");
}

/* -- and others --------------------------------------------------------------------------------- */

#define DRAWN 40u

/* A machine that could be: not more memory than half of its addresses. */
static struct machine_hardware draw_world(void)
{
	static const uint32_t bits[] = {36, 39, 40, 42, 46, 48, 52};
	static const char *const kinds[] = {"skylake",	"unlocked",	    "no-vpid",
					    "no-timer", "no-true-controls", "no-efer-control"};
	static const uint32_t lacks[] = {MODEL_LACKS_1G, MODEL_LACKS_ACCESSED, MODEL_LACKS_FLUSH_PAGE,
					 MODEL_LACKS_FLUSH_ONE, MODEL_LACKS_FLUSH_GLOBAL};
	struct machine_hardware h = {
		.cpu = {.kind = kinds[sweep_draw(6)], .address_bits = bits[sweep_draw(7)]}};
	unsigned int most;

	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++)
		h.cpu.lacks |= sweep_draw(2) ? lacks[i] : 0;
	/* 256 MiB to 6 TiB, each doubling as likely as the next. */
	most = h.cpu.address_bits - 1 < 42 ? h.cpu.address_bits - 1 : 42;
	h.memory.bytes = (1ull << (28 + sweep_draw(most - 28))) + sweep_draw(2) * 128 * MIB;
	h.memory.place = (enum physical_place)sweep_draw(PHYSICAL_PLACES);
	h.memory.seed = sweep_draw(1u << 20);
	h.n_cpus = 1 + (uint32_t)sweep_draw(1u << sweep_draw(8));
	return h;
}

Test(worlds, drawn)
{
	sweep_seed(20251126);
	for (unsigned int i = 0; i < DRAWN; i++) {
		const struct machine_hardware h = draw_world();

		try_world(&h);
	}
	sweep_report("machines of any size");
}

/* -- no two pages in a row ---------------------------------------------------------------------- */

/* There is a table for each 2 MiB at the most: the pool holds them all in the end. */
Test(worlds, fragmented)
{
	struct machine_hardware h = {CPU(39, 0), 2, RAM(256 * MIB, PLACE_SCATTERED)};

	h.memory.fragmented = true;
	try_world(&h);
	h.cpu.lacks = MODEL_LACKS_1G;
	try_world(&h);
	sweep_report("fragmented machines");
}

/* Each page that is taken for tables wants one more of them: that is given up, and all is as before. */
Test(worlds, too_fragmented)
{
	struct machine_hardware h = {CPU(46, 0), 8, RAM(64 * GIB, PLACE_SCATTERED)};
	struct machine_world before;
	const char *why;

	h.memory.fragmented = true;
	sweep_label("64 GiB in single pages");
	cr_assert(machine_build(&h, &why), "%s", why);
	machine_snapshot(&before);
	cr_expect_eq(machine_load(), PLINTH_E_NOMEM);
	cr_expect(strstr(machine.report.text, "fragmented"), "%s", machine.report.text);
	sweep_expect_same(&before);
	sweep_expect_clean();
}

/* -- CPUs that come and go ---------------------------------------------------------------------- */

/*
 * More often than there are addresses for their stacks, while the others never leave the guest by themselves.
 */
Test(worlds, cpus_come_and_go)
{
	static const struct machine_hardware h = {CPU(39, 0), 4, RAM(1 * GIB, PLACE_LOW)};
	const char *why;
	uint64_t rounds = 2 * plinth_window_pages(h.n_cpus) / PLINTH_CPU_WINDOW_PAGES;

	sweep_label("CPU 2 comes and goes");
	cr_assert(machine_build(&h, &why));
	cr_assert_eq(sweep_warm(), 0, "%s", machine.report.text);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	for (uint64_t i = 0; i < rounds; i++) {
		report_clear(&machine.report);
		core_lock();
		cr_assert_eq(core_cpu_offline(machine.core, 2, &machine.report), 0, "round %lu: %s", i,
			     machine.report.text);
		cr_assert_eq(core_cpu_online(machine.core, 2, &machine.report), 0, "round %lu: %s", i,
			     machine.report.text);
		core_unlock();
	}
	for (uint32_t i = 0; i < h.n_cpus; i++)
		cr_expect(model.cpu[i].guest, "CPU %u", i);
	cr_expect_eq(machine_stop(), 0);
	cr_expect_eq(machine_unload(), 0);
	sweep_expect_clean();
}
