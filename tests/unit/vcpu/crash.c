/* SPDX-License-Identifier: MIT */
/* When the VMM dies: the report says what there is to say, and the CPU goes back or halts. */
#include <string.h>

#include "drivers/common/internal.h"
#include "lib/exit_kind.h"
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

/* Where it was. */
static uint64_t fault_stack_bottom, fault_caller;

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

	fault_stack_bottom = root_stack_bottom(vcpu);
	fault_caller = (uint64_t)__builtin_return_address(0);
	cpu_write_cr2(order.below_stack ? root_stack_bottom(vcpu) - 8 : order.cr2);
	vcpu->cpu->local.in_fault = order.in_fault;
	if (order.vmx_off)
		vcpu->cpu->priv->loaded = false;
	fault_arrived(&f);
	return EXIT_NEXT;
}

/* The VMM dies, and the CPU goes back or halts; and there is a report. */
static void crash_ends(enum model_end end)
{
	cr_expect_eq(root_run(fault, (struct model_exit){.length = 1}), end);
	cr_expect_eq(root_state(), end == MODEL_HALTED ? PLINTH_CPU_HALTED : PLINTH_CPU_DEAD);
	cr_expect(ROOT_REPORTED("CPU 0"));
}

/* How many lines the report of such a crash has. */
static uint32_t lines_reported(void)
{
	root_usual();
	crash_ends(MODEL_BACK);
	return ROOT_REPORTED(NULL);
}

Test(vcpu_crash, names_the_exception, .init = root_usual)
{
	order.vector = VECTOR_GP;
	order.error = 0x18;
	model.cpu[0].regs.rbx = 0x1234567890123456;
	crash_ends(MODEL_BACK);
	cr_expect(ROOT_REPORTED("#GP", "vector", "13", "0x18"));
	cr_expect(ROOT_REPORTED(exit_kind_name(PLINTH_EXIT_HLT), "0xc", "RIP", fact_hex(ROOT_RIP)),
		  "whose exit it was");
	cr_expect(ROOT_REPORTED("RIP", "0x5555"));
	cr_expect(ROOT_REPORTED("R12", "0x0000000000abcdef"), "root mode's registers");
	cr_expect(ROOT_REPORTED("RBX", "0x1234567890123456"), "and the guest's");
	cr_expect(ROOT_REPORTED("root", fact_decimal(PLINTH_ROOT_STACK_PAGES * PAGE), "NMI"), "the stacks");
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP, "as if the exit had not been");
	cr_expect_eq(model.back.land, MACHINE_LAND);
	root_expect_clean();
}

Test(vcpu_crash, a_vector_without_a_name, .init = root_usual)
{
	order.vector = 9;
	crash_ends(MODEL_BACK);
	cr_expect(ROOT_REPORTED("vector", "9"));
}

Test(vcpu_crash, a_vector_that_no_exception_has, .init = root_usual)
{
	order.vector = 77;
	crash_ends(MODEL_BACK);
	cr_expect(ROOT_REPORTED("vector", "77"));
}

Test(vcpu_crash, page_faults)
{
	static const struct {
		uint64_t error;
		const char *access;
		bool mapped;
	} cases[] = {
		{0, "read", false},
		{1, "read", true},
		{3, "write", true},
		{16, "execution", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		root_usual();
		order.vector = VECTOR_PF;
		order.cr2 = 0x1234000;
		order.error = cases[i].error;
		crash_ends(MODEL_BACK);
		cr_expect(ROOT_REPORTED("#PF", "vector", "14", fact_hex(cases[i].error)), "%zu", i);
		cr_expect_eq(ROOT_REPORTED(cases[i].access, "0x1234000"), 1, "%zu", i);
		cr_expect_eq(ROOT_REPORTED("mapped", "0x1234000"), !cases[i].mapped, "%zu", i);
	}
}

/* An address above all stacks is no overflow of one. */
Test(vcpu_crash, a_page_fault_above_the_stacks, .init = root_usual)
{
	order.vector = VECTOR_PF;
	order.cr2 = 0xffff888000001000;
	crash_ends(MODEL_BACK);
	cr_expect(ROOT_REPORTED("read", "0xffff888000001000"));
	cr_expect_eq(ROOT_REPORTED(fact_hex(fault_stack_bottom)), 0);
}

/* The stack that it is is named, and no other: one line more than another page fault has. */
Test(vcpu_crash, a_stack_that_was_too_small)
{
	uint32_t other;

	order.vector = VECTOR_PF;
	order.error = 2;
	order.cr2 = 0xffff888000001000;
	other = lines_reported();
	order.below_stack = true;
	cr_expect_eq(lines_reported(), other + 1);
	cr_expect(ROOT_REPORTED("root", fact_hex(fault_stack_bottom)));
}

/* -- the backtrace ----------------------------------------------------------------------- */

/* And a line that says that there are more of it. */
Test(vcpu_crash, a_function_that_calls_itself_is_one_line)
{
	uint32_t without;

	order.vector = VECTOR_UD;
	without = lines_reported();
	order.frames = FRAMES_RECURSION;
	cr_expect_eq(lines_reported(), without + 2);
	cr_expect_eq(ROOT_REPORTED("0x7000"), 1);
}

Test(vcpu_crash, a_deep_backtrace_ends, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.frames = FRAMES_DEEP;
	crash_ends(MODEL_BACK);
	cr_expect(ROOT_REPORTED("0x9000"));
	cr_expect(ROOT_REPORTED("0x900f"));
	cr_expect_not(ROOT_REPORTED("0x9010"), "the seventeenth line");
}

/* The last frame has none above it. */
Test(vcpu_crash, a_short_backtrace_ends, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.frames = FRAMES_SHORT;
	crash_ends(MODEL_BACK);
	cr_expect(ROOT_REPORTED("0x9016"));
	cr_expect(ROOT_REPORTED("0x9017"));
	cr_expect_not(ROOT_REPORTED("0x9015"));
}

/* Whatever RBP held: nothing but this CPU's stacks is read. */
Test(vcpu_crash, a_frame_pointer_that_is_none, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.frames = FRAMES_ODD;
	crash_ends(MODEL_BACK);
	cr_expect(ROOT_REPORTED("0x5555"));
	cr_expect_not(ROOT_REPORTED("0x9000"));
}

Test(vcpu_crash, its_own_frames, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.frames = FRAMES_OWN;
	crash_ends(MODEL_BACK);
	cr_expect(ROOT_REPORTED(fact_hex(fault_caller - 1)));
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
	crash_ends(MODEL_BACK);
	cr_expect_eq(ROOT_REPORTED("cpuid", "2"), 1);
	cr_expect_eq(ROOT_REPORTED("invd"), 1);
	cr_expect_eq(ROOT_REPORTED("cpuid", "3"), 1);
}

Test(vcpu_crash, of_a_long_history_the_end, .init = root_usual)
{
	cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	for (unsigned int i = 0; i < HISTORY_ROWS; i++)
		cr_assert_eq(model_exit(0, &invd), MODEL_GUEST);
	order.vector = VECTOR_UD;
	crash_ends(MODEL_BACK);
	cr_expect_eq(ROOT_REPORTED("invd"), HISTORY_ROWS - 1, "and the exit that it died of");
	cr_expect_eq(ROOT_REPORTED("cpuid"), 0, "nobody knows when that was");
}

/* -- CPUs that cannot go back ----------------------------------------------------------------- */

/* One report: of the second there is a line. */
Test(vcpu_crash, a_second_fault_halts, .init = root_usual)
{
	order.vector = VECTOR_UD;
	order.in_fault = 1;
	crash_ends(MODEL_HALTED);
	cr_expect_eq(ROOT_REPORTED(NULL), 1);
}

static void on_a_users_stack(void)
{
	root_usual();
	model.cpu[0].rsp = 0x7ffe12345678;
}

/* Neither the kernel nor a user: nobody knows the way back. */
static void at_privilege_level_1(void)
{
	root_usual();
	model.cpu[0].st.seg[MODEL_SS].rights |= 1u << 5;
}

static void on_a_users_tables(void)
{
	root_usual();
	model.cpu[0].st.cr3 |= MACHINE_USER_CR3;
}

/* The way back has returns that were called on no shadow stack of the guest's. */
static void on_a_shadow_stack(void)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.cr4 |= CR4_CET;
	kind.cr4_extra = CR4_CET;
	root_up(&kind);
	model.cpu[0].st.msr[MODEL_MSR_S_CET] = 1;
}

static void out_of_vmx(void)
{
	root_usual();
	order.vmx_off = true;
}

/* The CPU is not given back. Return: how the last line puts it. */
static const char *stays(void)
{
	const struct plinth_shared_cpu *cpu = plinth_shared_cpu(core_shared_region(machine.core), 0);

	order.vector = VECTOR_UD;
	crash_ends(MODEL_HALTED);
	return cpu->log[(cpu->log_head - 1) % PLINTH_LOG_RECORDS].text;
}

Test(vcpu_crash, a_guest_on_a_users_stack, .init = on_a_users_stack)
{
	stays();
}

Test(vcpu_crash, a_guest_at_privilege_level_1, .init = at_privilege_level_1)
{
	stays();
}

Test(vcpu_crash, a_kernel_on_a_users_tables, .init = on_a_users_tables)
{
	stays();
}

Test(vcpu_crash, a_kernel_on_a_shadow_stack, .init = on_a_shadow_stack)
{
	stays();
}

Test(vcpu_crash, vmx_is_off_already, .init = out_of_vmx)
{
	stays();
}

/* Which of them it is, however it is put; the first two are one. */
Test(vcpu_crash, each_says_why_it_stays)
{
	static void (*const power_on[])(void) = {on_a_users_stack, at_privilege_level_1, on_a_users_tables,
						 on_a_shadow_stack, out_of_vmx};
	static char why[sizeof(power_on) / sizeof(power_on[0])][PLINTH_LOG_TEXT];

	for (size_t i = 0; i < sizeof(power_on) / sizeof(power_on[0]); i++) {
		power_on[i]();
		strcpy(why[i], stays());
		cr_expect(facts_in(why[i], FACTS("CPU 0")), "%s", why[i]);
		for (size_t k = 0; k < i; k++)
			cr_expect_eq(!strcmp(why[i], why[k]), i == 1, "%zu, %zu: %s", i, k, why[i]);
	}
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
	cr_expect_eq(root_state(), PLINTH_CPU_HALTED);
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
	cr_expect_eq(root_state(), PLINTH_CPU_HALTED);
	cr_expect_eq(model.uart_raised, 1, "%u faults", model.uart_raised);
	root_expect_clean();
}
