/* SPDX-License-Identifier: MIT */
/*
 * Watched pages: what is recorded of an access, and that only the CPU that makes it gets by, and only for an
 * instruction.
 */
#include "watched.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "model/internal.h"
#include "trap.h"

#define PAGE PHYSICAL_PAGE

static uint64_t page_counters(uint64_t *pool)
{
	struct machine_world world;

	machine_snapshot(&world);
	*pool = world.vmm_pool;
	return world.vmm_heap;
}

/* -- what is recorded ----------------------------------------------------------------------------- */

Test(watched, a_write_is_recorded_and_done)
{
	const struct events_record *r = watched_answer.record;

	sweep_label("a write");
	watched_power_on(2, EVENTS_WRITE);
	cr_expect(watched_may(0) == (READ | FETCH) && watched_may(1) == (READ | FETCH));
	memset(watched_memory + 8, 0x11, 8);
	cr_expect_not(watched_exits(1, watched_page + 8, READ), "reading is not watched");
	watched_carry_out(1, WRITE);
	cr_expect_eq(watched_may(1), READ | FETCH, "it is watched again");
	cr_expect_eq(watched_poll(0), 0, "on the other CPU nothing happened");
	cr_assert_eq(watched_poll(1), 1);
	cr_expect(r->address == watched_page + 8 && r->rip == WATCHED_RIP && r->cr3 == WATCHED_CR3 &&
		  r->cpu == 1);
	cr_expect(r->kind == EVENTS_PAGE && r->access == EVENTS_WRITE && r->flags == EVENTS_DONE);
	cr_expect_eq(r->before, 0x1111111111111111ull);
	cr_expect_eq(r->after, 0x1111111111111112ull);
	cr_expect_eq(watched_poll(1), 0, "an event is told once");
	cr_expect_eq(watched_answer.lost, 0);
	cr_expect_eq(watched_end(), 0, "%s", machine.report.text);
	for (uint32_t cpu = 0; cpu < 2; cpu++)
		cr_expect_eq(watched_may(cpu), WATCHED_ALL);
	sweep_expect_clean();
}

/* The others do not get by what one passes: that is what its own tables are for. */
Test(watched, only_the_cpu_that_does_it_gets_by)
{
	sweep_label("two CPUs");
	watched_power_on(2, EVENTS_READ | EVENTS_WRITE);
	cr_expect(watched_exits(0, watched_page, WRITE));
	cr_expect_eq(watched_may(0), WATCHED_ALL);
	cr_expect_not(watched_may(1) & (READ | WRITE), "the other one does not");
	cr_expect(watched_exits(1, watched_page, READ));
	sweep_step(0);
	cr_expect_eq(watched_may(1), WATCHED_ALL, "each for itself");
	cr_expect_not(watched_may(0) & (READ | WRITE));
	sweep_step(1);
	cr_expect_eq(watched_poll(0), 1);
	cr_expect_eq(watched_poll(1), 1);
	sweep_expect_clean();
}

static void try_access_bits(uint32_t access)
{
	sweep_label("access %u", access);
	watched_power_on(1, access);
	for (uint32_t wanted = READ; wanted <= FETCH; wanted <<= 1) {
		const bool exits = watched_exits(0, watched_page, wanted);

		if (exits)
			sweep_step(0);
		cr_expect(exits || !(wanted & access), "%s: %u is not seen", sweep_case(), wanted);
		cr_expect_eq(watched_poll(0), (wanted & access) != 0, "%s: %u", sweep_case(), wanted);
	}
	cr_expect_eq(watched_end(), 0);
	cr_expect_eq(watched_may(0), WATCHED_ALL, "%s", sweep_case());
	sweep_expect_clean();
}

Test(watched, every_kind_of_access)
{
	for (uint32_t access = 1; access <= EVENTS_READ + EVENTS_WRITE + EVENTS_EXECUTE; access++)
		try_access_bits(access);
}

Test(watched, more_than_there_is_room_for)
{
	sweep_label("a ring that is full");
	watched_power_on(1, EVENTS_WRITE);
	for (uint32_t i = 0; i < EVENTS_RING + 6; i++)
		watched_carry_out(0, WRITE);
	cr_expect_eq(watched_poll(0), EVENTS_RING);
	cr_expect_eq(watched_answer.lost, 6);
	cr_expect_eq(watched_answer.record[EVENTS_RING - 1].after & 0xff, EVENTS_RING, "the oldest are kept");
	watched_carry_out(0, WRITE);
	cr_expect_eq(watched_poll(0), 1);
	cr_expect_eq(watched_answer.lost, 6);
	sweep_expect_clean();
	sweep_report("accesses of watched pages");
}

/* The step ended before the access was made, because something else came first; it comes again. */
Test(watched, what_another_access_overtakes)
{
	sweep_label("overtaken");
	watched_power_on(1, EVENTS_WRITE);
	cr_expect(watched_exits(0, watched_page, WRITE));
	cr_expect_eq(watched_poll(0), 1);
	cr_expect_eq(watched_answer.record[0].flags, 0, "nobody knows what became of it");
	sweep_step(0);
	cr_expect_eq(watched_poll(0), 0);
	sweep_expect_clean();
}

Test(watched, the_listener_itself_is_not_recorded)
{
	sweep_label("the listener's own");
	watched_start(&model_kinds[0], 1);
	model.cpu[0].st.cr3 = WATCHED_CR3;
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0);
	cr_assert_eq(watched_set(watched_page, EVENTS_WRITE), 0);
	watched_carry_out(0, WRITE);
	cr_expect_eq(watched_poll(0), 0);
	cr_expect_eq(watched_answer.lost, 0);
	sweep_expect_clean();
}

/* -- whose tables ------------------------------------------------------------------------------------ */

static void trap_beside(uint32_t cpu, uint32_t access)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	struct model_cpu *c = &model.cpu[cpu];
	const struct vcpu_regs regs = c->regs;

	c->regs.rax = TRAP_SET;
	c->regs.rcx = watched_page + PAGE;
	c->regs.rdx = access;
	cr_assert_eq(model_exit(cpu, &vmcall), MODEL_GUEST, "%s", sweep_case());
	cr_expect_eq(c->regs.rax, 0, "%s", sweep_case());
	c->regs = regs;
}

static void comes_by(uint32_t cpu)
{
	static const struct model_exit asks_cpuid = {.kind = PLINTH_EXIT_CPUID, .length = 2};

	cr_assert_eq(model_exit(cpu, &asks_cpuid), MODEL_GUEST, "%s", sweep_case());
}

/* Somebody decides about the page beside it while a CPU goes by the view: it holds there from a flush on. */
Test(watched, what_is_decided_meanwhile)
{
	sweep_label("decided meanwhile");
	machine_reset(&model_kinds[0], 2);
	machine_add("events");
	machine_add("trap_page");
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	watched_memory = physical_alloc(2, PAGE);
	watched_page = physical_of(watched_memory);
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0);
	cr_assert_eq(watched_set(watched_page, EVENTS_WRITE), 0, "%s", machine.report.text);
	cr_expect(watched_exits(0, watched_page, WRITE));
	trap_beside(1, READ);
	comes_by(0);
	cr_expect_eq(translation_of(0, watched_page + PAGE).access, READ);
	cr_expect_eq(watched_may(0), WATCHED_ALL, "and it still gets by");
	trap_beside(1, WATCHED_ALL);
	(void)watched_exits(0, watched_page + PAGE, WRITE);
	cr_expect_eq(translation_of(0, watched_page + PAGE).access, WATCHED_ALL);
	cr_expect(sweep_comes_back(0));
	sweep_step(0);
	cr_expect_eq(watched_may(0), READ | FETCH);
	cr_expect_eq(watched_poll(0), 1);
	sweep_expect_clean();
}

/* Taken back and set again, in other places too: no more pages are taken for it. */
Test(watched, again_and_again)
{
	uint64_t pool, more;

	sweep_label("again");
	watched_power_on(2, EVENTS_WRITE);
	cr_expect_eq(watched_end(), 0);
	(void)page_counters(&pool);
	for (uint32_t i = 0; i < 100; i++) {
		cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0);
		cr_assert_eq(watched_set(watched_page + i % 3 * (2ull << 20), EVENTS_WRITE), 0, "%u: %s", i,
			     machine.report.text);
		watched_settle();
		cr_assert_eq(watched_end(), 0);
		for (uint32_t cpu = 0; cpu < 2; cpu++) {
			cr_assert_eq(watched_listen(cpu, 0, &watched_session), 0);
			cr_expect_eq(watched_may(cpu), WATCHED_ALL);
		}
	}
	(void)page_counters(&more);
	cr_expect_leq(more, pool + 2 * 4096, "it takes ever more: %lu, then %lu", pool, more);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}
