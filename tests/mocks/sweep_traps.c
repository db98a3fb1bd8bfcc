/* SPDX-License-Identifier: MIT */
/*
 * A page that an extension has trapped: its violations reach whoever handles them, registered before ept or
 * behind it, from all CPUs; nobody else's do, and what nobody handles is #GP.
 */
#include "sweep.h"

#include "model/internal.h"
#include "model/translation.h"
#include "trap.h"

#define KERNEL_RIP 0xffffffff81234567ull
#define LENGTH	   3u
#define INFO_GP	   0x80000b0du
#define GIB	   (1ull << 30)
#define FAR	   (200 * GIB)
#define CPUS	   2u

/* -- what a guest does -------------------------------------------------------------------- */

static uint64_t call_trap_page(uint32_t cpu, uint64_t number, uint64_t rcx, uint64_t rdx)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	struct model_cpu *c = &model.cpu[cpu];

	c->rip = KERNEL_RIP;
	c->event.info = 0;
	c->regs.rax = number;
	c->regs.rcx = rcx;
	c->regs.rdx = rdx;
	cr_assert_eq(model_exit(cpu, &vmcall), MODEL_GUEST, "%s", sweep_case());
	cr_expect_eq(c->event.info, 0, "%s: hypercall", sweep_case());
	return c->regs.rax;
}

/* What came of an access that the translation does not allow. */
enum came { DONE, REFUSED, AGAIN };

static enum came try_trapped(uint32_t cpu, uint64_t gpa, uint32_t access, uint64_t rax)
{
	struct model_cpu *c = &model.cpu[cpu];
	const struct model_exit exit = {
		.kind = PLINTH_EXIT_SLAT_VIOLATION, .physical = gpa, .access = access, .length = LENGTH};

	sweep_count();
	c->rip = KERNEL_RIP;
	c->event.info = 0;
	c->regs.rax = rax;
	cr_assert_eq(model_exit(cpu, &exit), MODEL_GUEST, "%s", sweep_case());
	if (c->event.info) {
		cr_expect_eq(c->event.info, INFO_GP, "%s: event 0x%x", sweep_case(), c->event.info);
		return REFUSED;
	}
	return c->rip == KERNEL_RIP ? AGAIN : DONE;
}

static void expect_counts(uint32_t cpu, uint64_t done, uint64_t others)
{
	cr_expect_eq(call_trap_page(cpu, TRAP_COUNT, 0, 0), done, "%s: accesses that reached the handler",
		     sweep_case());
	cr_expect_eq(model.cpu[cpu].regs.rdx, others, "%s: others", sweep_case());
}

/* -- orders of registration ----------------------------------------------------------------- */

static void trap(uint64_t gpa, uint32_t access)
{
	cr_assert_eq(call_trap_page(0, TRAP_SET, gpa, access), 0, "%s", sweep_case());
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		cr_expect_eq(translation_of(cpu, gpa).access, access, "%s", sweep_case());
}

/* Both CPUs, reads and writes in turn: a write of one is what the other reads. */
static void try_accesses(void)
{
	for (uint64_t i = 0; i < 8; i++) {
		uint32_t writer = i & 1, reader = writer ^ 1;

		cr_expect_eq(try_trapped(writer, TRAP_PAGE + 8 * i, WRITE, 0x1234 + i), DONE, "%s",
			     sweep_case());
		cr_expect_eq(try_trapped(reader, TRAP_PAGE + 8 * i, READ, 0), DONE, "%s", sweep_case());
		cr_expect_eq(model.cpu[reader].regs.rax, 0x1234 + i, "%s", sweep_case());
	}
	expect_counts(0, 16, 0);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		cr_expect_eq(translation_of(cpu, TRAP_PAGE).access, 0, "%s: still trapped", sweep_case());
}

/*
 * @above: the handler is asked first, about what is ept's business, too; below it hears only of what ept
 * leaves to it.
 */
static void try_others(bool above)
{
	cr_expect_eq(try_trapped(1, FAR, READ, 0), AGAIN, "%s: not there yet", sweep_case());
	cr_expect_eq(translation_of(1, FAR).pa, FAR, "%s", sweep_case());
	expect_counts(1, 16, above);
	cr_expect_eq(try_trapped(0, TRAP_NOT_OURS, WRITE, 0), REFUSED, "%s", sweep_case());
	expect_counts(1, 16, above + 1);
}

/* What is allowed from now on is ept's again; what is not still is the handler's. */
static void try_read_only(void)
{
	trap(TRAP_PAGE, READ);
	cr_expect_eq(try_trapped(0, TRAP_PAGE, WRITE, 7), DONE, "%s", sweep_case());
	cr_expect_eq(translation_of(0, TRAP_PAGE).access, READ, "%s", sweep_case());
}

static void try_order(const struct model_kind *kind, bool above)
{
	machine_reset(kind, CPUS);
	sweep_label("%s, registered %s ept", kind->name, above ? "behind" : "before");
	if (above) {
		machine_add("trap_handler");
	} else {
		machine_replace("ept", "trap_handler");
		machine_add("ept");
	}
	machine_add("trap_page");
	cr_assert_eq(sweep_started(), 0, "%s: %s", sweep_case(), machine.report.text);
	trap(TRAP_PAGE, 0);
	trap(TRAP_NOT_OURS, 0);
	try_accesses();
	try_others(above);
	try_read_only();
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		model.cpu[cpu].rip = KERNEL_RIP;
	cr_expect_eq(sweep_stop_unload(), 0, "%s: %s", sweep_case(), machine.report.text);
	sweep_expect_clean();
}

Test(traps, both_orders)
{
	static const struct model_change small = {.address_bits = 39, .lacks = MODEL_LACKS_1G};

	for (unsigned int above = 0; above < 2; above++) {
		try_order(&model_kinds[0], above);
		try_order(model_changed(&small), above);
	}
	sweep_report("accesses of trapped pages");
}

/* Nobody but ept: what is trapped is refused, each time. */
Test(traps, nobody_handles_them)
{
	sweep_label("no handler");
	machine_reset(&model_kinds[0], CPUS);
	machine_add("trap_page");
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	trap(TRAP_PAGE, 0);
	for (unsigned int i = 0; i < 8; i++)
		cr_expect_eq(try_trapped(i & 1, TRAP_PAGE, 1u << i % 3, 0), REFUSED);
	cr_expect_eq(translation_of(0, TRAP_PAGE).access, 0);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}
