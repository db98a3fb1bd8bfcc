/* SPDX-License-Identifier: MIT */
/* What extensions take over, and the exits that depend on what the kernel has switched on. */
#include <plinth/exit_handler.h>

#include <string.h>

#include "root/root.h"

#define INFO_GP 0x80000b0du
#define INFO_UD 0x80000306u

static const struct model_exit cpuid = {.reason = 10, .length = 2};
static const struct model_exit getsec = {.reason = 11, .length = 2};
static const struct model_exit vmcall = {.reason = 18, .length = 3};

static enum exit_action answer(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)below;
	vcpu->regs.rbx = (uint64_t)context;
	return EXIT_NEXT;
}

/* -- CPUID ------------------------------------------------------------------------------- */

/* Tells the question, and what was answered before. */
static enum exit_action echo(struct vcpu *vcpu, struct exit_cpuid *q, void *context)
{
	q->answer.ecx = q->answer.ebx ^ (uint32_t)(uintptr_t)context;
	q->answer.ebx = q->leaf;
	q->answer.edx = q->subleaf ^ (uint32_t)(vcpu->regs.rax - q->leaf);
	return EXIT_NEXT;
}

static enum exit_action refuse(struct vcpu *vcpu, struct exit_cpuid *q, void *context)
{
	(void)context;
	q->answer.ebx = 1;
	vcpu_inject(vcpu, VECTOR_GP, true, 0);
	return EXIT_RETRY;
}

static int take_leaves(uint64_t first, uint64_t last)
{
	return exit_register_cpuid((uint32_t)first, (uint32_t)last, 0, EXIT_LAST_SUBLEAF, echo, NULL);
}

static void ask(uint32_t leaf, uint32_t subleaf)
{
	struct model_cpu *cpu = &model.cpu[0];

	cpu->regs = (struct vcpu_regs){.rax = leaf, .rcx = subleaf};
	cpu->rip = ROOT_RIP;
	cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	cr_expect_eq(cpu->rip, ROOT_RIP + 2);
}

static uint64_t ebx_of(uint32_t leaf)
{
	ask(leaf, 0);
	return model.cpu[0].regs.rbx;
}

Test(handlers, cpuid_leaves_of_an_extension)
{
	const struct vcpu_regs *regs = &model.cpu[0].regs;

	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(root_call(take_leaves, 0x40000010, 0x4000001f), 0);
	cr_expect_eq(root_call(take_leaves, 0x40000010, 0x4000001f), PLINTH_E_BUSY);
	cr_expect_eq(root_call(take_leaves, 9, 8), PLINTH_E_INVAL);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	ask(0x40000013, 7);
	cr_expect_eq(regs->rbx, 0x40000013, "the leaf");
	cr_expect_eq(regs->rdx, 7, "the subleaf, and the registers still hold the question");
	ask(0x4000001f, 0xffffffff);
	cr_expect(regs->rbx == 0x4000001f && regs->rdx == 0xffffffff);
	cr_expect_neq(ebx_of(0x40000020), 0x40000020);
	cr_expect_eq(ebx_of(0), 0x756e6547, "the hardware's");
	cr_expect_eq(ebx_of(0x40000000), 0x6e696c50, "our own");
	cr_expect_eq(exit_unregister_cpuid(0x40000010, 0x4000001e, 0, EXIT_LAST_SUBLEAF, echo, NULL),
		     PLINTH_E_INVAL, "not what was registered");
	cr_expect_eq(exit_unregister_cpuid(0x40000010, 0x4000001f, 0, EXIT_LAST_SUBLEAF, echo, NULL), 0);
	cr_expect_neq(ebx_of(0x40000010), 0x40000010);
	root_expect_clean();
}

/* Each changes what those before it answered, the hardware first. */
Test(handlers, cpuid_answers_go_up_the_chain)
{
	const struct vcpu_regs *regs = &model.cpu[0].regs;

	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(exit_register_cpuid(0, 0x20, 0, EXIT_LAST_SUBLEAF, echo, (void *)0x10), 0);
	cr_expect_eq(exit_register_cpuid(0, 0, 0, EXIT_LAST_SUBLEAF, echo, (void *)0x20), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	ask(0, 3);
	cr_expect_eq(regs->rbx, 0);
	cr_expect_eq(regs->rcx, 0x20, "what the first made of it, changed by the second");
	cr_expect_eq(exit_unregister_cpuid(0, 0, 0, EXIT_LAST_SUBLEAF, echo, (void *)0x20), 0);
	ask(0, 3);
	cr_expect_eq(regs->rcx, 0x756e6547 ^ 0x10, "what the hardware said, changed by the first");
	cr_expect_eq(exit_unregister_cpuid(0, 0x20, 0, EXIT_LAST_SUBLEAF, echo, (void *)0x10), 0);
	root_expect_clean();
}

/* Ranges of leaves and of subleaves: each leaf has the same subleaves, and no others. */
Test(handlers, cpuid_subleaves_of_an_extension)
{
	static const struct {
		uint32_t leaf, subleaf;
		bool asked;
	} cases[] = {
		{0x40000103, 2, false},		 {0x40000104, 1, false}, {0x40000104, 2, true},
		{0x40000104, 5, true},		 {0x40000104, 6, false}, {0x40000105, 0, false},
		{0x40000105, 2, true},		 {0x40000105, 5, true},	 {0x40000105, 6, false},
		{0x40000105, 0xffffffff, false}, {0x40000106, 1, false}, {0x40000106, 5, true},
		{0x40000106, 6, false},		 {0x40000107, 2, false},
	};
	const struct vcpu_regs *regs = &model.cpu[0].regs;

	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(exit_register_cpuid(0x40000104, 0x40000106, 5, 4, echo, NULL), PLINTH_E_INVAL);
	cr_expect_eq(exit_register_cpuid(0x40000106, 0x40000104, 2, 5, echo, NULL), PLINTH_E_INVAL);
	cr_assert_eq(exit_register_cpuid(0x40000104, 0x40000106, 2, 5, echo, NULL), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(cases[i].leaf, cases[i].subleaf);
		cr_expect_eq(regs->rbx == cases[i].leaf, cases[i].asked, "leaf 0x%x, subleaf 0x%x",
			     cases[i].leaf, cases[i].subleaf);
	}
	cr_expect_eq(exit_unregister_cpuid(0x40000104, 0x40000106, 2, 4, echo, NULL), PLINTH_E_INVAL);
	cr_expect_eq(exit_unregister_cpuid(0x40000104, 0x40000106, 2, 5, echo, NULL), 0);
	root_expect_clean();
}

Test(handlers, cpuid_that_is_refused)
{
	struct model_cpu *cpu = &model.cpu[0];
	const struct vcpu_regs before = {.rax = 0x16, .rcx = 5, .rbx = 6, .rdx = 7};

	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(exit_register_cpuid(0x16, 0x16, 0, EXIT_LAST_SUBLEAF, refuse, NULL), 0);
	cr_expect_eq(exit_register_cpuid(0x16, 0x16, 0, EXIT_LAST_SUBLEAF, echo, NULL), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cpu->regs = before;
	cpu->rip = ROOT_RIP;
	cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	cr_expect_eq(cpu->event.info, INFO_GP);
	cr_expect_eq(cpu->rip, ROOT_RIP);
	cr_expect(!memcmp(&cpu->regs, &before, sizeof(before)), "registers stay");
	cr_expect_eq(exit_unregister_cpuid(0x16, 0x16, 0, EXIT_LAST_SUBLEAF, refuse, NULL), 0,
		     "the lower one first");
	cr_expect_eq(ebx_of(0x16), 0x16);
	cr_expect_eq(exit_unregister_cpuid(0x16, 0x16, 0, EXIT_LAST_SUBLEAF, echo, NULL), 0);
	root_expect_clean();
}

/* Who wants a leaf that takes the longer road anyhow costs no other leaf anything. */
Test(handlers, cpuid_stays_short)
{
	static const struct {
		uint32_t first, last;
		bool is_short;
	} cases[] = {
		{0x40000100, 0x40000100, true},
		{0x40000000, 0x7fffffff, true},
		{0x40000100, 0x400001ff, true},
		{1, 1, true},
		{0x80000001, 0x80000001, true},
		{2, 2, false},
		{1, 3, false},
		{0x3fffffff, 0x40000001, false},
		{0x7fffffff, 0x80000000, false},
		{0x40000000, 0xc0000000, false},
		{0xc0000000, 0xffffffff, true},
		{0, 0xffffffff, false},
	};
	vcpu_exit_fn *usual;

	root_loaded(&model_kinds[0], 1);
	usual = exit_handlers()[PLINTH_EXIT_CPUID];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(
			exit_register_cpuid(cases[i].first, cases[i].last, 0, EXIT_LAST_SUBLEAF, echo, NULL),
			0);
		cr_expect_eq(exit_handlers()[PLINTH_EXIT_CPUID] == usual, cases[i].is_short,
			     "leaves 0x%x to 0x%x", cases[i].first, cases[i].last);
		cr_assert_eq(exit_unregister_cpuid(cases[i].first, cases[i].last, 0, EXIT_LAST_SUBLEAF, echo,
						   NULL),
			     0);
		cr_expect_eq(exit_handlers()[PLINTH_EXIT_CPUID], usual);
	}
}

/* -- hypercalls ----------------------------------------------------------------------------- */

static int take_calls(uint64_t first, uint64_t last)
{
	return exit_register_hypercall(first, last, EXIT_CALLER_ANYBODY, answer, (void *)0x5678);
}

static void call(uint64_t number)
{
	model.cpu[0].rip = ROOT_RIP;
	model.cpu[0].regs = (struct vcpu_regs){.rax = number};
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST);
}

Test(handlers, hypercalls_of_an_extension)
{
	struct model_cpu *cpu = &model.cpu[0];

	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(root_call(take_calls, 100, 200), 0);
	cr_expect_eq(root_call(take_calls, 100, 200), PLINTH_E_BUSY);
	cr_expect_eq(exit_register_hypercall(500, 500, (enum exit_caller)7, answer, NULL), PLINTH_E_INVAL);
	cr_expect_eq(exit_register_hypercall(150, 150, EXIT_CALLER_KERNEL, answer, (void *)0x9abc), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	call(151);
	cr_expect_eq(cpu->regs.rbx, 0x5678);
	cr_expect_eq(cpu->rip, ROOT_RIP + 3);
	call(150);
	cr_expect_eq(cpu->regs.rbx, 0x9abc, "whoever came later");
	cpu->st.seg[MODEL_CS] =
		(struct model_segment){.selector = 0x33, .limit = 0xffffffff, .rights = 0xa0fb};
	cpu->st.seg[MODEL_SS] =
		(struct model_segment){.selector = 0x2b, .limit = 0xffffffff, .rights = 0xc0f3};
	call(150);
	cr_expect_eq(cpu->regs.rbx, 0x5678, "a process's: whoever takes those");
	cr_expect_eq(exit_unregister_hypercall(100, 200, EXIT_CALLER_KERNEL, answer, (void *)0x5678),
		     PLINTH_E_INVAL);
	cr_expect_eq(exit_unregister_hypercall(100, 200, EXIT_CALLER_ANYBODY, answer, (void *)0x5678), 0);
	cr_expect_eq(exit_unregister_hypercall(100, 200, EXIT_CALLER_ANYBODY, answer, (void *)0x5678),
		     PLINTH_E_INVAL);
	call(150);
	cr_expect_eq(cpu->event.info, INFO_UD, "a process's: nobody");
	root_expect_clean();
}

/* A kernel's own 32-bit code: root mode would ask as 64-bit code, with other registers. */
Test(handlers, hypercalls_of_32_bit_code_stay)
{
	struct model_cpu *cpu = &model.cpu[0];

	for (unsigned int i = 0; i < model_n_kinds; i++)
		if (!strcmp(model_kinds[i].name, "on-a-hypervisor"))
			root_up(&model_kinds[i]);
	call(5);
	cr_expect_eq(model.hypercalls, 1);
	cr_expect_eq(cpu->event.info, 0);
	cpu->st.seg[MODEL_CS].rights = 0xc09b;
	cpu->regs = (struct vcpu_regs){.rax = 5};
	cpu->rip = 0x1000;
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST);
	cr_expect_eq(cpu->event.info, INFO_UD);
	cr_expect_eq(model.hypercalls, 1);
	root_expect_clean();
}

/* -- kinds ------------------------------------------------------------------------------------ */

Test(handlers, kinds_that_do_not_exist)
{
	cr_expect_eq(exit_register_kind(PLINTH_EXIT_KINDS, PLINTH_EXIT_KINDS, answer, NULL), PLINTH_E_INVAL);
	cr_expect_eq(exit_register_kind(0, PLINTH_EXIT_KINDS, answer, NULL), PLINTH_E_INVAL);
	cr_expect_eq(exit_register_kind(PLINTH_EXIT_HLT, PLINTH_EXIT_HLT, NULL, NULL), PLINTH_E_INVAL);
	cr_expect_eq(exit_unregister_kind(PLINTH_EXIT_HLT, PLINTH_EXIT_HLT, answer, NULL), PLINTH_E_INVAL);
}

static uint64_t seen; /* by whom, as digits */

static enum exit_action note(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	enum exit_action action;

	seen = seen * 10 + (uint64_t)context;
	action = exit_below(vcpu, below);
	seen = seen * 10 + (uint64_t)context;
	return action;
}

/* Two tracers around CPUID and one leaf in between: all are asked, and any of them can go. */
Test(handlers, kinds_are_a_chain)
{
	root_loaded(&model_kinds[0], 1);
	cr_assert_eq(exit_register_kind(PLINTH_EXIT_CPUID, PLINTH_EXIT_CPUID, note, (void *)1), 0);
	cr_assert_eq(exit_register_cpuid(0x16, 0x16, 0, EXIT_LAST_SUBLEAF, echo, NULL), 0);
	cr_assert_eq(exit_register_kind(0, PLINTH_EXIT_KINDS - 1, note, (void *)2), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	seen = 0; /* the driver's own hypercalls */
	cr_expect_eq(ebx_of(0x16), 0x16);
	cr_expect_eq(seen, 2112);
	cr_assert_eq(machine_stop(), 0);
	cr_expect_eq(exit_unregister_kind(PLINTH_EXIT_CPUID, PLINTH_EXIT_CPUID, note, (void *)1), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	seen = 0;
	cr_expect_eq(ebx_of(0x16), 0x16);
	cr_expect_eq(seen, 22);
	cr_assert_eq(machine_stop(), 0);
	cr_expect_eq(exit_unregister_cpuid(0x16, 0x16, 0, EXIT_LAST_SUBLEAF, echo, NULL), 0);
	cr_expect_eq(exit_unregister_kind(0, PLINTH_EXIT_KINDS - 1, note, (void *)2), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	seen = 0;
	cr_expect_neq(ebx_of(0x16), 0x16);
	cr_expect_eq(seen, 0);
	root_expect_clean();
}

/* -- what the kernel has switched on ---------------------------------------------------------- */

static void up_with_cr4(uint64_t bits)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.cr4 |= bits;
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
