/* SPDX-License-Identifier: MIT */
/* MSRs that are looked at: by Plinth itself, and by whoever registers for them. */
#include <string.h>

#include <plinth/exit_handler.h>

#include "root/root.h"

#define GP 0x80000b0du

#define APIC_BASE   0x1bu
#define MICROCODE   0x79u
#define MISC_ENABLE 0x1a0u
#define DEBUGCTL    0x1d9u
#define PAT	    0x277u
#define DS_AREA	    0x600u
#define EFER	    0xc0000080u
#define LSTAR	    0xc0000082u
#define FS_BASE	    0xc0000100u

#define NO_XD (1ull << 34)

/* The guest's access; *value is what it writes, or reads. False: #GP. */
static bool access_msr(uint32_t msr, bool is_write, uint64_t *value)
{
	struct model_cpu *cpu = &model.cpu[0];

	cpu->rip = ROOT_RIP;
	cpu->regs = (struct vcpu_regs){.rax = (uint32_t)*value, .rdx = *value >> 32, .rcx = msr};
	cr_assert_eq(model_guest_msr(0, is_write), MODEL_GUEST);
	cr_expect_eq(cpu->rip, cpu->event.info ? ROOT_RIP : ROOT_RIP + 2);
	cr_expect(!cpu->event.info || cpu->event.info == GP);
	*value = cpu->regs.rdx << 32 | (uint32_t)cpu->regs.rax;
	return !cpu->event.info;
}

static bool writes(uint32_t msr, uint64_t value)
{
	return access_msr(msr, true, &value);
}

static uint64_t reads(uint32_t msr)
{
	uint64_t value = 0x1234;

	cr_expect(access_msr(msr, false, &value), "MSR 0x%x", msr);
	return value;
}

/* -- the policy ------------------------------------------------------------------------------- */

/* The module ept follows the memory types. */
static bool is_mtrr(uint32_t msr)
{
	return (msr >= 0x200 && msr <= 0x250) || msr == 0x258 || msr == 0x259 ||
	       (msr >= 0x268 && msr <= 0x26f) || msr == 0x2ff;
}

static bool is_looked_at(uint32_t msr, bool is_write)
{
	static const uint32_t list[] = {APIC_BASE, MICROCODE, MISC_ENABLE, DS_AREA, EFER};

	for (size_t i = 0; is_write && i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i] == msr)
			return true;
	return is_write && is_mtrr(msr);
}

static void expect_policy(void)
{
	for (uint32_t i = 0; i < 0x2000; i++) {
		for (unsigned int is_write = 0; is_write < 2; is_write++) {
			cr_expect_eq(model_msr_exits(0, i, is_write), is_looked_at(i, is_write), "MSR 0x%x",
				     i);
			cr_expect_eq(model_msr_exits(0, 0xc0000000 + i, is_write),
				     is_looked_at(0xc0000000 + i, is_write), "MSR 0x%x", 0xc0000000 + i);
		}
	}
}

Test(msrs, what_exits, .init = root_usual)
{
	expect_policy();
}

Test(msrs, the_apic_stays_where_it_is, .init = root_usual)
{
	const uint64_t now = reads(APIC_BASE);

	cr_expect(writes(APIC_BASE, now));
	cr_expect_not(writes(APIC_BASE, now + 0x1000));
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_WARN, fact_hex(APIC_BASE), fact_hex(now + 0x1000)), 1);
	cr_expect_not(writes(APIC_BASE, now & ~0x80000000ull));
	cr_expect_not(writes(APIC_BASE, now | 1ull << 51));
	cr_expect_eq(reads(APIC_BASE), now);
	cr_expect_not(writes(APIC_BASE, now | 1), "the CPU's own verdict");
	cr_expect(writes(APIC_BASE, now | APIC_BASE_X2APIC));
	cr_expect_eq(reads(APIC_BASE), now | APIC_BASE_X2APIC);
	cr_expect_not(writes(APIC_BASE, now), "x2APIC mode ends by switching off");
	cr_expect(writes(APIC_BASE, now & ~0x800ull));
	cr_expect(writes(APIC_BASE, now));
	root_expect_clean();
}

Test(msrs, records_of_the_cpu_stay_out_of_the_vmm, .init = root_usual)
{
	const uint64_t slot = root_boot()->slot_va;

	cr_expect(writes(DS_AREA, 0xfffffe0000010000));
	cr_expect_eq(reads(DS_AREA), 0xfffffe0000010000);
	cr_expect_not(writes(DS_AREA, slot));
	cr_expect_not(writes(DS_AREA, slot + (1ull << 39) - 1));
	cr_expect(writes(DS_AREA, slot + (1ull << 39)));
	cr_expect(writes(DS_AREA, slot - 1));
	cr_expect_not(writes(DS_AREA, 1ull << 63), "the CPU's own verdict");
	root_expect_clean();
}

Test(msrs, execute_disable_stays, .init = root_usual)
{
	const uint64_t now = reads(MISC_ENABLE);

	cr_expect_not(writes(MISC_ENABLE, now | NO_XD));
	cr_expect(writes(MISC_ENABLE, now ^ 1));
	cr_expect_eq(reads(MISC_ENABLE), now ^ 1);
	root_expect_clean();
}

/* The guest turns it off for itself where the CPU keeps two of it; where it has one, root mode needs it. */
static void try_efer(const char *kind, bool may_clear_nx)
{
	const uint64_t now = 0xd01;

	for (unsigned int i = 0; i < model_n_kinds; i++)
		if (!strcmp(model_kinds[i].name, kind))
			root_up(&model_kinds[i]);
	cr_assert_eq(reads(EFER), now);
	cr_expect_eq(writes(EFER, 0x501), may_clear_nx);
	cr_expect_eq(reads(EFER), may_clear_nx ? 0x501 : now);
	cr_expect(writes(EFER, 0xd00));
	cr_expect_eq(reads(EFER), 0xd00, "SYSCALL off");
	cr_expect(writes(EFER, 0x901), "LMA is not software's");
	cr_expect_eq(reads(EFER), now);
	cr_expect_not(writes(EFER, 0xc01), "LME stays while paging is on");
	cr_expect_not(writes(EFER, now | 1ull << 20), "a reserved bit");
	cr_expect_eq(reads(EFER), now);
	root_expect_clean();
}

Test(msrs, execute_disable_in_efer)
{
	try_efer("skylake", true);
	try_efer("no-efer-control", false);
}

Test(msrs, microcode_is_not_loaded, .init = root_usual)
{
	cr_expect(writes(MICROCODE, 0xffff888000000000));
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_WARN, "microcode", "0xffff888000000000"), 1);
	root_expect_clean();
}

/* What is looked at does not go through a list. */
Test(msrs, lists_stop_there, .init = root_usual)
{
	const struct model_exit wrmsrlist = {.reason = 79, .length = 4, .detail = APIC_BASE};

	cr_assert_eq(model_exit(0, &wrmsrlist), MODEL_GUEST);
	cr_expect_eq(model.cpu[0].event.info, GP);
}

/* -- modules ------------------------------------------------------------------------------------ */

static struct exit_msr last;
static unsigned int changes;

/* As somebody who wants to hear of changes. */
static enum exit_action listen(struct vcpu *vcpu, struct exit_msr *access, const struct exit_link *below,
			       void *context)
{
	enum exit_action action = exit_below(vcpu, below);

	last = *access;
	changes += action == EXIT_NEXT;
	(void)context;
	return action;
}

/* As somebody who shows another value than there is. */
static enum exit_action shift(struct vcpu *vcpu, struct exit_msr *access, const struct exit_link *below,
			      void *context)
{
	enum exit_action action;

	access->value -= access->is_write ? (uint64_t)context : 0;
	action = exit_below(vcpu, below);
	access->value += access->is_write ? 0 : (uint64_t)context;
	return action;
}

#define BOTH (VCPU_MSR_READ | VCPU_MSR_WRITE)

/* Who registers, as what; in the VMM's place, because the bitmap is its memory. */
static const struct wish {
	uint32_t first, last, what;
	exit_msr_fn *handler;
	uint64_t context;
} wishes[] = {
	{LSTAR, LSTAR + 1, VCPU_MSR_WRITE, listen, 0},
	{LSTAR, LSTAR, BOTH, shift, 0x1000},
	{0, UINT32_MAX, VCPU_MSR_READ, listen, 0},
	{0, DEBUGCTL - 1, VCPU_MSR_WRITE, listen, 0},
	{0, DEBUGCTL, BOTH, listen, 0},
	{0, DEBUGCTL, VCPU_MSR_READ, listen, 0},
	{5, 4, BOTH, listen, 0},
	{4, 4, 0, listen, 0},
	{4, 4, 4, listen, 0},
	{4, 4, BOTH, NULL, 0},
	{0x174, 0x176, BOTH, listen, 0},
	{PAT, PAT, BOTH, listen, 0},
	{FS_BASE, FS_BASE + 1, BOTH, listen, 0},
	{LSTAR, LSTAR + 1, BOTH, listen, 0},
};

enum {
	CHANGES,
	SHIFTED,
	ALL_READS,
	WRITES_BELOW,
	DEBUG,
	DEBUG_READS,
	EMPTY,
	NOTHING,
	UNKNOWN,
	NOBODY,
	SYSENTER,
	TYPES,
	BASES,
	NOT_GIVEN,
};

static int ask(uint64_t i, uint64_t on)
{
	const struct wish *w = &wishes[i];

	return on ? exit_register_msr(w->first, w->last, w->what, w->handler, (void *)w->context)
		  : exit_unregister_msr(w->first, w->last, w->what, w->handler, (void *)w->context);
}

static int enlist(uint64_t i)
{
	return root_call(ask, i, true);
}

static int withdraw(uint64_t i)
{
	return root_call(ask, i, false);
}

Test(msrs, whoever_wants_hears_of_it)
{
	root_loaded(&model_kinds[0], 1);
	cr_assert_eq(enlist(CHANGES), 0);
	cr_assert_eq(enlist(SHIFTED), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect(model_msr_exits(0, LSTAR, false));
	cr_expect_not(model_msr_exits(0, LSTAR + 1, false));
	cr_expect(model_msr_exits(0, LSTAR + 1, true));
	cr_expect(writes(LSTAR, 0xffffffff81001000));
	cr_expect(last.msr == LSTAR && last.is_write && last.value == 0xffffffff81000000,
		  "as the one above it left it");
	cr_expect_eq(model.cpu[0].st.msr[MODEL_MSR_LSTAR], 0xffffffff81000000);
	cr_expect_eq(reads(LSTAR), 0xffffffff81001000);
	cr_expect_eq(changes, 1, "reads are not its");
	cr_expect_not(writes(LSTAR, 1ull << 62), "the CPU's own verdict");
	cr_expect_eq(changes, 1);
	cr_assert_eq(machine_stop(), 0);
	cr_expect_eq(withdraw(NOT_GIVEN), PLINTH_E_INVAL);
	cr_expect_eq(withdraw(CHANGES), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_not(model_msr_exits(0, LSTAR + 1, true));
	cr_expect(model_msr_exits(0, LSTAR, true), "the other one's");
	cr_assert_eq(machine_stop(), 0);
	cr_expect_eq(withdraw(SHIFTED), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	expect_policy();
	root_expect_clean();
}

/* A whole range, with what Plinth looks at in it: the policy stands at the bottom, and stays when they go. */
Test(msrs, a_range_over_the_policy)
{
	root_loaded(&model_kinds[0], 1);
	cr_assert_eq(enlist(ALL_READS), 0);
	cr_assert_eq(enlist(WRITES_BELOW), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect(model_msr_exits(0, 0, true));
	cr_expect(model_msr_exits(0, 0x1fff, false));
	cr_expect(model_msr_exits(0, 0xc0001fff, false));
	cr_expect_not(model_msr_exits(0, 0xc0001fff, true));
	cr_expect_not(writes(APIC_BASE, 0xfed00800));
	cr_expect_eq(last.msr, APIC_BASE);
	cr_expect_eq(changes, 0);
	cr_assert_eq(machine_stop(), 0);
	cr_expect_eq(withdraw(ALL_READS), 0);
	cr_expect_eq(withdraw(WRITES_BELOW), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	expect_policy();
	root_expect_clean();
}

Test(msrs, what_cannot_be_registered)
{
	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(enlist(EMPTY), PLINTH_E_INVAL);
	cr_expect_eq(enlist(NOTHING), PLINTH_E_INVAL);
	cr_expect_eq(enlist(UNKNOWN), PLINTH_E_INVAL);
	cr_expect_eq(enlist(NOBODY), PLINTH_E_INVAL);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	expect_policy();
}

/*
 * The CPU changes it between root mode and guest, and only the CPU knows what may be written: told by name.
 */
Test(msrs, writes_that_cannot_be_looked_at)
{
	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(enlist(DEBUG), PLINTH_E_NOTSUP);
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, fact_hex(DEBUGCTL)), 1);
	cr_expect_eq(withdraw(DEBUG), PLINTH_E_INVAL, "nothing stays");
	cr_expect_eq(enlist(DEBUG_READS), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	model.cpu[0].st.msr[MODEL_MSR_DEBUGCTL] = 2;
	cr_expect_eq(reads(DEBUGCTL), 2, "the guest's, not root mode's");
	cr_assert_eq(machine_stop(), 0);
	cr_expect_eq(withdraw(DEBUG_READS), 0);
}

/*
 * MSRs that root mode has values of its own of: a write changes the guest's, as the CPU would, and not root
 * mode's.
 */
Test(msrs, the_guests_own_values)
{
	static const struct {
		uint32_t msr;
		uint64_t good, bad;
		enum model_msr place;
	} cases[] = {
		{FS_BASE, 0xffffc90000000000, 0x0000800000000000, MODEL_MSR_FS_BASE},
		{FS_BASE + 1, 0x00007fffffffffff, 0x8000000000000000, MODEL_MSR_GS_BASE},
		{0x174, 0x33, 0, MODEL_MSR_SYSENTER_CS},
		{0x175, 0xffffc90000001000, 0x0000800000000000, MODEL_MSR_SYSENTER_ESP},
		{0x176, 0xffffffff81000000, 0x4000000000000000, MODEL_MSR_SYSENTER_EIP},
		{PAT, 0x0007050600070106, 0x0007040600070206, MODEL_MSR_PAT},
		{PAT, 0x0100000000000000, 0x0800000000000000, MODEL_MSR_PAT},
		{PAT, 0x0101010101010106, 0x0101010101010306, MODEL_MSR_PAT},
	};

	root_loaded(&model_kinds[0], 1);
	cr_assert_eq(enlist(SYSENTER), 0);
	cr_assert_eq(enlist(TYPES), 0);
	cr_assert_eq(enlist(BASES), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect(writes(cases[i].msr, cases[i].good), "MSR 0x%x", cases[i].msr);
		cr_expect_eq(model.cpu[0].st.msr[cases[i].place], cases[i].good, "MSR 0x%x", cases[i].msr);
		cr_expect_eq(reads(cases[i].msr), cases[i].good, "MSR 0x%x", cases[i].msr);
		cr_expect(!cases[i].bad || !writes(cases[i].msr, cases[i].bad), "MSR 0x%x", cases[i].msr);
		cr_expect_eq(reads(cases[i].msr), cases[i].good, "MSR 0x%x", cases[i].msr);
	}
	root_expect_clean();
}
