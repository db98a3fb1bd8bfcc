/* SPDX-License-Identifier: MIT */
/*
 * MOV to control registers as a guest executes it: what masks and controls do not stop the CPU does by
 * itself. On CPUs of today and with bits that nobody knows yet, against the oracle.
 */
#include "exits.h"

#define CR4_TO_COME ((1ull << 33) | (1ull << 48) | (1ull << 63))
#define CR4_NEWER   (CR4_UINTR | CR4_LASS | CR4_LAM_SUP | CR4_FRED)
/* CET wants CR0.WP, and LA57 other tables: other tests have them. */
#define CR4_OLDER   (0xefffull | 0x07770000ull)

static struct model_kind with(uint64_t cr4, bool lam)
{
	struct model_kind kind = model_kinds[0];

	kind.cr4 = cr4;
	kind.lam = lam;
	return kind;
}

static void move(uint32_t cr, uint64_t value)
{
	exits_put_guest(0);
	model.cpu[0].regs.rax = value;
	sweep_label("%s: CR%u = 0x%llx of CR4 0x%llx", model.kind->name, cr, (unsigned long long)value,
		    (unsigned long long)model.kind->cr4);
	exits_try_mov(cr);
}

/* Each bit the other way, alone and with one that exits. */
static void move_every_bit(uint32_t cr, uint64_t ours)
{
	struct model_state now;
	uint64_t value;

	for (unsigned int i = 0; i < 2 * 64; i++) {
		exits_put_guest(0);
		model_visible(0, &now);
		value = cr ? now.cr4 : now.cr0;
		move(cr, value ^ 1ull << (i & 63) ^ (i >> 6 ? ours : 0));
	}
}

Test(control, every_bit)
{
	static const uint64_t offered[] = {CR4_OLDER, CR4_OLDER | CR4_NEWER,
					   CR4_OLDER | CR4_NEWER | CR4_TO_COME, ~0ull};

	for (size_t i = 0; i < sizeof(offered) / sizeof(*offered); i++) {
		struct model_kind kind = with(offered[i], false);

		exits_power_on(&kind);
		move_every_bit(0, CR0_NE);
		move_every_bit(4, CR4_VMXE);
	}
	sweep_report("MOV to CR0 and CR4 by a guest");
}

/* A CPU that leaves CR3 to its guest, and one that exits: there is no difference. */
Test(control, every_bit_of_cr3)
{
	static const char *const kinds[] = {"skylake", "no-true-controls"};

	for (unsigned int i = 0; i < 4; i++) {
		struct model_kind kind;

		for (unsigned int k = 0; k < model_n_kinds; k++)
			if (!strcmp(model_kinds[k].name, kinds[i & 1]))
				kind = model_kinds[k];
		kind.lam = i >> 1;
		exits_power_on(&kind);
		for (unsigned int bit = 0; bit < 2 * 64; bit++)
			move(3, (1ull << (bit & 63)) ^ (bit >> 6 ? CR3_LAM : 0));
	}
	sweep_report("MOV to CR3 by a guest");
}

static void expect_refusal(const struct model_kind *kind, const char *names)
{
	struct machine_world before;

	sweep_count();
	machine_reset(kind, 1);
	machine_snapshot(&before);
	cr_assert_eq(machine_load(), 0, "%s: %s", sweep_case(), machine.report.text);
	cr_expect_eq(machine_start(), PLINTH_E_NOTSUP, "%s", sweep_case());
	cr_expect(machine_logged(0, PLINTH_LOG_ERR, FACTS(names)), "%s: \"%s\"", sweep_case(), names);
	sweep_expect_clean();
}

Test(control, bits_in_use_that_nobody_knows)
{
	for (unsigned int bit = 29; bit < 64; bit++) {
		struct model_kind kind = with(~0ull, false);

		kind.cr4_extra = 1ull << bit;
		sweep_label("CR4 bit %u", bit);
		expect_refusal(&kind, kind.cr4_extra == CR4_FRED ? "fred=off" : "CR4");
	}
}

/* VMM code would fault at its first instruction: nothing of it may run. */
Test(control, separated_address_spaces)
{
	struct model_kind kind = with(CR4_OLDER | CR4_NEWER, false);
	struct machine_world before;

	kind.cr4_extra = CR4_LASS;
	sweep_label("CR4.LASS");
	machine_reset(&kind, 2);
	machine_snapshot(&before);
	cr_expect_eq(machine_load(), PLINTH_E_NOTSUP);
	cr_expect(strstr(machine.report.text, "CR4.LASS"), "%s", machine.report.text);
	sweep_expect_clean();
	sweep_expect_same(&before);
}

/* A process with masked pointers when the machine starts, and when it stops. */
Test(control, masked_pointers_come_and_go)
{
	struct model_kind kind = with(CR4_OLDER | CR4_NEWER, true);
	struct machine_world before;

	kind.cr4_extra = CR4_LAM_SUP;
	sweep_label("LAM");
	machine_reset(&kind, 2);
	for (unsigned int i = 0; i < 2; i++)
		model.cpu[i].st.cr3 |= CR3_LAM;
	machine_snapshot(&before);
	cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(model.cpu[1].st.cr3 & CR3_LAM, CR3_LAM);
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(machine_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
	sweep_expect_same(&before);
}

/* What CPUID says of both must fit. */
Test(control, features_that_are_not_shown)
{
	static const struct model_exit exit = {.kind = PLINTH_EXIT_CPUID, .length = 2};
	struct model_kind kind = with(~0ull, true);

	exits_power_on(&kind);
	for (uint64_t subleaf = 0; subleaf < 4; subleaf++) {
		exits_put_guest(0);
		model.cpu[0].regs = (struct vcpu_regs){.rax = 7, .rcx = subleaf};
		sweep_label("leaf 7, subleaf %llu", (unsigned long long)subleaf);
		exits_try(0, &exit);
		if (subleaf == 1)
			cr_expect_eq(model.cpu[0].regs.rax, CPUID_7_1_EAX_LAM, "0x%llx",
				     (unsigned long long)model.cpu[0].regs.rax);
	}
}
