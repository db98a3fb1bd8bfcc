/* SPDX-License-Identifier: MIT */
/*
 * Two vCPUs on one CPU: the host's, and that of a guest beside it. Whom to resume is the answer of an exit.
 */
#include <string.h>

#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define REASON_CPUID  10
#define REASON_VMCALL 18
#define REASON_TIMER  52
#define OTHER_RIP     0xffffffff82000000ull
#define OTHER_RAX     0x1122334455667788ull
#define NMI_INFO      0x80000202u

static struct guest other;
static struct vcpu *beside; /* the other guest's */
static struct vcpu_system system_of_other;
static int result;
static uint64_t seen[4];
static uint32_t kinds_seen[PLINTH_EXIT_KINDS];

/* -- the other guest ---------------------------------------------------------------------- */

static enum exit_action other_exits(struct vcpu *vcpu)
{
	kinds_seen[vcpu->exit.kind]++;
	switch (vcpu->exit.kind) {
	case PLINTH_EXIT_CPUID: vcpu->regs.rbx = OTHER_RAX; return EXIT_NEXT;
	case PLINTH_EXIT_TIMER: vcpu_settle(vcpu); break;
	case PLINTH_EXIT_HYPERCALL: vcpu_skip(vcpu); break;
	case PLINTH_EXIT_HLT: return EXIT_FATAL;
	default: break;
	}
	result = vcpu_choose(vcpu, vcpu->cpu->host);
	return EXIT_SWITCH;
}

static vcpu_exit_fn *const handlers[PLINTH_EXIT_KINDS] = {[0 ... PLINTH_EXIT_KINDS - 1] = other_exits};

static int make(uint64_t unused, uint64_t unused_too)
{
	int err;

	(void)unused;
	(void)unused_too;
	other = (struct guest){.space = slat_host(), .handlers = handlers};
	err = guest_init(&other);
	return err ? err : vcpu_create(&other, &beside);
}

static int unmake(uint64_t unused, uint64_t unused_too)
{
	(void)unused;
	(void)unused_too;
	vcpu_destroy(beside);
	guest_fini(&other);
	return 0;
}

static void up(void)
{
	root_loaded(&model_kinds[0], 1);
	cr_assert_eq(root_call(make, 0, 0), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	model.cpu[0].rip = ROOT_RIP;
	model.cpu[0].rsp = model_high((uint64_t)&root_kernel_stack[60]);
	memset(kinds_seen, 0, sizeof(kinds_seen));
	result = 1;
}

/* -- the host's handlers -------------------------------------------------------------------- */

static enum exit_action load(struct vcpu *vcpu)
{
	vendor_system(vcpu, &system_of_other);
	system_of_other.rip = OTHER_RIP;
	beside->regs.rax = OTHER_RAX;
	result = vcpu_load(beside, vcpu->cpu, &system_of_other);
	return EXIT_NEXT;
}

static enum exit_action load_a_state_that_is_none(struct vcpu *vcpu)
{
	vendor_system(vcpu, &system_of_other);
	system_of_other.rflags = 0;
	result = vcpu_load(beside, vcpu->cpu, &system_of_other);
	return EXIT_NEXT;
}

static enum exit_action load_again(struct vcpu *vcpu)
{
	result = vcpu_load(beside, vcpu->cpu, NULL);
	return EXIT_NEXT;
}

static enum exit_action unload(struct vcpu *vcpu)
{
	(void)vcpu;
	result = vcpu_unload(beside);
	return EXIT_NEXT;
}

static enum exit_action go(struct vcpu *vcpu)
{
	result = vcpu_choose(vcpu, beside);
	if (result)
		return EXIT_NEXT;
	vcpu_skip(vcpu);
	return EXIT_SWITCH;
}

static uint64_t host_cpuids(void)
{
	return plinth_shared_own(vcpu_common.shared, 0)->exits[PLINTH_EXIT_CPUID];
}

static void run(vcpu_exit_fn *handler)
{
	cr_assert_eq(root_run(handler, (struct model_exit){.length = 1}), MODEL_GUEST);
}

static void exits(uint32_t reason)
{
	const struct model_exit exit = {.reason = reason, .length = 2};

	cr_assert_eq(model_exit(0, &exit), MODEL_GUEST);
}

static void start_other(void)
{
	run(load);
	cr_assert_eq(result, 0);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 1, "the host is current");
	run(go);
	cr_assert_eq(result, 0);
	cr_assert_eq(model.cpu[0].rip, OTHER_RIP);
}

/* -- tests -------------------------------------------------------------------------------------- */

Test(vcpu_switch, there_and_back, .init = up)
{
	model.cpu[0].regs.rbx = 77;
	start_other();
	cr_expect_eq(model.cpu[0].regs.rax, OTHER_RAX);
	exits(REASON_CPUID);
	cr_expect_eq(model.cpu[0].rip, OTHER_RIP + 2, "it goes on");
	cr_expect_eq(model.cpu[0].regs.rbx, OTHER_RAX, "its own handler has answered");
	exits(REASON_VMCALL);
	cr_expect_eq(result, 0);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 2, "the host, over its own two");
	cr_expect_eq(model.cpu[0].regs.rbx, 77);
	run(go);
	cr_expect_eq(model.cpu[0].rip, OTHER_RIP + 4, "it is resumed where it was");
	exits(REASON_VMCALL);
	cr_expect_eq(beside->exits[PLINTH_EXIT_CPUID], 1, "each guest has its own counters");
	cr_expect_eq(beside->exits[PLINTH_EXIT_HYPERCALL], 2);
	cr_expect_eq(host_cpuids(), 0);
	root_expect_clean();
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(beside->cpu, NULL, "a CPU that leaves holds nobody's state");
	cr_assert_eq(root_call(unmake, 0, 0), 0);
	cr_expect_eq(machine_unload(), 0);
	root_expect_clean();
}

/* Registers of a vCPU are the hardware's: of one that is not current nothing is read, and nothing written. */
static enum exit_action look_at_the_other(struct vcpu *vcpu)
{
	uint64_t value = 5;

	seen[0] = vcpu_read(vcpu, VCPU_RIP);
	seen[1] = vcpu_read(beside, VCPU_RIP);
	seen[2] = (uint64_t)vcpu_write(beside, VCPU_RIP, 1);
	result = vcpu_write_msr(beside, MSR_IA32_FS_BASE, 1);
	seen[3] = (uint64_t)vcpu_read_msr(beside, MSR_IA32_FS_BASE, &value);
	return value == 5 ? EXIT_NEXT : EXIT_FATAL;
}

Test(vcpu_switch, one_that_is_not_current_is_left_alone, .init = up)
{
	start_other();
	exits(REASON_VMCALL);
	run(look_at_the_other);
	cr_expect_eq(seen[0], ROOT_RIP + 2);
	cr_expect_eq(seen[1], 0);
	cr_expect_eq((int64_t)seen[2], PLINTH_E_STATE);
	cr_expect_eq(result, PLINTH_E_STATE);
	cr_expect_eq((int64_t)seen[3], PLINTH_E_STATE);
	run(go);
	cr_expect_eq(model.cpu[0].rip, OTHER_RIP + 2);
	root_expect_clean();
}

Test(vcpu_switch, a_state_is_held_by_one_cpu, .init = up)
{
	run(go);
	cr_expect_eq(result, PLINTH_E_STATE, "nobody holds it");
	run(unload);
	cr_expect_eq(result, PLINTH_E_STATE);
	run(load);
	cr_assert_eq(result, 0);
	run(load);
	cr_expect_eq(result, PLINTH_E_STATE, "this CPU does already");
	run(go);
	exits(REASON_VMCALL);
	run(unload);
	cr_expect_eq(result, 0);
	run(go);
	cr_expect_eq(result, PLINTH_E_STATE);
	run(load_again);
	cr_assert_eq(result, 0);
	run(go);
	cr_expect_eq(model.cpu[0].rip, OTHER_RIP + 2, "nothing was lost");
	exits(REASON_VMCALL);
	root_expect_clean();
}

/* -- what arrives meanwhile ------------------------------------------------------------------------ */

static enum exit_action nmi_in_root_mode(struct vcpu *vcpu)
{
	event_nmi(vcpu);
	return EXIT_RETRY;
}

/* It is the CPU's, so the host's: the other guest comes back for it, and never sees it. */
Test(vcpu_switch, an_nmi_is_the_hosts, .init = up)
{
	start_other();
	other.recording[PLINTH_EXIT_CPUID] = nmi_in_root_mode;
	exits(REASON_CPUID);
	cr_expect_eq(model.cpu[0].rip, OTHER_RIP, "the other guest goes on");
	root_expect_event(0);
	cr_assert(model_timer_runs(0));
	exits(REASON_TIMER);
	cr_expect_eq(kinds_seen[PLINTH_EXIT_TIMER], 1);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 2, "the host is current");
	root_timer_exit();
	root_expect_event(NMI_INFO);
	cr_expect_eq(model.cpu[0].nmis_delivered, 1);
	model.cpu[0].interruptibility = 0;
	run(go);
	cr_expect_eq(model.cpu[0].rip, OTHER_RIP);
	root_expect_event(0);
	cr_expect_not(model_timer_runs(0));
	root_expect_clean();
}

/* -- what fails ---------------------------------------------------------------------------------------- */

/* The hardware refuses a state by an exit: whoever made it hears of it, and the host goes on. */
Test(vcpu_switch, a_state_that_cannot_be_entered, .init = up)
{
	run(load_a_state_that_is_none);
	cr_assert_eq(result, 0);
	run(go);
	cr_expect_eq(kinds_seen[PLINTH_EXIT_ENTRY_FAILURE], 1);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 2, "the host goes on");
	exits(REASON_CPUID);
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
}

/* A handler that knows no answer is the end of the VMM on this CPU; the host has it back as it was. */
Test(vcpu_switch, a_crash_gives_the_cpu_back_to_the_host, .init = up)
{
	static const struct model_exit hlt = {.reason = 12, .length = 1};

	model.cpu[0].regs.rbx = 77;
	start_other();
	cr_expect_eq(model_exit(0, &hlt), MODEL_BACK);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 2);
	cr_expect_eq(model.cpu[0].regs.rbx, 77);
	cr_expect_eq(root_state(), PLINTH_CPU_DEAD);
	cr_expect(ROOT_REPORTED("hlt", "0xc"), "the report names the exit");
}

/* -- any call of the hardware's that fails ------------------------------------------------------ */

#define SWITCHES_BACK 1u /* a load's last call, with an address that was good before */

static uint32_t calls_of(vcpu_exit_fn *handler)
{
	model_arm(0, 0);
	run(handler);
	cr_assert_eq(result, 0);
	return model_faults_seen();
}

/* What is held is what was, and the host goes on. */
static void fail_each_of(vcpu_exit_fn *loads)
{
	const uint32_t calls = calls_of(loads) - SWITCHES_BACK;

	cr_assert_gt(calls, 2);
	for (uint32_t n = 1; n <= calls; n++) {
		run(unload);
		cr_assert_eq(result, 0, "call %u", n);
		model_arm(n, 0);
		run(loads);
		cr_expect_eq(model_disarm(), 1, "call %u", n);
		cr_expect_eq(result, PLINTH_E_VIRT, "call %u: %s", n, model_fault_name());
		cr_expect_eq(beside->cpu, NULL, "call %u", n);
		run(go);
		cr_expect_eq(result, PLINTH_E_STATE, "call %u", n);
		run(loads);
		cr_assert_eq(result, 0, "call %u: it was only that once", n);
	}
}

Test(vcpu_switch, a_load_that_fails_at_any_call, .init = up)
{
	fail_each_of(load);
	run(go);
	cr_expect_eq(model.cpu[0].rip, OTHER_RIP);
	exits(REASON_VMCALL);
	cr_expect_eq(result, 0);
	run(unload);
	fail_each_of(load_again);
	run(go);
	cr_expect_eq(model.cpu[0].rip, OTHER_RIP + 2);
	exits(REASON_VMCALL);
	root_expect_clean();
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
}

/* The switch itself, then the first entry: the host goes on, the next time it is done. */
Test(vcpu_switch, an_entry_that_fails, .init = up)
{
	run(load);
	for (uint32_t n = 1; n <= 2; n++) {
		const uint64_t rip = model.cpu[0].rip;

		model_arm(n, 0);
		run(go);
		cr_expect_eq(model_disarm(), 1);
		cr_expect_eq(kinds_seen[PLINTH_EXIT_ENTRY_FAILURE], n, "%s", model_fault_name());
		cr_expect_eq(beside->exits[PLINTH_EXIT_ENTRY_FAILURE], n);
		cr_expect_eq(model.cpu[0].rip, rip + 1, "the host goes on");
	}
	run(go);
	cr_expect_eq(model.cpu[0].rip, OTHER_RIP);
	exits(REASON_VMCALL);
	root_expect_clean();
}

static enum exit_action ask_for_what_none_has(struct vcpu *vcpu)
{
	(void)vcpu;
	vmcs_write(VMCS_CR3_TARGET_COUNT, 77);
	return EXIT_NEXT;
}

Test(vcpu_switch, one_that_cannot_be_resumed, .init = up)
{
	start_other();
	other.recording[PLINTH_EXIT_CPUID] = ask_for_what_none_has;
	exits(REASON_CPUID);
	cr_expect_eq(kinds_seen[PLINTH_EXIT_ENTRY_FAILURE], 1);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 2, "the host goes on");
	run(unload);
	cr_expect_eq(result, 0);
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
}
