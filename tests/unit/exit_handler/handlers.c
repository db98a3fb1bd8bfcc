/* SPDX-License-Identifier: MIT */
/* What extensions take over, and the exits that depend on what the kernel has switched on. */
#include <plinth/exit_handler.h>

#include "root/root.h"

#define INFO_GP 0x80000b0du
#define INFO_UD 0x80000306u

static const struct model_exit cpuid = {.reason = 10, .length = 2};
static const struct model_exit getsec = {.reason = 11, .length = 2};
static const struct model_exit vmcall = {.reason = 18, .length = 3};

static enum exit_action answer(struct vcpu *vcpu, void *context)
{
	vcpu->regs.rbx = (uint64_t)context;
	return EXIT_NEXT;
}

/* -- ranges ------------------------------------------------------------------------------ */

static int take_leaves(uint64_t first, uint64_t last)
{
	return exit_register_cpuid((uint32_t)first, (uint32_t)last, answer, (void *)0x1234);
}

static int take_calls(uint64_t first, uint64_t last)
{
	return exit_register_hypercall(first, last, EXIT_CALLER_ANYBODY, answer, (void *)0x5678);
}

static uint64_t ebx_of(uint32_t leaf)
{
	struct model_cpu *cpu = &model.cpu[0];

	cpu->regs = (struct vcpu_regs){.rax = leaf};
	cpu->rip = ROOT_RIP;
	cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	cr_expect_eq(cpu->rip, ROOT_RIP + 2);
	return cpu->regs.rbx;
}

Test(handlers, cpuid_leaves_of_an_extension)
{
	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(root_call(take_leaves, 0x40000010, 0x4000001f), 0);
	cr_expect_eq(root_call(take_leaves, 0x16, 0x16), 0, "an even one of the hardware's");
	cr_expect_eq(root_call(take_leaves, 0x4000001f, 0x40000020), PLINTH_E_BUSY);
	cr_expect_eq(root_call(take_leaves, 9, 8), PLINTH_E_INVAL);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(ebx_of(0x40000010), 0x1234);
	cr_expect_eq(ebx_of(0x4000001f), 0x1234);
	cr_expect_eq(ebx_of(0x16), 0x1234);
	cr_expect_neq(ebx_of(0x40000020), 0x1234);
	cr_expect_eq(ebx_of(0), 0x756e6547, "the hardware's");
	cr_expect_eq(ebx_of(0x40000000), 0x6e696c50, "our own");
	cr_expect_eq(exit_unregister_cpuid(0x40000011), PLINTH_E_INVAL, "not its first leaf");
	cr_expect_eq(exit_unregister_cpuid(0x40000010), 0);
	cr_expect_neq(ebx_of(0x40000010), 0x1234);
	root_expect_clean();
}

Test(handlers, hypercalls_of_an_extension)
{
	struct model_cpu *cpu = &model.cpu[0];

	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(root_call(take_calls, 100, 200), 0);
	cr_expect_eq(root_call(take_calls, 200, 300), PLINTH_E_BUSY);
	cr_expect_eq(exit_register_hypercall(500, 500, (enum exit_caller)7, answer, NULL), PLINTH_E_INVAL);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cpu->rip = ROOT_RIP;
	cpu->regs = (struct vcpu_regs){.rax = 150};
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST);
	cr_expect_eq(cpu->regs.rbx, 0x5678);
	cr_expect_eq(cpu->rip, ROOT_RIP + 3);
	cr_expect_eq(exit_unregister_hypercall(100), 0);
	cr_expect_eq(exit_unregister_hypercall(100), PLINTH_E_INVAL);
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST);
	cr_expect_eq(cpu->event.info, INFO_UD);
	root_expect_clean();
}

Test(handlers, kinds_that_do_not_exist)
{
	vcpu_exit_fn *previous = NULL;

	cr_expect_eq(exit_register_kind(PLINTH_EXIT_KINDS, exit_handlers()[0], &previous), PLINTH_E_INVAL);
	cr_expect_eq(exit_register_kind(PLINTH_EXIT_HLT, NULL, &previous), PLINTH_E_INVAL);
	cr_expect_null(previous);
}

/* -- what the kernel has switched on ---------------------------------------------------------- */

static void up_with_cr4(uint64_t bits)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.caps.cr4_fixed1 |= bits;
	kind.cr4_extra = bits;
	root_up(&kind);
}

/* SDM, "GETSEC[CAPABILITIES]": undefined without CR4.SMXE; with it no leaf but 0, and in that nothing. */
Test(handlers, getsec)
{
	struct model_cpu *cpu = &model.cpu[0];

	up_with_cr4(CR4_SMXE);
	cpu->regs.rax = 0xffffffff00000000;
	cr_assert_eq(model_exit(0, &getsec), MODEL_GUEST);
	cr_expect_eq(cpu->regs.rax, 0);
	cr_expect_eq(cpu->rip, ROOT_RIP + 2);
	cpu->regs.rax = 1;
	cr_assert_eq(model_exit(0, &getsec), MODEL_GUEST);
	cr_expect_eq(cpu->event.info, INFO_UD);
	root_usual();
	cpu->regs.rax = 0;
	cr_assert_eq(model_exit(0, &getsec), MODEL_GUEST);
	cr_expect_eq(cpu->event.info, INFO_UD);
	root_expect_clean();
}

/* Leaf 7 tells whether the kernel has switched protection keys on, leaf 1 the same of XSAVE. */
Test(handlers, cpuid_follows_cr4)
{
	struct model_cpu *cpu = &model.cpu[0];

	up_with_cr4(CR4_PKE);
	ebx_of(7);
	cr_expect(cpu->regs.rcx & CPUID_7_ECX_OSPKE);
	ebx_of(1);
	cr_expect(cpu->regs.rcx & CPUID_1_ECX_OSXSAVE);
	cpu->st.cr4 &= ~(CR4_PKE | CR4_OSXSAVE);
	ebx_of(7);
	cr_expect_not(cpu->regs.rcx & CPUID_7_ECX_OSPKE);
	ebx_of(1);
	cr_expect_not(cpu->regs.rcx & CPUID_1_ECX_OSXSAVE);
	cr_expect(cpu->regs.rcx & CPUID_1_ECX_HYPERVISOR);
	root_expect_clean();
}

/* Bits above the basic reason say under which circumstances it was (SDM, "Basic VM-Exit Information"). */
Test(handlers, an_exit_from_an_enclave_is_that_exit, .init = root_usual)
{
	const struct model_exit from_enclave = {.reason = 10 | 1u << 27, .length = 2};

	model.cpu[0].regs = (struct vcpu_regs){.rax = 0x40000000};
	cr_assert_eq(model_exit(0, &from_enclave), MODEL_GUEST);
	cr_expect_eq(model.cpu[0].regs.rbx, 0x6e696c50);
	root_expect_clean();
}
