/* SPDX-License-Identifier: MIT */
/*
 * Every exit reason with every qualification and operand we can think of, legal or not,
 * from guests in every rare state, against an oracle.
 */
#include "sweep.h"

#include <string.h>

#include "model/internal.h"
#include "oracle.h"

/* -- guests ------------------------------------------------------------------------------ */

#define USER	   1u /* CPL 3 */
#define STEPPING   2u /* RFLAGS.TF */
#define BRANCHES   4u /* ... with DEBUGCTL.BTF */
#define AFTER_STI  8u
#define AFTER_SS   16u /* behind MOV SS */
#define NARROW	   32u /* compatibility mode, about to wrap at 4 GiB */
#define WIDE_EDGE  64u /* 64-bit mode, about to cross 4 GiB */
#define GUEST_BITS 7u

static const char *illegal(unsigned int bits)
{
	if (bits & BRANCHES && !(bits & STEPPING))
		return "BTF changes nothing without TF";
	if (bits & AFTER_STI && bits & AFTER_SS)
		return "the CPU never has both";
	if (bits & NARROW && !(bits & USER))
		return "a 64-bit kernel runs no 32-bit code";
	return bits & NARROW && bits & WIDE_EDGE ? "one address at a time" : NULL;
}

#define RIP 0xffffffff81234567ull

static void put_guest(uint32_t number, const struct model_cpu *pristine, unsigned int bits)
{
	struct model_cpu *cpu = &model.cpu[number];

	*cpu = *pristine;
	cpu->rip = bits & WIDE_EDGE ? 0xfffffffe : bits & NARROW ? 0xfffffffe : RIP;
	cpu->st.rflags = RFLAGS_FIXED | RFLAGS_IF | (bits & STEPPING ? RFLAGS_TF : 0);
	cpu->st.msr[MODEL_MSR_DEBUGCTL] = bits & BRANCHES ? 2 : 0;
	cpu->interruptibility = bits & AFTER_STI ? 1 : bits & AFTER_SS ? 2 : 0;
	cpu->pending_debug = bits & STEPPING && !(bits & BRANCHES) && cpu->interruptibility ? 1ull << 14 : 0;
	if (bits & USER) {
		cpu->st.seg[MODEL_CS].selector = bits & NARROW ? 0x23 : 0x33;
		cpu->st.seg[MODEL_CS].rights = bits & NARROW ? 0xc0fb : 0xa0fb;
		cpu->st.seg[MODEL_SS].selector = 0x2b;
		cpu->st.seg[MODEL_SS].rights = 0xc0f3;
	}
}

static void get_guest(uint32_t number, struct guest *out)
{
	const struct model_cpu *cpu = &model.cpu[number];

	memset(out, 0, sizeof(*out));
	model_visible(number, &out->visible);
	out->regs = cpu->regs;
	out->rip = cpu->rip;
	out->rsp = cpu->rsp;
	out->interruptibility = cpu->interruptibility;
	out->pending_debug = cpu->pending_debug;
}

/* -- one case ------------------------------------------------------------------------------ */

static struct model_cpu pristine;
static uint64_t cr0_shadow, cr4_shadow;

static void power_on(const struct model_kind *kind)
{
	machine_reset(kind, 1);
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	pristine = model.cpu[0];
	pristine.rsp = 0xffffc90000003f00;
	cr0_shadow = model_field(0, VMCS_CR0_SHADOW);
	cr4_shadow = model_field(0, VMCS_CR4_SHADOW);
}

#define INFO_GP 0x80000b0du
#define INFO_UD 0x80000306u

static void expect_event(enum outcome outcome)
{
	const struct model_event *event = &model.cpu[0].event;
	uint32_t info = outcome == RAISES_GP ? INFO_GP : outcome == RAISES_UD ? INFO_UD : 0;

	cr_expect_eq(event->info, info, "%s: event 0x%x instead of 0x%x", sweep_case(), event->info, info);
	cr_expect_eq(event->error, 0, "%s: error code 0x%x", sweep_case(), event->error);
}

static void expect_guest(const struct guest *want)
{
	struct guest got;
	const char *differs;

	get_guest(0, &got);
	differs = model_differs(&want->visible, &got.visible);
	cr_expect_null(differs, "%s: %s", sweep_case(), differs);
	cr_expect(!memcmp(&want->regs, &got.regs, sizeof(got.regs)), "%s: general registers", sweep_case());
	cr_expect_eq(got.rip, want->rip, "%s: RIP 0x%llx instead of 0x%llx", sweep_case(), (unsigned long long)got.rip,
		     (unsigned long long)want->rip);
	cr_expect_eq(got.rsp, want->rsp, "%s: RSP", sweep_case());
	cr_expect_eq(got.interruptibility, want->interruptibility, "%s: interruptibility", sweep_case());
	cr_expect_eq(got.pending_debug, want->pending_debug, "%s: pending debug exceptions", sweep_case());
}

/*
 * The CPU goes back as it was, but for VMX. Of a kernel that is not in its half of the addresses
 * nobody knows whether its stack can be used: such a CPU halts.
 */
static void expect_stopped(enum model_end end, const struct guest *before, bool halts)
{
	struct guest got;
	const char *differs;
	uint64_t cr4 = before->visible.cr4;

	cr_expect_eq(end, halts ? MODEL_HALTED : MODEL_BACK, "%s: ended with %d", sweep_case(), (int)end);
	if (end == MODEL_BACK) {
		get_guest(0, &got);
		got.visible.cr4 = (got.visible.cr4 & ~CR4_VMXE) | (cr4 & CR4_VMXE);
		differs = model_differs(&before->visible, &got.visible);
		cr_expect_null(differs, "%s: given back with another %s", sweep_case(), differs);
		cr_expect(!memcmp(&before->regs, &got.regs, sizeof(got.regs)), "%s: general registers", sweep_case());
		cr_expect_eq(got.rip, before->rip, "%s: RIP", sweep_case());
		cr_expect_eq(got.rsp, before->rsp, "%s: RSP", sweep_case());
	}
	cr_expect_eq(machine_stop(), PLINTH_E_CORRUPT, "%s: the core does not know that the CPU died", sweep_case());
	sweep_expect_clean();
	power_on(model.kind);
}

static uint64_t kernel_stack[64];

static void try(unsigned int bits, const struct model_exit *exit)
{
	struct guest before, want;
	enum outcome outcome;
	enum model_end end;

	sweep_count();
	model_set_field(0, VMCS_CR0_SHADOW, cr0_shadow);
	model_set_field(0, VMCS_CR4_SHADOW, cr4_shadow);
	get_guest(0, &before);
	outcome = oracle(&before, exit, &want);
	if (outcome == STOPS) {
		model.cpu[0].rsp = bits & USER ? 0x7ffe12345678 : model_high((uint64_t)&kernel_stack[60]);
		before.rsp = model.cpu[0].rsp;
	}
	end = model_exit(0, exit);
	if (outcome == STOPS) {
		expect_stopped(end, &before, bits & WIDE_EDGE && !(bits & USER));
		return;
	}
	if (outcome == RESETS) {
		cr_expect_eq(end, MODEL_RESET, "%s: ended with %d", sweep_case(), (int)end);
		power_on(model.kind);
		return;
	}
	cr_expect_eq(end, MODEL_GUEST, "%s: ended with %d", sweep_case(), (int)end);
	expect_event(outcome);
	expect_guest(&want);
	sweep_expect_clean();
	if (end != MODEL_GUEST)
		power_on(model.kind);
}

/* From all guests. */
static void try_all(struct model_exit exit, const struct vcpu_regs *regs)
{
	for (unsigned int bits = 0; bits < 1u << GUEST_BITS; bits++) {
		if (illegal(bits))
			continue;
		put_guest(0, &pristine, bits);
		if (regs)
			model.cpu[0].regs = *regs;
		if (bits & (NARROW | WIDE_EDGE) && !exit.length)
			exit.length = 3;
		sweep_label("reason %llu, qualification 0x%llx, guest 0x%x, RAX 0x%llx RCX 0x%llx RDX 0x%llx",
			    (unsigned long long)exit.reason, (unsigned long long)exit.qualification, bits,
			    (unsigned long long)model.cpu[0].regs.rax, (unsigned long long)model.cpu[0].regs.rcx,
			    (unsigned long long)model.cpu[0].regs.rdx);
		try(bits, &exit);
	}
}

/* Recognisable values in all registers. */
static struct vcpu_regs pattern(void)
{
	struct vcpu_regs regs;
	uint64_t *words = (uint64_t *)&regs;

	for (size_t i = 0; i < sizeof(regs) / sizeof(*words); i++)
		words[i] = 0x1111111111111111ull * (i + 1);
	return regs;
}

/* -- the sweeps --------------------------------------------------------------------------------- */

/* Reasons that have sweeps of their own, below. */
static bool is_special(uint64_t reason)
{
	return reason == 10 || reason == 28 || reason == 31 || reason == 32 || reason == 55;
}

Test(exits, every_reason)
{
	static const uint64_t qualifications[] = { 0, 1, 0x1000, ~0ull };

	power_on(&model_kinds[0]);
	for (uint64_t reason = 0; reason < 80; reason++) {
		struct vcpu_regs regs = pattern();

		for (size_t i = 0; i < sizeof(qualifications) / sizeof(*qualifications) && !is_special(reason); i++)
			try_all((struct model_exit){ .reason = reason, .qualification = qualifications[i], .length = 3 },
				&regs);
	}
	sweep_report("exit reasons and qualifications");
}

Test(exits, strange_reasons)
{
	static const uint64_t reasons[] = { 0x80000021, 0x80000022, 0x80000029, 0x8000000a, 0xffff, 0x7fffffff, 0xffffffff };

	power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		struct vcpu_regs regs = pattern();

		try_all((struct model_exit){ .reason = reasons[i], .length = 3 }, &regs);
	}
	sweep_report("exit reasons that do not exist");
}

Test(exits, cpuid)
{
	static const uint32_t leaves[] = { 0, 1, 2, 3, 4, 5, 6, 7, 13, 0x16, 0x17, 0x3fffffff, 0x40000000, 0x40000001,
					   0x4fffffff, 0x50000000, 0x80000000, 0x80000001, 0x80000008, 0x80000009,
					   0xffffffff };
	static const uint64_t subleaves[] = { 0, 1, 2, 0xffffffff };

	for (unsigned int kind = 0; kind < 6; kind++) {
		power_on(&model_kinds[kind]);
		for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves); i++) {
			for (size_t k = 0; k < sizeof(subleaves) / sizeof(*subleaves); k++) {
				struct vcpu_regs regs = pattern();

				/* The upper halves are ignored. */
				regs.rax = 0xabcdef0000000000 | leaves[i];
				regs.rcx = 0x1234567800000000 | subleaves[k];
				try_all((struct model_exit){ .reason = 10, .length = 2 }, &regs);
			}
		}
	}
	sweep_report("CPUID leaves");
}

static const uint64_t cr_values[] = {
	0, 1, 0x80050033, 0x8005003b, 0x80050013, 0x80040033, 0xa0050033, 0xe0050033, 0x180050033ull, 0x50033, 0x80050032,
	0x3706e0, 0x3726e0, 0x3726c0, 0x7726e0, 0x3736e0, 0x13726e0, 0x1003726e0ull, 0x3526e0, 0x8000000012345006ull,
	0x12345006, 0x0000010000000000ull, ~0ull, 0x2000, 0x202000,
};

Test(exits, control_registers)
{
	for (unsigned int kind = 0; kind < 6; kind++) {
		power_on(&model_kinds[kind]);
		for (unsigned int q = 0; q < 0x1000; q++) {
			for (size_t i = 0; i < sizeof(cr_values) / sizeof(*cr_values); i++) {
				struct vcpu_regs regs = pattern();
				struct model_exit exit = { .reason = 28, .qualification = q & 0xf3f, .length = 3 };
				bool access = (q >> 4 & 3) < 2, known = (q & 15) == 0 || (q & 15) == 3 || (q & 15) == 4;

				/* Once per access; registers in full for the first kind; bits 7:6 say nothing here. */
				if (q & 0xc0 || (!known && (i || q >> 8)) || (!access && q >> 8) || (kind && q >> 8 > 1))
					continue;
				if (!access)
					exit.qualification |= cr_values[i] << 16 & 0xffff0000;
				put_guest(0, &pristine, 0);
				for (uint64_t *r = (uint64_t *)&regs; r < (uint64_t *)(&regs + 1); r++)
					*r = cr_values[i];
				model.cpu[0].regs = regs;
				if ((q >> 4 & 3) == 0)
					model.cpu[0].rsp = cr_values[i];
				sweep_label("%s: qualification 0x%llx, value 0x%llx", model.kind->name,
					    (unsigned long long)exit.qualification, (unsigned long long)cr_values[i]);
				try(0, &exit);
			}
		}
	}
	sweep_report("control registers");
}

Test(exits, msrs)
{
	static const uint32_t msrs[] = { 0x3a, 0xc0000082, 0xc0000102, 0xc0000081, 0xc0000103, 0x10, 0x2000, 0x3fffffff, 0x40000000,
					 0x40000001, 0x400000ff, 0x40000100, 0xbfffffff, 0xc0002000, 0xffffffff };

	power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(msrs) / sizeof(*msrs); i++) {
		for (uint64_t reason = 31; reason <= 32; reason++) {
			struct vcpu_regs regs = pattern();

			/* The first few hold state that guest and host share; not any value can be written there. */
			if (i < 3 && reason == 32)
				continue;
			regs.rcx = 0x9999999900000000 | msrs[i];
			try_all((struct model_exit){ .reason = reason, .length = 2 }, &regs);
		}
	}
	sweep_report("MSRs");
}

Test(exits, xsetbv)
{
	static const uint64_t values[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x18, 0x1f, 0xe7, 0x60007, 0x100000007ull, ~0ull };

	power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		for (uint64_t index = 0; index < 3; index++) {
			struct vcpu_regs regs = pattern();

			regs.rax = 0xeeeeeeee00000000 | (uint32_t)values[i];
			regs.rdx = 0xdddddddd00000000 | values[i] >> 32;
			regs.rcx = 0xcccccccc00000000 | index;
			try_all((struct model_exit){ .reason = 55, .length = 3 }, &regs);
		}
	}
	sweep_report("XSETBV");
}

/* Who has all of it right stops the VMM; everybody else has executed an undefined instruction. */
Test(exits, stop_hypercall)
{
	static const struct model_exit vmcall = { .reason = 18, .length = VMCALL_BYTES };
	enum { WRONG_RAX = 1, WRONG_RCX = 2, WRONG_RDX = 4, WRONG_RIP = 8, WRONG_CPL = 16, ALL = 32 };

	for (unsigned int wrong = 0; wrong < ALL; wrong++) {
		struct model_cpu *cpu = &model.cpu[0];
		enum model_end end;

		sweep_label("stop hypercall, wrong 0x%x", wrong);
		sweep_count();
		power_on(&model_kinds[0]);
		put_guest(0, &pristine, wrong & WRONG_CPL ? USER : 0);
		cpu->regs.rax = PLINTH_HYPERCALL_STOP ^ (wrong & WRONG_RAX ? 1 : 0);
		cpu->regs.rcx = machine.random ^ (wrong & WRONG_RCX ? 1 : 0);
		cpu->regs.rdx = machine.random ^ (wrong & WRONG_RDX ? 1ull << 40 : 0);
		cpu->rip = MACHINE_STOP_RIP + (wrong & WRONG_RIP ? 1 : 0);
		cpu->rsp = wrong & WRONG_CPL ? 0x7ffe12345678 : model_high((uint64_t)&kernel_stack[60]);
		end = model_exit(0, &vmcall);
		cr_expect_eq(end, wrong ? MODEL_GUEST : MODEL_BACK, "%s: ended with %d", sweep_case(), (int)end);
		if (wrong)
			expect_event(RAISES_UD);
		sweep_expect_clean();
	}
	sweep_report("stop hypercalls");
}

/* Where the VMM lies is told to the driver only. */
Test(exits, maps_hypercall)
{
	static const struct model_exit vmcall = { .reason = 18, .length = VMCALL_BYTES };
	enum { WRONG_RCX = 1, WRONG_RDX = 2, WRONG_CPL = 4, ALL = 8 };

	for (unsigned int wrong = 0; wrong < ALL; wrong++) {
		struct model_cpu *cpu = &model.cpu[0];

		sweep_label("maps hypercall, wrong 0x%x", wrong);
		sweep_count();
		power_on(&model_kinds[0]);
		put_guest(0, &pristine, wrong & WRONG_CPL ? USER : 0);
		cpu->regs.rax = PLINTH_HYPERCALL_MAPS;
		cpu->regs.rcx = machine.random ^ (wrong & WRONG_RCX ? 1 : 0);
		cpu->regs.rdx = machine.random ^ (wrong & WRONG_RDX ? 1ull << 40 : 0);
		cpu->regs.rdi = PLINTH_MAP_TABLES;
		cr_expect_eq(model_exit(0, &vmcall), MODEL_GUEST, "%s", sweep_case());
		if (wrong)
			expect_event(RAISES_UD);
		else
			cr_expect_eq((int)cpu->regs.rax, PLINTH_E_INVAL, "no such table: %d", (int)cpu->regs.rax);
		sweep_expect_clean();
	}
	sweep_report("maps hypercalls");
}
