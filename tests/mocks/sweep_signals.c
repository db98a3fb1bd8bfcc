/* SPDX-License-Identifier: MIT */
/*
 * INIT: the CPU leaves the VMM and is reset by it, however its local APIC is reached, and whether or not the
 * CPU keeps the INIT that was an exit. The other CPUs live on.
 */
#include "sweep.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "model/internal.h"

static const struct model_exit init_exit = {.kind = PLINTH_EXIT_INIT};

static uint32_t cpu_state(uint32_t cpu)
{
	return plinth_shared_cpu(core_shared_region(machine.core), cpu)->state;
}

/* What an INIT leaves alone; the APIC's own registers and the lock of VMX are nobody's guest state. */
static void expect_msrs_kept(const struct model_state *before, const struct model_state *after)
{
	static const enum model_msr kept[] = {MODEL_MSR_APIC_BASE,
					      MODEL_MSR_SYSENTER_CS,
					      MODEL_MSR_SYSENTER_ESP,
					      MODEL_MSR_SYSENTER_EIP,
					      MODEL_MSR_DEBUGCTL,
					      MODEL_MSR_PAT,
					      MODEL_MSR_PERF_GLOBAL_CTRL,
					      MODEL_MSR_PEBS_ENABLE,
					      MODEL_MSR_STAR,
					      MODEL_MSR_LSTAR,
					      MODEL_MSR_KERNEL_GS_BASE,
					      MODEL_MSR_TSC_AUX};

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		cr_expect_eq(after->msr[kept[i]], before->msr[kept[i]], "%s: MSR %u is 0x%llx", sweep_case(),
			     kept[i], (unsigned long long)after->msr[kept[i]]);
}

static void change_msrs(struct model_cpu *cpu)
{
	cpu->st.msr[MODEL_MSR_SYSENTER_CS] = 0x20;
	cpu->st.msr[MODEL_MSR_SYSENTER_ESP] = 0xffff800000001000;
	cpu->st.msr[MODEL_MSR_SYSENTER_EIP] = 0xffff800000002000;
	cpu->st.msr[MODEL_MSR_PAT] = 0x0106010601060106;
	cpu->st.msr[MODEL_MSR_DEBUGCTL] = 2;
}

static void take_init_of(uint32_t number, enum model_end want)
{
	struct model_state before;
	enum model_end end;

	change_msrs(&model.cpu[number]);
	model_visible(number, &before);
	end = model_exit(number, &init_exit);
	cr_expect_eq(end, want, "%s: CPU %u ended with %d", sweep_case(), number, (int)end);
	cr_expect_not(model.cpu[number].virt_on, "%s: CPU %u has virtual machines on", sweep_case(), number);
	expect_msrs_kept(&before, &model.cpu[number].st);
	sweep_expect_clean();
}

static void take_one(const struct model_kind *kind, uint32_t number)
{
	struct core_report report;

	sweep_count();
	machine_reset(kind, 2);
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	take_init_of(number, MODEL_INIT);
	cr_expect_eq(model_active(), 1, "%s: %u VMCSs", sweep_case(), model_active());
	cr_expect_eq(cpu_state(number), PLINTH_CPU_RESET, "%s: state %u", sweep_case(), cpu_state(number));
	cr_expect(machine_logged(number, PLINTH_LOG_WARN, FACTS("INIT")), "%s: the log tells", sweep_case());
	cr_expect_eq(model_exit(!number, &(struct model_exit){.kind = PLINTH_EXIT_CPUID, .length = 2}),
		     MODEL_GUEST, "%s: the other CPU lives on", sweep_case());
	report_clear(&report);
	core_watch(machine.core, &report);
	cr_expect_not(model.cpu[!number].guest, "%s: the other CPU is given back", sweep_case());
	sweep_expect_corrupt();
	sweep_expect_clean();
}

Test(init, takes_a_cpu_that_is_a_guest)
{
	for (unsigned int variant = 0; variant < 4; variant++) {
		struct model_kind kind = model_kinds[0];

		kind.x2apic = variant & 1;
		kind.init_stays = variant & 2;
		for (uint32_t cpu = 0; cpu < 2; cpu++) {
			sweep_label("INIT of CPU %u, x2APIC %d, stays %d", cpu, kind.x2apic, kind.init_stays);
			take_one(&kind, cpu);
		}
	}
	sweep_report("INITs");
}

/* The registers of the APIC are mapped once. */
Test(init, takes_all_cpus_one_by_one)
{
	sweep_label("INIT of all CPUs");
	machine_reset(&model_kinds[0], SWEEP_CPUS);
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	for (uint32_t cpu = 0; cpu < SWEEP_CPUS; cpu++)
		take_init_of(cpu, MODEL_INIT);
	cr_expect_eq(model_active(), 0);
	cr_expect_eq(machine_stop(), PLINTH_E_CORRUPT, "the core knows that they are gone");
}

Test(init, halts_where_the_apic_does_not_deliver_it)
{
	struct model_kind kind = model_kinds[0];

	kind.deaf_apic = true;
	sweep_label("INIT that is not delivered");
	machine_reset(&kind, 2);
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	take_init_of(1, MODEL_HALTED);
	cr_expect_eq(cpu_state(1), PLINTH_CPU_HALTED);
	cr_expect(machine_logged(1, PLINTH_LOG_ERR, FACTS("INIT")), "the log tells");
	cr_expect_eq(machine_stop(), PLINTH_E_CORRUPT);
	cr_expect_not(model.cpu[0].guest, "the other CPU is given back");
}
