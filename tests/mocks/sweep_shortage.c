/* SPDX-License-Identifier: MIT */
/*
 * A module takes all of something, and the next CPU finds none: the error says what is short, who has it,
 * what helps.
 */
#include "sweep.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "greedy.h"
#include "model/internal.h"

static uint64_t call_greedy(enum greedy_what what)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	struct model_cpu *cpu = &model.cpu[0];
	const struct model_cpu before = *cpu;
	uint64_t answer;

	cpu->regs.rax = GREEDY_FIRST + what;
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST, "%s", sweep_case());
	answer = cpu->regs.rax;
	cpu->regs = before.regs;
	cpu->rip = before.rip;
	return answer;
}

static int cpu_1(bool comes)
{
	int err;

	core_lock();
	report_clear(&machine.report);
	err = comes ? core_cpu_online(machine.core, 1, &machine.report)
		    : core_cpu_offline(machine.core, 1, &machine.report);
	core_unlock();
	return err;
}

/* What CPU 1 has, too, is taken while it is away. */
static void try_one(enum greedy_what what, enum plinth_shortage_kind kind, const char *const *facts)
{
	sweep_label("all of number %d is taken", what);
	machine_reset(&model_kinds[0], 2);
	machine_add("greedy");
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	cr_assert_eq(cpu_1(false), 0, "%s: %s", sweep_case(), machine.report.text);
	cr_assert_gt(call_greedy(what), 0, "%s", sweep_case());
	cr_expect_eq(cpu_1(true), PLINTH_E_NOMEM, "%s: %s", sweep_case(), machine.report.text);
	cr_expect_eq(core_shared_region(machine.core)->shortage.kind, kind, "%s", sweep_case());
	cr_expect(facts_in(machine.report.text, FACTS("CPU 1", plinth_strerror(PLINTH_E_NOMEM))), "%s: %s",
		  sweep_case(), machine.report.text);
	cr_expect(facts_in(machine.report.text, facts), "%s: %s", sweep_case(), machine.report.text);
	cr_expect_eq(call_greedy(GREEDY_GIVE_BACK), 0);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

Test(shortage, of_the_heap)
{
	try_one(GREEDY_HEAP, PLINTH_SHORTAGE_HEAP, FACTS("heap", "greedy", "load"));
}

Test(shortage, of_pages)
{
	try_one(GREEDY_PAGES, PLINTH_SHORTAGE_PAGES, FACTS("pool", "ept"));
}

Test(shortage, of_addresses)
{
	try_one(GREEDY_ADDRESSES, PLINTH_SHORTAGE_ADDRESSES, FACTS("stop", "start"));
}
