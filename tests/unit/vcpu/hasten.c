/* SPDX-License-Identifier: MIT */
/*
 * A CPU whose guest makes no exit by itself is made to: by an NMI, which its guest gets like any other and
 * answers with an exit.
 */
#include <plinth/memory.h>
#include <plinth/slat.h>

#include "drivers/common/internal.h"
#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define CPUS	     3u
#define REASON_CPUID 10
#define OFTEN	     100u

static uint64_t ticket;
static bool waits;
static uint32_t answered[CPUS]; /* of the NMIs that it was sent so that it exits */

static void guests_of(const struct model_kind *kind)
{
	root_loaded(kind, CPUS);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		model.cpu[cpu].rip = ROOT_RIP;
		model.cpu[cpu].rsp = model_high((uint64_t)&root_kernel_stack[60]);
		answered[cpu] = 0;
	}
	ticket = 0;
}

static void some_guests(void)
{
	guests_of(&model_kinds[0]);
}

static uint32_t hastened(uint32_t cpu)
{
	return plinth_shared_own(vcpu_common.shared, cpu)->hastened;
}

static void cpuid(uint32_t cpu)
{
	const struct model_exit exit = {.reason = REASON_CPUID, .length = 2};

	cr_assert_eq(model_exit(cpu, &exit), MODEL_GUEST);
}

/* The handler of a call that wants a flush: EXIT_RETRY until it is done. */
static enum exit_action flush_all(struct vcpu *vcpu)
{
	(void)vcpu;
	ticket = ticket ? ticket : slat_flush(slat_host());
	waits = !slat_flushed(ticket);
	if (waits)
		vcpu_hasten(ticket);
	return waits ? EXIT_RETRY : EXIT_NEXT;
}

static void run(vcpu_exit_fn *handler)
{
	cr_assert_eq(root_run(handler, (struct model_exit){.length = 1}), MODEL_GUEST);
}

/* What was sent to a CPU arrives, and the kernel's handler there looks at the counter. */
static void deliver(uint32_t cpu)
{
	if (!model.cpu[cpu].nmi_sent)
		return;
	model.cpu[cpu].nmi_sent = false;
	cr_assert_eq(model_nmi(cpu), MODEL_GUEST);
	if (answered[cpu] == hastened(cpu))
		return;
	answered[cpu] = hastened(cpu);
	cpuid(cpu);
}

static void expect_nmis(uint32_t cpu, uint64_t n)
{
	cr_expect_eq(hastened(cpu), n, "CPU %u: counted %u", cpu, hastened(cpu));
	cr_expect_eq(model.cpu[cpu].nmis_delivered, n, "CPU %u: %llu NMIs", cpu,
		     (unsigned long long)model.cpu[cpu].nmis_delivered);
	cr_expect_eq(model.cpu[cpu].nmis_sent, n);
}

/* CPUs 1 and 2 do nothing but spin; CPU 0 waits. */
static void flush_while_others_spin(void)
{
	run(flush_all);
	cr_expect(waits);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP, "it asks again");
	deliver(1);
	run(flush_all);
	cr_expect(waits, "CPU 2 has not flushed");
	deliver(2);
	run(flush_all);
	cr_expect_not(waits);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 1);
	expect_nmis(0, 0);
	expect_nmis(1, 1);
	expect_nmis(2, 1);
	root_expect_clean();
}

Test(vcpu_hasten, guests_that_spin, .init = some_guests)
{
	flush_while_others_spin();
	cr_expect_eq(machine_stop(), 0);
	cr_expect_eq(machine_unload(), 0, "the APIC's mapping is given back");
}

Test(vcpu_hasten, by_x2apic)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.x2apic = true;
	guests_of(&kind);
	flush_while_others_spin();
}

/* CPUID ends early: the APIC's number is that of the old leaf. */
Test(vcpu_hasten, without_the_topology_leaf)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.highest_leaf = 7;
	kind.counters = 0; /* they have a leaf behind it */
	guests_of(&kind);
	flush_while_others_spin();
}

/* Who asks often does not send more: one is on its way, and does for what is asked for meanwhile. */
Test(vcpu_hasten, one_at_a_time, .init = some_guests)
{
	for (unsigned int i = 0; i < OFTEN; i++)
		run(flush_all);
	ticket = 0;
	run(flush_all);
	cr_expect_eq(model.cpu[1].nmis_delivered, 0);
	cr_expect_eq(hastened(1), 1);
	deliver(1);
	deliver(2);
	run(flush_all);
	cr_expect_not(waits, "the second request, too");
	expect_nmis(1, 1);
	expect_nmis(2, 1);
	ticket = 0;
	run(flush_all);
	cr_expect_eq(hastened(1), 2, "the next is a new one");
}

/* Only who has not flushed yet. */
Test(vcpu_hasten, who_has_flushed_is_left_alone, .init = some_guests)
{
	ticket = 0;
	run(flush_all);
	deliver(1);
	cpuid(2);
	run(flush_all);
	cr_expect_not(waits);
	cr_expect(model.cpu[2].nmi_sent, "it was on its way");
	ticket = 0;
	run(flush_all);
	cr_expect_eq(hastened(2), 2, "and is not counted on for what comes after");
	deliver(2);
	deliver(1);
	run(flush_all);
	cr_expect_not(waits);
}

/* One of the machine's own comes at the same time: it is one NMI, which the guest gets. */
Test(vcpu_hasten, an_nmi_of_the_machines_own, .init = some_guests)
{
	run(flush_all);
	cr_expect(model.cpu[1].nmi_sent);
	cr_assert_eq(model_nmi(1), MODEL_GUEST);
	cr_expect_eq(model.cpu[1].nmis_delivered, 1, "before it");
	deliver(1);
	cr_expect_eq(model.cpu[1].nmis_delivered, 2);
	cr_assert_eq(model_nmi(1), MODEL_GUEST);
	cr_expect_eq(model.cpu[1].nmis_delivered, 3, "behind it");
	cr_expect_eq(model.cpu[1].nmis_sent, 3, "none is lost, and none is made");
	root_expect_clean();
}

/* It arrives while the CPU is in root mode: the guest gets it at the next entry. */
Test(vcpu_hasten, in_root_mode, .init = some_guests)
{
	run(flush_all);
	model.cpu[1].nmi_sent = false;
	model.nmi_at_tick = model.cpu[1].ticks + 3;
	cpuid(1);
	cr_expect_eq(model.cpu[1].event.info, 0x80000202u, "0x%x", model.cpu[1].event.info);
	deliver(2);
	run(flush_all);
	cr_expect_not(waits, "the exit has flushed as well");
	root_expect_clean();
}

Test(vcpu_hasten, a_cpu_that_is_no_guest_is_not_sent_any, .init = some_guests)
{
	machine.cpus_locked = 1;
	cr_assert_eq(core_cpu_offline(machine.core, 2, &machine.report), 0);
	run(flush_all);
	cr_expect_not(model.cpu[2].nmi_sent);
	cr_expect(model.cpu[1].nmi_sent);
	cr_assert_eq(core_cpu_online(machine.core, 2, &machine.report), 0);
	machine.cpus_locked = 0;
	deliver(1);
	run(flush_all);
	cr_expect_not(waits);
	cr_expect_eq(hastened(2), 0);
}

Test(vcpu_hasten, a_cpu_that_died_is_sent_nothing, .init = some_guests)
{
	uint32_t *state = &plinth_shared_own(vcpu_common.shared, 2)->state;

	*state = PLINTH_CPU_DEAD;
	run(flush_all);
	*state = PLINTH_CPU_GUEST;
	cr_expect(model.cpu[1].nmi_sent);
	cr_expect_not(model.cpu[2].nmi_sent);
	cr_expect_eq(hastened(2), 0);
}

static enum exit_action take_all_addresses(struct vcpu *vcpu)
{
	(void)vcpu;
	while (mem_map(0x1000, 1, MEM_R))
		;
	return EXIT_NEXT;
}

/* No address is left for the APIC's registers: who waits goes on waiting, until the others come by. */
Test(vcpu_hasten, an_apic_that_cannot_be_reached, .init = some_guests)
{
	run(take_all_addresses);
	run(flush_all);
	cr_expect(waits);
	for (uint32_t cpu = 1; cpu < CPUS; cpu++) {
		cr_expect_not(model.cpu[cpu].nmi_sent);
		cr_expect_eq(hastened(cpu), 0);
		cpuid(cpu);
	}
	run(flush_all);
	cr_expect_not(waits);
	root_expect_clean();
}

/* -- the driver's part --------------------------------------------------------------------------- */

Test(vcpu_hasten, the_driver_sees_who_is_hastened, .init = some_guests)
{
	run(flush_all);
	cr_expect_eq(core_hastened(machine.core, 0), 0);
	cr_expect_eq(core_hastened(machine.core, 1), 1);
	cr_expect_eq(core_hastened(machine.core, CPUS), 0, "there is none");
}

/* All of them flush, without any NMI. */
Test(vcpu_hasten, the_driver_has_all_exit, .init = some_guests)
{
	run(flush_all);
	cr_assert(waits);
	core_make_exits(machine.core);
	cr_expect(vcpu_flushed(ticket));
	cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
	core_make_exits(machine.core);
	cr_expect_eq(model.cpu[1].nmis_delivered, 0);
	cr_assert_eq(machine_unload(), 0, "%s", machine.report.text);
	cr_expect_eq(core_hastened(machine.core, 1), 0, "nobody can be");
	root_expect_clean();
}

Test(vcpu_hasten, the_driver_calls_no_dead_cpu, .init = some_guests)
{
	uint32_t *state = &plinth_shared_own(vcpu_common.shared, 2)->state;
	struct core_call call = {.cpu = 2, .name = "nobody"};

	*state = PLINTH_CPU_DEAD;
	cr_expect_eq(core_call(machine.core, &call, &machine.report), PLINTH_E_STATE);
	*state = PLINTH_CPU_GUEST;
}
