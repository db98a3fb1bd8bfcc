/* SPDX-License-Identifier: MIT */
/*
 * Jump slots that are filled at the first call: a tracer of exits that was built for it, in
 * the machine, whose memory obeys the VMM's page tables.
 */
#include "sweep.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "model/internal.h"

#define TRACER "exit_tracer_lazy"
#define ROLE   "exit_tracer"

static void power_on_lazy(uint32_t n_cpus, bool lazy)
{
	machine_reset(&model_kinds[0], n_cpus);
	machine.lazy = lazy;
	machine_add(TRACER);
	if (lazy)
		machine_add("lazy");
}

/* The tracer as the driver tells of it. */
static struct plinth_ctl_module tracer(void)
{
	struct plinth_ctl_module list[MACHINE_MODULES];
	uint64_t n = core_modules(machine.core, list, MACHINE_MODULES, sizeof(list[0]));

	for (uint64_t i = 0; i < n && i < MACHINE_MODULES; i++)
		if (!strcmp(list[i].role, ROLE))
			return list[i];
	cr_assert(false, "%s is not loaded", ROLE);
	return list[0];
}

/* What both tables say of the tracer's pages of slots. */
static void expect_slots(bool writable)
{
	struct plinth_ctl_map maps[256];
	uint64_t n = core_maps(machine.core, maps, 256, sizeof(maps[0]));
	uint32_t found = 0;

	cr_assert_leq(n, 256);
	for (uint64_t i = 0; i < n; i++) {
		if (strcmp(maps[i].name, ROLE " slots"))
			continue;
		found++;
		cr_expect_eq(maps[i].flags, writable ? PLINTH_MAP_WRITE : 0, "table %u", maps[i].table);
	}
	cr_expect_eq(found, PLINTH_MAP_TABLES);
}

static void exit_by_cpuid(uint32_t cpu)
{
	static const struct model_exit exit = {.kind = PLINTH_EXIT_CPUID, .length = 2};
	const struct plinth_shared_cpu *shared = plinth_shared_cpu(core_shared_region(machine.core), cpu);
	struct vcpu_regs regs = model.cpu[cpu].regs;
	uint64_t traced = shared->trace_head, rip = model.cpu[cpu].rip;

	cr_expect_eq(model_exit(cpu, &exit), MODEL_GUEST);
	cr_expect_eq(model.cpu[cpu].rip, rip + 2);
	cr_expect_gt(shared->trace_head, traced, "the tracer has seen it");
	model.cpu[cpu].regs = regs;
	model.cpu[cpu].rip = rip;
}

/* The constructor fills one slot, the first exit the others; then no page of slots is writable. */
Test(lazy, filled_and_sealed)
{
	struct machine_world before;
	struct plinth_ctl_module at_load, running;

	sweep_label("lazy");
	power_on_lazy(2, true);
	machine_snapshot(&before);
	for (unsigned int round = 0; round < 3; round++) {
		cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
		at_load = tracer();
		cr_expect_gt(at_load.lazy_slots, 1);
		cr_expect_eq(at_load.lazy_bound, 1, "exit_register_kind()");
		cr_expect_eq(at_load.lazy_pages, 1);
		cr_expect_eq(at_load.lazy_sealed, 0);
		expect_slots(true);
		cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
		for (unsigned int i = 0; i < 4; i++)
			exit_by_cpuid(i % 2);
		running = tracer();
		cr_expect_eq(running.lazy_bound, running.lazy_slots);
		cr_expect_eq(running.lazy_sealed, 1);
		cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
		expect_slots(false);
		cr_assert_eq(machine_start(), 0, "again: %s", machine.report.text);
		exit_by_cpuid(1);
		cr_assert_eq(machine_stop(), 0);
		cr_assert_eq(machine_unload(), 0);
		sweep_expect_clean();
		sweep_expect_same(&before);
	}
}

/* Without the option the same module is linked at load, like any other. */
Test(lazy, not_asked_for)
{
	sweep_label("eager");
	power_on_lazy(2, false);
	cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
	cr_expect_eq(tracer().lazy_slots, 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	exit_by_cpuid(0);
	cr_assert_eq(sweep_stop_unload(), 0);
	sweep_expect_clean();
}

/* With the option but without the binder nothing is loaded, and the reason names it. */
Test(lazy, no_binder)
{
	struct machine_world before;

	sweep_label("no binder");
	machine_reset(&model_kinds[0], 1);
	machine_snapshot(&before);
	machine.lazy = true;
	machine_add(TRACER);
	cr_expect_eq(machine_load(), PLINTH_E_NOSYM);
	cr_expect(strstr(machine.report.text, "lazy_entry"), "%s", machine.report.text);
	sweep_expect_same(&before);
	/* What is not made for it needs no binder. */
	machine_reset(&model_kinds[0], 1);
	machine.lazy = true;
	cr_expect_eq(machine_load(), 0, "%s", machine.report.text);
	cr_expect_eq(machine_unload(), 0);
	sweep_expect_clean();
}

static int choose_lazy(void)
{
	machine.lazy = true;
	machine_add(TRACER);
	machine_add("lazy");
	return 0;
}

/* Whatever fails in such a load, nothing remains of it. */
Test(lazy, faults)
{
	static const struct scenario load = {"lazy load", choose_lazy, machine_load, machine_unload, false};
	struct sweep_faults faults = {.first = 1};

	while (sweep_one(&load, &model_kinds[0], 1, faults))
		faults.first++;
	cr_expect_gt(faults.first, 10);
	sweep_report("lazy");
}
