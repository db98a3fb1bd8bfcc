/* SPDX-License-Identifier: MIT */
/*
 * Machines of all sizes, and what their guests can reach of the VMM: after every order of accesses, by one
 * CPU or several, no page of it but those that are meant to be seen. All else is reached, one to one, in the
 * end; and no CPU walks into a table by what it remembers of it that serves another region by now.
 */
#include "sweep.h"

#include "drivers/common/internal.h"
#include "lib/pagetable.h"
#include "remembered.h"
#include "model/translation.h"

#define PAGE	   4096ull
#define MIB	   (1ull << 20)
#define GIB	   (1ull << 30)
#define TIB	   (1ull << 40)
#define KERNEL_RIP 0xffffffff81234567ull
#define GUEST_CPUS 10u /* that touch something: more than have tables of their own */
#define ACCESSES   150u

/* -- the VMM's pages -------------------------------------------------------------------------- */

enum part { HIDDEN, SHARED, THEIRS };

static struct vmm_page {
	uint64_t pa;
	enum part part;
} vmm[1 << 16];
static unsigned int n_vmm;
static uint64_t scratch;

static bool is_within(enum space_id id, uint64_t va)
{
	const struct space_region *region = &machine.core->space[id];

	return va - region->va < region->pages * PAGE;
}

/* What the guest and the VMM both write. */
static bool is_theirs(uint64_t va)
{
	return is_within(SPACE_TUNING, va) || is_within(SPACE_MAILBOX, va);
}

static int note_page(void *ctx, const struct pt_leaf *leaf)
{
	(void)ctx;
	cr_assert_lt(n_vmm, sizeof(vmm) / sizeof(vmm[0]));
	vmm[n_vmm++] = (struct vmm_page){leaf->pa, is_within(SPACE_SHARED, leaf->va) ? SHARED
						   : is_theirs(leaf->va)	     ? THEIRS
										     : HIDDEN};
	return 0;
}

static void note_vmm(void)
{
	const struct pt pt = {
		.root_pa = machine.core->tables.root_pa, .levels = machine.levels, .table = machine_table};

	n_vmm = 0;
	cr_assert_eq(pt_walk(&pt, note_page, NULL), 0);
	cr_assert_gt(n_vmm, 100u);
	scratch = translation_of(0, vmm[0].pa).pa;
}

static const struct vmm_page *vmm_page(uint64_t gpa)
{
	for (unsigned int i = 0; i < n_vmm; i++)
		if (vmm[i].pa == (gpa & ~(PAGE - 1)))
			return &vmm[i];
	return NULL;
}

static void expect_page(uint32_t cpu, const struct vmm_page *page)
{
	static const uint32_t access[] = {
		[HIDDEN] = READ | WRITE, [SHARED] = READ, [THEIRS] = READ | WRITE | FETCH};
	struct translation t = translation_of(cpu, page->pa);

	cr_expect_eq(t.access, access[page->part], "%s: CPU %u may do %u with 0x%llx", sweep_case(), cpu,
		     t.access, (unsigned long long)page->pa);
	cr_expect_eq(t.pa, page->part == HIDDEN ? scratch : page->pa, "%s: CPU %u finds 0x%llx at 0x%llx",
		     sweep_case(), cpu, (unsigned long long)t.pa, (unsigned long long)page->pa);
}

static void expect_all_hidden(void)
{
	for (uint32_t cpu = 0; cpu < model.n_cpus && cpu < GUEST_CPUS; cpu++)
		for (unsigned int i = 0; i < n_vmm; i++)
			expect_page(cpu, &vmm[i]);
}

/* -- accesses ------------------------------------------------------------------------------------ */

/* False: refused. */
static bool touch_until_done(uint32_t cpu, uint64_t gpa, uint32_t access)
{
	for (unsigned int tries = 0; tries < 4; tries++) {
		struct translation t = translation_of(cpu, gpa);
		const struct model_exit exit = {
			.kind = PLINTH_EXIT_SLAT_VIOLATION, .physical = gpa, .access = access};

		remembered_check(cpu);
		if ((t.access & access) == access) {
			remembered_note(cpu, gpa);
			return true;
		}
		model.cpu[cpu].event.info = 0;
		model.cpu[cpu].regs.rsi++;
		cr_assert_eq(model_exit(cpu, &exit), MODEL_GUEST, "%s: CPU %u, physical 0x%llx", sweep_case(),
			     cpu, (unsigned long long)gpa);
		if (model.cpu[cpu].event.info)
			return false;
	}
	cr_expect(false, "%s: CPU %u never gets to 0x%llx", sweep_case(), cpu, (unsigned long long)gpa);
	return false;
}

static void try_page(uint32_t cpu, const struct vmm_page *page, uint32_t access)
{
	static const uint32_t allowed[] = {
		[HIDDEN] = READ | WRITE, [SHARED] = READ, [THEIRS] = READ | WRITE | FETCH};

	cr_expect_eq(touch_until_done(cpu, page->pa, access), (access & allowed[page->part]) != 0,
		     "%s: CPU %u, access %u of 0x%llx", sweep_case(), cpu, access,
		     (unsigned long long)page->pa);
	expect_page(cpu, page);
	if (sweep_comes_back(cpu))
		sweep_step(cpu);
}

static void try_other(uint32_t cpu, uint64_t gpa, uint32_t access)
{
	struct translation t;

	if (!touch_until_done(cpu, gpa, access)) {
		cr_expect(false, "%s: CPU %u may not touch 0x%llx", sweep_case(), cpu,
			  (unsigned long long)gpa);
		return;
	}
	t = translation_of(cpu, gpa);
	cr_expect_eq(t.pa, gpa, "%s: CPU %u finds 0x%llx at 0x%llx", sweep_case(), cpu,
		     (unsigned long long)t.pa, (unsigned long long)gpa);
	cr_expect_eq(t.access, READ | WRITE | FETCH, "%s: 0x%llx", sweep_case(), (unsigned long long)gpa);
	if (sweep_comes_back(cpu))
		sweep_step(cpu);
}

static uint64_t draw_address(void)
{
	uint64_t end = 1ull << (model.kind->physical_bits > 48 ? 48 : model.kind->physical_bits);
	unsigned int n_banks;
	const struct physical_bank *banks = physical_banks(&n_banks), *bank = &banks[sweep_draw(n_banks)];

	switch (sweep_draw(5)) {
	case 0: return vmm[sweep_draw(n_vmm)].pa;
	case 1: return vmm[sweep_draw(n_vmm)].pa + PAGE;
	case 2: return bank->from + sweep_draw((bank->to - bank->from) / PAGE) * PAGE;
	case 3: return sweep_draw(end / GIB) * GIB; /* where a device may be */
	default: return (vmm[sweep_draw(n_vmm)].pa & ~(GIB - 1)) + sweep_draw(GIB / PAGE) * PAGE;
	}
}

static void guests_touch(void)
{
	uint32_t cpus = model.n_cpus < GUEST_CPUS ? model.n_cpus : GUEST_CPUS;

	remembered_forget();
	for (unsigned int i = 0; i < ACCESSES; i++) {
		uint32_t cpu = (uint32_t)sweep_draw(cpus), access = 1u << sweep_draw(3);
		uint64_t gpa = draw_address();
		const struct vmm_page *page = vmm_page(gpa);

		sweep_count();
		if (page)
			try_page(cpu, page, access);
		else
			try_other(cpu, gpa, access);
	}
	expect_all_hidden();
}

/* -- machines -------------------------------------------------------------------------------------- */

static void be_guests(void)
{
	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++)
		model.cpu[cpu].rip = KERNEL_RIP;
}

static void try_machine(const struct machine_hardware *hardware)
{
	const char *why = NULL;
	uint64_t before;

	if (!machine_build(hardware, &why))
		return;
	sweep_seed(0x9e3779b97f4a7c15ull ^ hardware->memory.bytes ^ hardware->cpu.address_bits << 3 ^
		   hardware->memory.place);
	sweep_label("%u bits, %llu MiB, place %u, lacks 0x%x, %u CPUs", hardware->cpu.address_bits,
		    (unsigned long long)(hardware->memory.bytes / MIB), hardware->memory.place,
		    hardware->cpu.lacks, hardware->n_cpus);
	before = machine_pages();
	cr_assert_eq(machine_load(), 0, "%s: load: %s", sweep_case(), machine.report.text);
	/* Twice: what a stop and a start leave of the first time hides as well. */
	for (unsigned int i = 0; i < 2; i++) {
		cr_assert_eq(machine_start(), 0, "%s: start: %s", sweep_case(), machine.report.text);
		be_guests();
		note_vmm();
		guests_touch();
		cr_assert_eq(machine_stop(), 0, "%s: stop: %s", sweep_case(), machine.report.text);
	}
	cr_assert_eq(machine_unload(), 0, "%s: unload: %s", sweep_case(), machine.report.text);
	cr_expect_eq(machine_pages(), before, "%s: pages are lost", sweep_case());
	sweep_expect_clean();
}

static const uint32_t widths[] = {36, 39, 40, 42, 46, 48, 52};
static const uint64_t sizes[] = {256 * MIB, 6 * GIB, 96 * GIB, 6 * TIB};

static void try_width(uint32_t bits, uint32_t lacks)
{
	static const uint32_t cpus[] = {1, 2, 4, 9};

	for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
		for (unsigned int place = 0; place < PHYSICAL_PLACES; place++) {
			const struct machine_hardware hardware = {
				.cpu = {.address_bits = bits, .lacks = lacks},
				.n_cpus = cpus[(size + place) % 4],
				.memory = {.bytes = sizes[size],
					   .place = (enum physical_place)place,
					   .seed = 1 + size},
			};

			try_machine(&hardware);
		}
	}
}

Test(hidden, large_pages)
{
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		try_width(widths[i], 0);
	sweep_report("accesses of guests on machines of all sizes");
}

Test(hidden, no_large_pages)
{
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		try_width(widths[i], MODEL_LACKS_1G);
	sweep_report("accesses of guests on machines of all sizes, no pages of 1 GiB");
}
