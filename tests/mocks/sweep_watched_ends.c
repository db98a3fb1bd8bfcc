/* SPDX-License-Identifier: MIT */
/*
 * Watches that end or are refused: nothing stays watched when the listener ends, is not heard of any more, or
 * the VMM goes.
 */
#include "watched.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "greedy.h"
#include "model/internal.h"

#define PAGE PHYSICAL_PAGE

/* -- ends --------------------------------------------------------------------------------------------- */

Test(watched_ends, a_listener_that_is_not_heard_of)
{
	uint64_t other;

	sweep_label("lease");
	watched_start(&model_kinds[0], 2);
	cr_assert_eq(watched_listen(0, 0, &watched_session), 0);
	cr_assert_eq(watched_set(watched_page, EVENTS_WRITE), 0);
	cr_expect(watched_exits(0, watched_page, WRITE));
	cr_expect_eq(watched_may(0), WATCHED_ALL, "the next event takes it back");
	cr_expect_not(sweep_comes_back(0));
	cr_expect_eq(watched_set(watched_page, EVENTS_WRITE), PLINTH_E_STATE);
	cr_expect_eq(watched_listen(0, WATCHED_LEASE, &other), 0);
	cr_expect_neq(other, watched_session);
	cr_expect_eq(watched_listen(0, WATCHED_LEASE, &watched_session), PLINTH_E_BUSY, "one at a time");
	sweep_expect_clean();
}

/* What the one before has left, the next one does not see, and it ends. */
Test(watched_ends, the_next_listener_begins_with_nothing)
{
	sweep_label("the next");
	watched_start(&model_kinds[0], 1);
	cr_assert_eq(watched_listen(0, 1000000, &watched_session), 0);
	cr_assert_eq(watched_set(watched_page, EVENTS_WRITE), 0);
	watched_carry_out(0, WRITE);
	for (int i = 0; i < 1000; i++)
		(void)model_rdtsc();
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0, "%s", machine.report.text);
	cr_expect_eq(watched_may(0), WATCHED_ALL);
	cr_expect_eq(watched_poll(0), 0);
	sweep_expect_clean();
}

Test(watched_ends, the_vmm_stops_and_goes)
{
	sweep_label("stop");
	watched_power_on(2, EVENTS_WRITE);
	watched_carry_out(0, WRITE);
	cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(watched_poll(0), 1, "what was recorded is still there");
	watched_carry_out(1, WRITE);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

/* Given back in the middle of a step, it starts as any CPU does. */
Test(watched_ends, the_vmm_stops_in_a_step)
{
	sweep_label("stop in a step");
	watched_power_on(2, EVENTS_WRITE);
	cr_expect(watched_exits(1, watched_page, WRITE));
	cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_not(sweep_comes_back(1));
	cr_expect_eq(watched_may(1), READ | FETCH);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

/* -- what is refused --------------------------------------------------------------------------------- */

#define EXPECT_REFUSED(err, change)                                                                          \
	do {                                                                                                 \
		struct events_message m = {.op = EVENTS_WATCH_PAGE,                                          \
					   .session = watched_session,                                       \
					   .address = watched_page,                                          \
					   .access = EVENTS_WRITE};                                          \
		change;                                                                                      \
		cr_expect_eq(watched_message(0, &m, NULL, 0), err, "%s: %s", #change, machine.report.text);  \
		cr_expect_eq(watched_may(0), WATCHED_ALL, "%s", #change);                                    \
	} while (0)

Test(watched_ends, messages_that_cannot_be)
{
	sweep_label("messages");
	watched_start(&model_kinds[0], 1);
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0);
	EXPECT_REFUSED(PLINTH_E_INVAL, m.op = 0);
	EXPECT_REFUSED(PLINTH_E_INVAL, m.op = 9);
	EXPECT_REFUSED(PLINTH_E_INVAL, m.flags = 2);
	EXPECT_REFUSED(PLINTH_E_INVAL, m.reserved0 = 1);
	EXPECT_REFUSED(PLINTH_E_INVAL, m.access = 0);
	EXPECT_REFUSED(PLINTH_E_INVAL, m.access = 8);
	EXPECT_REFUSED(PLINTH_E_INVAL, m.address++);
	EXPECT_REFUSED(PLINTH_E_INVAL, m.address = 1ull << 63);
	EXPECT_REFUSED(PLINTH_E_STATE, m.session++);
	EXPECT_REFUSED(PLINTH_E_STATE, m.session = 0);
	EXPECT_REFUSED(PLINTH_E_PERM, m.address = machine.core->tables.root_pa);
	EXPECT_REFUSED(PLINTH_E_PERM, m.address = 0xfee00000);
	EXPECT_REFUSED(PLINTH_E_LIMIT, m.op = EVENTS_POLL);
	sweep_expect_clean();
}

Test(watched_ends, as_many_as_there_can_be)
{
	sweep_label("16 pages");
	watched_start(&model_kinds[0], 1);
	watched_memory = physical_alloc(EVENTS_PAGES + 1, PAGE);
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0);
	for (uint64_t i = 0; i < EVENTS_PAGES; i++) {
		watched_page = physical_of(watched_memory + i * PAGE);
		cr_expect_eq(watched_set(watched_page, EVENTS_WRITE), 0, "%lu: %s", i, machine.report.text);
		cr_expect_eq(watched_set(watched_page, EVENTS_READ), PLINTH_E_BUSY);
	}
	cr_expect_eq(watched_set(physical_of(watched_memory + EVENTS_PAGES * PAGE), EVENTS_WRITE),
		     PLINTH_E_LIMIT);
	for (uint64_t i = 0; i < EVENTS_PAGES; i++) {
		watched_page = physical_of(watched_memory + i * PAGE);
		cr_expect(watched_exits(0, watched_page, WRITE));
		sweep_step(0);
	}
	cr_expect_eq(watched_poll(0), EVENTS_PAGES);
	cr_expect_eq(watched_end(), 0);
	for (uint64_t i = 0; i <= EVENTS_PAGES; i++)
		cr_expect_eq(translation_of(0, physical_of(watched_memory + i * PAGE)).access, WATCHED_ALL);
	sweep_expect_clean();
}

Test(watched_ends, a_cpu_that_cannot_step)
{
	static struct model_kind kind;

	sweep_label("no steps");
	kind = model_kinds[0];
	kind.caps.primary &= ~(1ull << (32 + 27));
	watched_start(&kind, 1);
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0);
	EXPECT_REFUSED(PLINTH_E_NOTSUP, (void)m);
	sweep_expect_clean();
}

Test(watched_ends, before_there_is_a_guest)
{
	struct events_message m = {.op = EVENTS_WATCH_PAGE, .access = EVENTS_WRITE};

	sweep_label("loaded");
	machine_reset(&model_kinds[0], 1);
	machine_add("events");
	cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
	m.address = physical_of(physical_alloc(1, PAGE));
	cr_expect_eq(watched_listen(0, WATCHED_LEASE, &m.session), 0, "%s", machine.report.text);
	cr_expect_eq(watched_message(0, &m, NULL, 0), PLINTH_E_STATE);
	cr_expect_eq(machine_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

static uint64_t ask_greedy(enum greedy_what what)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	struct model_cpu *cpu = &model.cpu[0];
	const struct vcpu_regs regs = cpu->regs;
	const uint64_t rip = cpu->rip;
	uint64_t result;

	cpu->regs.rax = GREEDY_FIRST + what;
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST, "%s", sweep_case());
	result = cpu->regs.rax;
	cpu->regs = regs;
	cpu->rip = rip;
	return result;
}

Test(watched_ends, no_pages_are_left)
{
	sweep_label("an empty pool");
	watched_start(&model_kinds[0], 1);
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0);
	cr_assert_gt(ask_greedy(GREEDY_PAGES), 0);
	EXPECT_REFUSED(PLINTH_E_NOMEM, (void)m);
	cr_expect_eq(ask_greedy(GREEDY_GIVE_BACK), 0);
	cr_expect_eq(watched_set(watched_page, EVENTS_WRITE), 0, "%s", machine.report.text);
	watched_carry_out(0, WRITE);
	cr_expect_eq(watched_poll(0), 1);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}
