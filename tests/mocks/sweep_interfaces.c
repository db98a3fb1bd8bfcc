/* SPDX-License-Identifier: MIT */
/*
 * What ships above a vendor's interface, on a vendor that only pretends (interfaces/vendor.c): it works
 * without VT-x, and what fails at its n-th call of the vendor's, or of anything else, is undone.
 */
#include "sweep.h"

static void on_mock_vendor(const char *which)
{
	machine_replace("vcpu_intel", which);
}

static int load_on_mock(void)
{
	on_mock_vendor("vendor_fails");
	return 0;
}

static int start_on_mock(void)
{
	on_mock_vendor("vendor_fails");
	return machine_load();
}

static int stop_on_mock(void)
{
	on_mock_vendor("vendor_fails");
	return sweep_started();
}

static const struct scenario scenarios[] = {
	{"load", load_on_mock, machine_load, machine_unload, false},
	{"start", start_on_mock, machine_start, sweep_stop_unload, false},
	{"stop", stop_on_mock, machine_stop, machine_unload, false},
	{"unload", start_on_mock, machine_unload, NULL, false},
};

#define N_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static uint32_t one_vendor_case(const struct scenario *s, uint32_t n_cpus, uint32_t first, uint32_t second)
{
	return sweep_one(s, &model_kinds[0], n_cpus, (struct sweep_faults){first, second});
}

Test(interfaces, every_call_fails)
{
	sweep_group("another vendor");
	for (size_t i = 0; i < N_SCENARIOS; i++)
		for (uint32_t n_cpus = 1; n_cpus <= SWEEP_CPUS; n_cpus++)
			for (uint32_t n = 1; one_vendor_case(&scenarios[i], n_cpus, n, 0); n++)
				;
	sweep_report("another vendor, each call failing");
}

Test(interfaces, pairs_of_calls_fail)
{
	sweep_group("another vendor");
	for (size_t i = 0; i < N_SCENARIOS; i++) {
		bool was_there = true;

		for (uint32_t first = 1; was_there; first++) {
			uint32_t hits = 2;

			for (uint32_t second = first + 1; hits == 2; second++)
				hits = one_vendor_case(&scenarios[i], 1, first, second);
			was_there = hits;
		}
	}
	sweep_report("another vendor, pairs of calls failing");
}

/* What exits, and what of it is the vendor's: nothing that a guest or a system notices. */
Test(interfaces, whole_life)
{
	static const struct model_exit cpuid = {.kind = PLINTH_EXIT_CPUID, .length = 2};
	struct machine_world empty;

	sweep_label("another vendor");
	for (uint32_t n_cpus = 1; n_cpus <= SWEEP_CPUS; n_cpus++) {
		sweep_count();
		machine_reset(&model_kinds[0], n_cpus);
		machine_snapshot(&empty);
		on_mock_vendor("vendor_works");
		cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
		for (uint32_t cpu = 0; cpu < n_cpus; cpu++) {
			model.cpu[cpu].regs = (struct vcpu_regs){.rax = 0x40000000};
			cr_expect_eq(model_exit(cpu, &cpuid), MODEL_GUEST, "CPU %u is a guest", cpu);
			cr_expect_eq(model.cpu[cpu].regs.rbx, 0x6e696c50, "CPU %u: \"Plin\"", cpu);
		}
		cr_assert_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
		sweep_expect_same(&empty);
		sweep_expect_clean();
	}
	sweep_report("another vendor");
}
