/* SPDX-License-Identifier: MIT */
#include "exits.h"

#include <string.h>

#include "model/internal.h"

/* -- guests ------------------------------------------------------------------------------ */

const char *exits_illegal(unsigned int bits)
{
	if (bits & BRANCHES && !(bits & STEPPING))
		return "BTF changes nothing without TF";
	if (bits & AFTER_STI && bits & AFTER_SS)
		return "the CPU never has both";
	if (bits & NARROW && !(bits & USER))
		return "a 64-bit kernel runs no 32-bit code";
	if (bits & AFTER_STI && bits & STEPPING && !(bits & BRANCHES))
		return "the single-step trap comes right behind STI";
	return bits & NARROW && bits & WIDE_EDGE ? "one address at a time" : NULL;
}

#define RIP	 0xffffffff81234567ull
#define EDGE_RIP 0xfffffffeull

/* As the start left it. */
static struct model_cpu pristine;
static struct model_state seen;

void exits_power_on(const struct model_kind *kind)
{
	machine_reset(kind, 1);
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	pristine = model.cpu[0];
	pristine.rsp = 0xffffc90000003f00;
	model_visible(0, &seen);
}

void exits_put_guest(unsigned int bits)
{
	struct model_cpu *cpu = &model.cpu[0];

	*cpu = pristine;
	cpu->rip = bits & (WIDE_EDGE | NARROW) ? EDGE_RIP : RIP;
	cpu->st.rflags = RFLAGS_FIXED | RFLAGS_IF | (bits & STEPPING ? RFLAGS_TF : 0);
	/* Half of them come from a breakpoint's handler, in every combination. */
	cpu->st.rflags |= __builtin_parity(bits) ? RFLAGS_RF : 0;
	cpu->st.msr[MODEL_MSR_DEBUGCTL] = bits & BRANCHES ? 2 : 0;
	cpu->interruptibility = bits & AFTER_STI ? 1 : bits & AFTER_SS ? 2 : 0;
	cpu->pending_debug = bits & STEPPING && !(bits & BRANCHES) && cpu->interruptibility ? 1ull << 14 : 0;
	/* MOV SS met a data breakpoint, and put it off. */
	cpu->pending_debug |= bits & AFTER_SS ? 1 : 0;
	if (bits & USER) {
		cpu->st.seg[MODEL_CS].selector = bits & NARROW ? 0x23 : 0x33;
		cpu->st.seg[MODEL_CS].rights = bits & NARROW ? 0xc0fb : 0xa0fb;
		cpu->st.seg[MODEL_SS].selector = 0x2b;
		cpu->st.seg[MODEL_SS].rights = 0xc0f3;
	}
}

static uint64_t kernel_stack[64];

uint64_t exits_rsp(unsigned int bits)
{
	return bits & USER ? 0x7ffe12345678 : model_high((uint64_t)&kernel_stack[60]);
}

struct vcpu_regs exits_pattern(void)
{
	struct vcpu_regs regs;
	uint64_t *words = (uint64_t *)&regs;

	for (size_t i = 0; i < sizeof(regs) / sizeof(*words); i++)
		words[i] = 0x1111111111111111ull * (i + 1);
	return regs;
}

static void get_guest(struct guest_view *out)
{
	const struct model_cpu *cpu = &model.cpu[0];

	memset(out, 0, sizeof(*out));
	model_visible(0, &out->visible);
	out->regs = cpu->regs;
	out->rip = cpu->rip;
	out->rsp = cpu->rsp;
	out->interruptibility = cpu->interruptibility;
	out->pending_debug = cpu->pending_debug;
	out->event = cpu->event;
}

/* -- what came of it ------------------------------------------------------------------------ */

#define INFO_ERROR 0x800u

static bool has_length(uint32_t info)
{
	uint32_t type = info >> 8 & 7;

	return type >= 4 && type <= 6;
}

static void expect_event(const struct model_event *want)
{
	const struct model_event *event = &model.cpu[0].event;

	cr_expect_eq(event->info, want->info, "%s: event 0x%x instead of 0x%x", sweep_case(), event->info,
		     want->info);
	if (want->info & INFO_ERROR)
		cr_expect_eq(event->error, want->error, "%s: error code 0x%x instead of 0x%x", sweep_case(),
			     event->error, want->error);
	if (want->info)
		cr_expect_eq(event->resumes, want->resumes, "%s: RF is pushed as %d", sweep_case(),
			     event->resumes);
	if (has_length(want->info))
		cr_expect_eq(event->length, want->length, "%s: event of length %u instead of %u",
			     sweep_case(), event->length, want->length);
}

void exits_expect_ud(void)
{
	expect_event(&(struct model_event){.info = ORACLE_UD, .resumes = true});
}

static void expect_guest_as(const struct guest_view *want)
{
	struct guest_view got;
	const char *differs;

	get_guest(&got);
	differs = model_differs(&want->visible, &got.visible);
	cr_expect_null(differs, "%s: %s", sweep_case(), differs);
	cr_expect(!memcmp(&want->regs, &got.regs, sizeof(got.regs)), "%s: general registers", sweep_case());
	cr_expect_eq(got.rip, want->rip, "%s: RIP 0x%llx instead of 0x%llx", sweep_case(),
		     (unsigned long long)got.rip, (unsigned long long)want->rip);
	cr_expect_eq(got.rsp, want->rsp, "%s: RSP", sweep_case());
	cr_expect_eq(got.interruptibility, want->interruptibility,
		     "%s: interruptibility 0x%llx instead of 0x%llx", sweep_case(),
		     (unsigned long long)got.interruptibility, (unsigned long long)want->interruptibility);
	cr_expect_eq(got.pending_debug, want->pending_debug, "%s: pending debug exceptions", sweep_case());
}

/*
 * The CPU goes back as it was, but for the claim to root mode. Of a kernel that is not in its half of the
 * addresses nobody knows whether its stack can be used: such a CPU halts.
 */
static void expect_stopped(enum model_end end, const struct guest_view *before, bool halts)
{
	struct guest_view got;
	const char *differs;
	uint64_t cr4 = before->visible.cr4;

	cr_expect_eq(end, halts ? MODEL_HALTED : MODEL_BACK, "%s: ended with %d", sweep_case(), (int)end);
	if (end == MODEL_BACK) {
		get_guest(&got);
		got.visible.cr4 ^= (got.visible.cr4 ^ cr4) & model_vendor()->claim;
		/* What an exit does to RF cannot be seen from outside, nor be undone. */
		got.visible.rflags = (got.visible.rflags & ~RFLAGS_RF) | (before->visible.rflags & RFLAGS_RF);
		differs = model_differs(&before->visible, &got.visible);
		cr_expect_null(differs, "%s: given back with another %s", sweep_case(), differs);
		cr_expect(!memcmp(&before->regs, &got.regs, sizeof(got.regs)), "%s: general registers",
			  sweep_case());
		cr_expect_eq(got.rip, before->rip, "%s: RIP", sweep_case());
		cr_expect_eq(got.rsp, before->rsp, "%s: RSP", sweep_case());
	}
	cr_expect_eq(machine_stop(), PLINTH_E_CORRUPT, "%s: the core does not know that the CPU died",
		     sweep_case());
	sweep_expect_clean();
	exits_power_on(model.kind);
}

static void expect_on(enum model_end end, const struct guest_view *want)
{
	cr_expect_eq(end, MODEL_GUEST, "%s: ended with %d", sweep_case(), (int)end);
	expect_event(&want->event);
	expect_guest_as(want);
	sweep_expect_clean();
	if (end != MODEL_GUEST)
		exits_power_on(model.kind);
}

/* -- one case --------------------------------------------------------------------------------- */

static void try(unsigned int bits, const struct model_exit *exit,
		enum model_end (*happens)(const struct model_exit *exit))
{
	struct guest_view before, want;
	enum outcome outcome;
	enum model_end end;

	sweep_count();
	model_show(0, seen.cr0, seen.cr4);
	get_guest(&before);
	outcome = oracle(&before, exit, &want);
	if (outcome == STOPS)
		before.rsp = model.cpu[0].rsp = exits_rsp(bits);
	end = happens(exit);
	switch (outcome) {
	case STOPS: expect_stopped(end, &before, bits & WIDE_EDGE && !(bits & USER)); break;
	case RESETS:
		cr_expect_eq(end, MODEL_RESET, "%s: ended with %d", sweep_case(), (int)end);
		exits_power_on(model.kind);
		break;
	default: expect_on(end, &want); break;
	}
}

static enum model_end it_exits(const struct model_exit *exit)
{
	return model_exit(0, exit);
}

void exits_try(unsigned int bits, const struct model_exit *exit)
{
	try(bits, exit, it_exits);
}

static enum model_end it_moves(const struct model_exit *exit)
{
	return model_guest_cr(0, (uint32_t)exit->detail);
}

void exits_try_mov(uint32_t cr)
{
	const struct model_exit exit = {.kind = PLINTH_EXIT_CR_ACCESS, .detail = cr, .length = 3};

	try(0, &exit, it_moves);
}

void exits_try_all(struct model_exit exit, const struct vcpu_regs *regs)
{
	for (unsigned int bits = 0; bits < 1u << GUEST_BITS; bits++) {
		if (exits_illegal(bits))
			continue;
		exits_put_guest(bits);
		if (regs)
			model.cpu[0].regs = *regs;
		if (bits & (NARROW | WIDE_EDGE) && !exit.length)
			exit.length = 3;
		sweep_label("kind %u, reason %llu, 0x%llx, guest 0x%x, RAX 0x%llx RCX 0x%llx RDX 0x%llx",
			    model_exit_kind(&exit), (unsigned long long)exit.reason,
			    (unsigned long long)exit.detail, bits, (unsigned long long)model.cpu[0].regs.rax,
			    (unsigned long long)model.cpu[0].regs.rcx,
			    (unsigned long long)model.cpu[0].regs.rdx);
		exits_try(bits, &exit);
	}
}
