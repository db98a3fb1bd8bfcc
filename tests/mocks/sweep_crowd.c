/* SPDX-License-Identifier: MIT */
/*
 * More CPUs at once than there are tables for reach distant memory: none is refused, none waits for a guest,
 * and no CPU walks into a table by what it remembers of it that serves another region by now.
 */
#include "sweep.h"

#include "drivers/common/internal.h"
#include "remembered.h"
#include "model/translation.h"

#define PAGE	   4096ull
#define GIB	   (1ull << 30)
#define KERNEL_RIP 0xffffffff81234567ull
#define CPUS	   64u

static void be_kernels(void)
{
	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++)
		model.cpu[cpu].rip = KERNEL_RIP;
}

#define AT_ONCE	  20000u
#define FIRST_GIB 4u /* behind what is mapped at the load */
#define LAST_GIB  512u

static uint64_t wanted[CPUS];
static uint32_t served[CPUS];

static void want(uint32_t cpu)
{
	wanted[cpu] = (FIRST_GIB + sweep_draw(LAST_GIB - FIRST_GIB)) * GIB + sweep_draw(GIB / PAGE) * PAGE;
	model.cpu[cpu].regs.rsi = wanted[cpu];
}

/* A violation, which is over at once: the guest goes on, to try again if another CPU is in the way. */
static void violate_wanted(uint32_t cpu)
{
	const struct model_exit exit = {
		.kind = PLINTH_EXIT_SLAT_VIOLATION, .physical = wanted[cpu], .access = READ, .length = 3};

	model.cpu[cpu].event.info = 0;
	cr_assert_eq(model_exit(cpu, &exit), MODEL_GUEST, "CPU %u", cpu);
	cr_expect_eq(model.cpu[cpu].event.info, 0, "CPU %u is refused 0x%llx", cpu,
		     (unsigned long long)wanted[cpu]);
	cr_expect_eq(model.cpu[cpu].rip, KERNEL_RIP, "CPU %u", cpu);
}

/* One CPU's next moment: it is denied what it wants, gets it, or is behind it. True: it got it. */
static bool next_moment(uint32_t cpu)
{
	struct translation t = translation_of(cpu, wanted[cpu]);

	remembered_check(cpu);
	if (!(t.access & READ)) {
		violate_wanted(cpu);
		return false;
	}
	cr_expect_eq(t.pa, wanted[cpu], "CPU %u finds 0x%llx at 0x%llx", cpu, (unsigned long long)t.pa,
		     (unsigned long long)wanted[cpu]);
	remembered_note(cpu, wanted[cpu]);
	served[cpu]++;
	return true;
}

static uint32_t borrower(void)
{
	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++)
		if (model.cpu[cpu].guest && sweep_comes_back(cpu))
			return cpu;
	return UINT32_MAX;
}

static void all_at_once(void)
{
	bool behind[CPUS] = {false};

	for (unsigned int i = 0; i < AT_ONCE; i++) {
		uint32_t cpu = (uint32_t)sweep_draw(model.n_cpus);

		/* An instruction does not take long. */
		if (borrower() != UINT32_MAX && !sweep_draw(8))
			cpu = borrower();
		sweep_count();
		if (behind[cpu]) {
			sweep_step(cpu);
			behind[cpu] = false;
		} else if (next_moment(cpu)) {
			behind[cpu] = sweep_comes_back(cpu);
			want(cpu);
		}
	}
	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++)
		if (behind[cpu])
			sweep_step(cpu);
}

/* Gone in the middle of an instruction, with what it was lent: the others do not miss it. */
static void expect_goes_with_it(void)
{
	uint32_t gone, next;

	for (uint32_t cpu = 0; borrower() == UINT32_MAX; cpu++) {
		cr_assert_lt(cpu, model.n_cpus, "nobody borrows");
		if (!(translation_of(cpu, wanted[cpu]).access & READ))
			violate_wanted(cpu);
	}
	gone = borrower();
	core_lock();
	cr_assert_eq(core_cpu_offline(machine.core, gone, &machine.report), 0, "%s", machine.report.text);
	core_unlock();
	be_kernels();
	next = gone == model.n_cpus - 1 ? gone - 1 : gone + 1;
	do
		wanted[next] += GIB;
	while (translation_of(next, wanted[next]).access & READ);
	violate_wanted(next);
	cr_expect(translation_of(next, wanted[next]).access & READ, "CPU %u waits for one that is gone",
		  next);
}

Test(crowd, more_cpus_than_tables)
{
	static const struct machine_hardware hardware = {
		.cpu = {.address_bits = 46, .lacks = MODEL_LACKS_1G},
		.n_cpus = CPUS,
		.memory = {.bytes = GIB, .place = PLACE_LOW},
	};
	const char *why = NULL;

	sweep_seed(64);
	sweep_label("%u CPUs", CPUS);
	cr_assert(machine_build(&hardware, &why), "%s", why);
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	be_kernels();
	remembered_forget();
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		want(cpu);
	all_at_once();
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		cr_expect_geq(served[cpu], 5u, "CPU %u has got %u times what it wanted", cpu, served[cpu]);
	expect_goes_with_it();
	cr_assert_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
	sweep_report("accesses of guests with more CPUs than tables");
}
