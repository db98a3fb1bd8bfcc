/* SPDX-License-Identifier: MIT */
/* When the VMM dies: the report says what there is to say, and the CPU goes back or halts. */
#include <string.h>

#include "drivers/common/internal.h"
#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define PAGE 4096ull

/* What a test's fault looks like. */
static struct {
	uint64_t vector, error, cr2;
	enum { FRAMES_NONE, FRAMES_OWN, FRAMES_RECURSION, FRAMES_DEEP, FRAMES_SHORT, FRAMES_ODD } frames;
	uint32_t in_fault;
	bool vmx_off, below_stack;
} order;

static uint64_t root_stack_bottom(const struct vcpu *vcpu)
{
	return (((uint64_t)(vcpu + 1) + PAGE - 1) & ~(PAGE - 1)) - PLINTH_ROOT_STACK_PAGES * PAGE;
}

#define FRAMES 24

static uint64_t frame_pointer(uint64_t *frames)
{
	for (unsigned int i = 0; i < FRAMES; i++) {
		frames[2 * i] = (uint64_t)&frames[2 * i + 2];
		frames[2 * i + 1] = order.frames == FRAMES_RECURSION ? 0x7001 : 0x9001 + i;
	}
	frames[2 * FRAMES - 2] = order.frames == FRAMES_RECURSION ? (uint64_t)frames : 0;
	switch (order.frames) {
	case FRAMES_OWN: return (uint64_t)__builtin_frame_address(0);
	case FRAMES_RECURSION:
	case FRAMES_DEEP: return (uint64_t)frames;
	case FRAMES_SHORT: return (uint64_t)&frames[2 * FRAMES - 4];
	case FRAMES_ODD: return (uint64_t)frames + 4;
	default: return 0;
	}
}

static enum exit_action fault(struct vcpu *vcpu)
{
	uint64_t frames[2 * FRAMES];
	struct cpu_fault f = {.vector = order.vector,
			      .error = order.error,
			      .rip = 0x5555,
			      .regs.rbp = frame_pointer(frames),
			      .regs.r12 = 0xabcdef};

	cpu_write_cr2(order.below_stack ? root_stack_bottom(vcpu) - 8 : order.cr2);
	vcpu->cpu->local.in_fault = order.in_fault;
	if (order.vmx_off)
		vcpu->cpu->priv->loaded = false;
	fault_arrived(&f);
	return EXIT_NEXT;
}

static void expect(enum model_end end, const char *const *texts)
{
	cr_expect_eq(root_run(fault, (struct model_exit){.length = 1}), end);
	for (; *texts; texts++)
		cr_expect(root_logged(*texts), "no \"%s\" in the log", *texts);
}

#define EXPECT(end, ...) expect(end, (const char *const[]){__VA_ARGS__, NULL})

Test(vcpu_crash, names_the_exception, .init = root_usual)
{
	order.vector = VECTOR_GP;
	order.error = 0x18;
	EXPECT(MODEL_BACK, "crash report of CPU 0: exception in root mode",
	       "general protection (#GP), vector 13, error code 0x18", "handling exit hlt",
	       "guest registers:", "RIP 0x5555", "R12 0x0000000000abcdef", "stacks, deepest: root ",
	       "is given back to the operating system");
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP, "as if the exit had not been");
	cr_expect_eq(model.back.land, MACHINE_LAND);
	root_expect_clean();
}

Test(vcpu_crash, a_vector_without_a_name, .init = root_usual)
{
	order.vector = 9;
	EXPECT(MODEL_BACK, "reserved exception, vector 9");
}

Test(vcpu_crash, a_vector_that_no_exception_has, .init = root_usual)
{
	order.vector = 77;
	EXPECT(MODEL_BACK, "reserved exception, vector 77");
}

Test(vcpu_crash, page_faults)
{
	static const struct {
		uint64_t error;
		const char *text;
	} cases[] = {
		{0, "read of 0x1234000, where nothing is mapped"},
		{1, "read of 0x1234000, which forbids it"},
		{3, "write of 0x1234000, which forbids it"},
		{16, "execution of 0x1234000, where nothing is mapped"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		root_usual();
		order.vector = VECTOR_PF;
		order.cr2 = 0x1234000;
		order.error = cases[i].error;
		EXPECT(MODEL_BACK, "page fault (#PF)", cases[i].text);
	}
}

/* An address above all stacks is no overflow of one. */
Test(vcpu_crash, a_page_fault_above_the_stacks, .init = root_usual)
{
	order.vector = VECTOR_PF;
	order.cr2 = 0xffff888000001000;
	EXPECT(MODEL_BACK, "read of 0xffff888000001000");
	cr_expect(!root_logged("stack overflow"));
}

Test(vcpu_crash, a_stack_that_was_too_small, .init = root_usual)
{
	order.vector = VECTOR_PF;
	order.error = 2;
	order.below_stack = true;
	EXPECT(MODEL_BACK, "stack overflow: the guard page below the root stack");
	cr_expect(!root_logged("guard page below the NMI stack"));
}

/* -- the backtrace ----------------------------------------------------------------------- */

Test(vcpu_crash, a_function_that_calls_itself_is_one_line, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.frames = FRAMES_RECURSION;
	EXPECT(MODEL_BACK, "backtrace:", "0x7000", "... and again");
}

Test(vcpu_crash, a_deep_backtrace_ends, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.frames = FRAMES_DEEP;
	EXPECT(MODEL_BACK, "0x9000", "0x900f");
	cr_expect(!root_logged("0x9010"), "the seventeenth line");
}

/* The last frame has none above it. */
Test(vcpu_crash, a_short_backtrace_ends, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.frames = FRAMES_SHORT;
	EXPECT(MODEL_BACK, "0x9016", "0x9017");
	cr_expect(!root_logged("0x9015"));
}

/* Whatever RBP held: nothing but this CPU's stacks is read. */
Test(vcpu_crash, a_frame_pointer_that_is_none, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.frames = FRAMES_ODD;
	EXPECT(MODEL_BACK, "backtrace:");
	cr_expect(!root_logged("0x9000"));
}

Test(vcpu_crash, its_own_frames, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.frames = FRAMES_OWN;
	EXPECT(MODEL_BACK, "backtrace:");
}

/* -- the history ------------------------------------------------------------------------- */

static const struct model_exit cpuid = {.reason = 10, .length = 2};
static const struct model_exit invd = {.reason = 13, .length = 2};

Test(vcpu_crash, the_exits_before, .init = root_usual)
{
	for (unsigned int i = 0; i < 3; i++)
		cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	cr_assert_eq(model_exit(0, &invd), MODEL_GUEST);
	for (unsigned int i = 0; i < 2; i++)
		cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	order.vector = VECTOR_UD;
	EXPECT(MODEL_BACK, "exits before, newest first:", "2 x cpuid", "invd", "3 x cpuid");
}

Test(vcpu_crash, of_a_long_history_the_end, .init = root_usual)
{
	cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	for (unsigned int i = 0; i < HISTORY_ROWS; i++)
		cr_assert_eq(model_exit(0, &invd), MODEL_GUEST);
	order.vector = VECTOR_UD;
	EXPECT(MODEL_BACK, "invd");
	cr_expect(!root_logged("1 x cpuid"), "nobody knows when that was");
}

/* -- CPUs that cannot go back ----------------------------------------------------------------- */

Test(vcpu_crash, a_second_fault_halts, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.in_fault = 1;
	EXPECT(MODEL_HALTED, "cannot be given back (another fault while the first was reported)");
	cr_expect(!root_logged("crash report"), "one report");
}

Test(vcpu_crash, a_guest_on_a_users_stack, .init = root_usual)
{
	order.vector = VECTOR_UD;
	model.cpu[0].rsp = 0x7ffe12345678;
	EXPECT(MODEL_HALTED, "the guest is not on its kernel's stack");
}

/* Neither the kernel nor a user: nobody knows the way back. */
Test(vcpu_crash, a_guest_at_privilege_level_1, .init = root_usual)
{
	order.vector = VECTOR_UD;
	model.cpu[0].st.seg[MODEL_SS].rights |= 1u << 5;
	EXPECT(MODEL_HALTED, "the guest is not on its kernel's stack");
}

Test(vcpu_crash, a_kernel_on_a_users_tables, .init = root_usual)
{
	order.vector = VECTOR_UD;
	model.cpu[0].st.cr3 |= MACHINE_USER_CR3;
	EXPECT(MODEL_HALTED, "the guest's kernel is not on its own page tables");
}

/* The way back has returns that were called on no shadow stack of the guest's. */
Test(vcpu_crash, a_kernel_on_a_shadow_stack)
{
	struct model_kind kind = model_kinds[0];

	kind.cr4 |= CR4_CET;
	kind.cr4_extra = CR4_CET;
	root_up(&kind);
	model.cpu[0].st.msr[MODEL_MSR_S_CET] = 1;
	order.vector = VECTOR_UD;
	EXPECT(MODEL_HALTED, "the guest's kernel runs on a shadow stack");
}

Test(vcpu_crash, vmx_is_off_already, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.vmx_off = true;
	EXPECT(MODEL_HALTED, "it runs no guest any more");
}

static enum exit_action fault_while_nobody_can_speak(struct vcpu *vcpu)
{
	model.uart_faults = true;
	return fault(vcpu);
}

/*
 * The first word of the report faults, and the first of the last words: after that there are none, and the
 * CPU is silent.
 */
Test(vcpu_crash, a_log_that_faults)
{
	root_loaded_with_uart(&model_kinds[0], 1);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	model.cpu[0].rip = ROOT_RIP;
	model.cpu[0].rsp = model_high((uint64_t)&root_kernel_stack[60]);
	order.vector = VECTOR_UD;
	cr_expect_eq(root_run(fault_while_nobody_can_speak, (struct model_exit){.length = 1}), MODEL_HALTED);
	cr_expect_eq(plinth_shared_cpu(core_shared_region(machine.core), 0)->state, PLINTH_CPU_HALTED);
	cr_expect_eq(model.uart_raised, 2, "%u faults", model.uart_raised);
	root_expect_clean();
}

/* A fault while a CPU that cannot be given back says so; its neighbour must see that before any word. */
Test(vcpu_crash, last_words_that_fault)
{
	root_loaded_with_uart(&model_kinds[0], 1);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	order.vector = VECTOR_UD;
	order.in_fault = 1;
	cr_expect_eq(root_run(fault_while_nobody_can_speak, (struct model_exit){.length = 1}), MODEL_HALTED);
	cr_expect_eq(plinth_shared_cpu(core_shared_region(machine.core), 0)->state, PLINTH_CPU_HALTED);
	cr_expect_eq(model.uart_raised, 1, "%u faults", model.uart_raised);
	root_expect_clean();
}

/* -- entries that fail -------------------------------------------------------------------------- */

static enum exit_action bad_control(struct vcpu *vcpu)
{
	(void)vcpu;
	vmcs_write(VMCS_CR3_TARGET_COUNT, 77);
	return EXIT_NEXT;
}

static enum exit_action bad_guest(struct vcpu *vcpu)
{
	(void)vcpu;
	vmcs_write(VMCS_GUEST_ACTIVITY, 9);
	return EXIT_NEXT;
}

static enum exit_action no_vmcs(struct vcpu *vcpu)
{
	(void)!cpu_vmclear(vcpu->vendor->vmcs_pa);
	return EXIT_RETRY;
}

Test(vcpu_crash, vmresume_refuses_the_controls, .init = root_usual)
{
	cr_assert_eq(root_run(bad_control, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect(root_logged("the CPU refused to go on with the guest"));
	cr_expect(root_logged("VM-instruction error 7"));
	cr_expect(root_logged("CR3_TARGET_COUNT"), "and the rule that was broken");
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 1, "the instruction had been done");
}

/* The rules want the capabilities of this CPU, which not every one has in the exact form. */
Test(vcpu_crash, vmresume_refuses_the_controls_of_an_old_cpu)
{
	for (unsigned int i = 0; i < model_n_kinds; i++)
		if (!strcmp(model_kinds[i].name, "no-true-controls"))
			root_up(&model_kinds[i]);
	cr_assert_eq(root_run(bad_control, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect(root_logged("CR3_TARGET_COUNT"));
	cr_expect(!root_logged("controls: reserved bits"));
}

static enum exit_action bad_control_and_no_check(struct vcpu *vcpu)
{
	vendor_register_entry_check(NULL);
	return bad_control(vcpu);
}

/* Without the module that knows the rules the report is the same but for them. */
Test(vcpu_crash, nobody_knows_the_rules, .init = root_usual)
{
	cr_assert_eq(root_run(bad_control_and_no_check, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect(root_logged("VM-instruction error 7"));
	cr_expect(!root_logged("CR3-target count"));
}

Test(vcpu_crash, the_guests_state_is_refused, .init = root_usual)
{
	cr_assert_eq(root_run(bad_guest, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect(root_logged("the CPU refused the guest's state"));
	cr_expect(root_logged("GUEST_ACTIVITY"), "and the rule that was broken");
}

Test(vcpu_crash, vmresume_without_a_vmcs, .init = root_usual)
{
	cr_assert_eq(root_run(no_vmcs, (struct model_exit){0}), MODEL_HALTED);
	cr_expect(root_logged("no VMCS is current"));
}
