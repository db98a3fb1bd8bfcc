/* SPDX-License-Identifier: MIT */
/* Hypercalls of an extension: who may make which, and that all others are undefined instructions. */
#include "sweep.h"

#include "extension.h"
#include "model/internal.h"

#define INFO_UD 0x80000306u
#define RIP	0xffffffff81234567ull

static void put_caller(const struct model_cpu *pristine, unsigned int cpl)
{
	struct model_cpu *cpu = &model.cpu[0];

	*cpu = *pristine;
	cpu->rip = RIP;
	cpu->st.seg[MODEL_CS].selector = cpl ? 0x33 : 0x10;
	cpu->st.seg[MODEL_CS].rights = cpl ? 0xa0fb : 0xa09b;
	cpu->st.seg[MODEL_SS].selector = cpl ? 0x2b : 0x18;
	cpu->st.seg[MODEL_SS].rights = cpl ? 0xc0f3 : 0xc093;
}

static void call_extension(const struct model_cpu *pristine, uint64_t number, unsigned int cpl, bool answered)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	const struct model_cpu *cpu = &model.cpu[0];

	sweep_label("hypercall 0x%llx at privilege level %u", (unsigned long long)number, cpl);
	sweep_count();
	put_caller(pristine, cpl);
	model.cpu[0].regs.rax = number;
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST, "%s", sweep_case());
	cr_expect_eq(cpu->event.info, answered ? 0 : INFO_UD, "%s: event 0x%x", sweep_case(),
		     cpu->event.info);
	cr_expect_eq(cpu->rip, answered ? RIP + HYPERCALL_BYTES : RIP, "%s: RIP", sweep_case());
	cr_expect_eq(cpu->regs.rax, answered ? number ^ EXTENSION_ANSWER : number, "%s: RAX", sweep_case());
	sweep_expect_clean();
}

Test(calls, only_whom_they_are_for)
{
	struct model_cpu pristine;

	machine_reset(&model_kinds[0], 1);
	machine_add("extension");
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	pristine = model.cpu[0];
	for (unsigned int i = 0; i <= EXTENSION_MORE + 1; i++) {
		bool there = i <= EXTENSION_MORE;

		call_extension(&pristine, EXTENSION_KERNEL + i, 0, there);
		call_extension(&pristine, EXTENSION_KERNEL + i, 3, false);
		call_extension(&pristine, EXTENSION_ANYBODY + i, 0, there);
		call_extension(&pristine, EXTENSION_ANYBODY + i, 3, there);
	}
	call_extension(&pristine, EXTENSION_KERNEL - 1, 0, false);
	call_extension(&pristine, PLINTH_HYPERCALL_STOP, 3, false);
	put_caller(&pristine, 0);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_report("hypercalls of an extension");
}
