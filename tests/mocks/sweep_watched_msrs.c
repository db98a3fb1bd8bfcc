/* SPDX-License-Identifier: MIT */
/* Watched MSRs: set while no CPU is a guest; what is written is recorded and done; and then they exit no
 * more. */
#include "watched.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "model/internal.h"

#define LSTAR 0xc0000082u

static int watch_msr(uint64_t number)
{
	const struct events_message m = {
		.op = EVENTS_WATCH_MSR, .session = watched_session, .address = number};

	return watched_message(0, &m, NULL, 0);
}

static void load_events(uint32_t n_cpus)
{
	machine_reset(&model_kinds[0], n_cpus);
	machine_add("events");
	cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0, "%s", machine.report.text);
}

static void guest_writes(uint32_t cpu, uint32_t msr, uint64_t value)
{
	static const struct model_exit wrmsr = {.kind = PLINTH_EXIT_MSR_WRITE, .length = 2};
	struct model_cpu *c = &model.cpu[cpu];
	const struct vcpu_regs regs = c->regs;

	c->event.info = 0;
	c->rip = WATCHED_RIP;
	c->st.cr3 = WATCHED_CR3;
	c->regs.rcx = msr;
	c->regs.rax = (uint32_t)value;
	c->regs.rdx = value >> 32;
	cr_assert_eq(model_exit(cpu, &wrmsr), MODEL_GUEST, "%s", sweep_case());
	c->regs = regs;
}

Test(watched_msrs, a_write_is_recorded_and_done)
{
	const struct events_record *r = watched_answer.record;
	uint64_t *lstar;

	sweep_label("an MSR");
	load_events(2);
	cr_assert_eq(watch_msr(LSTAR), 0, "%s", machine.report.text);
	cr_assert_eq(watch_msr(LSTAR), 0, "said again: %s", machine.report.text);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	lstar = &model.cpu[1].st.msr[MODEL_MSR_LSTAR];
	guest_writes(1, LSTAR, 0xffffffff81000000);
	cr_expect_eq(*lstar, 0xffffffff81000000);
	cr_expect_eq(watched_poll(0), 0);
	cr_assert_eq(watched_poll(1), 1);
	cr_expect(r->kind == EVENTS_MSR && r->address == LSTAR && r->access == EVENTS_WRITE);
	cr_expect(r->flags == EVENTS_DONE && r->rip == WATCHED_RIP && r->cr3 == WATCHED_CR3);
	cr_expect_eq(r->before, 0xffffffff81c00080);
	cr_expect_eq(r->after, 0xffffffff81000000);
	guest_writes(1, LSTAR, 1ull << 60);
	cr_expect_neq(model.cpu[1].event.info, 0, "not canonical: #GP");
	cr_assert_eq(watched_poll(1), 1);
	cr_expect_eq(r->flags, 0, "it was refused");
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

/* Watched no more it is written as before; from the next stop on it does not exit either. */
Test(watched_msrs, ended)
{
	sweep_label("an MSR, ended");
	load_events(1);
	cr_assert_eq(watch_msr(LSTAR), 0, "%s", machine.report.text);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(watched_end(), 0);
	guest_writes(0, LSTAR, 0xffffffff81000000);
	cr_expect_eq(model.cpu[0].st.msr[MODEL_MSR_LSTAR], 0xffffffff81000000);
	model.cpu[0].st.cr3 = 2 * WATCHED_CR3; /* the listener's is another */
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0);
	cr_expect_eq(watched_poll(0), 0, "nobody was told");
	cr_expect_eq(watch_msr(LSTAR), 0, "it exits already: %s", machine.report.text);
	guest_writes(0, LSTAR, 0xffffffff82000000);
	cr_expect_eq(watched_poll(0), 1);
	cr_expect_eq(watched_end(), 0);
	cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(watch_msr(LSTAR), PLINTH_E_STATE, "it exits no more");
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

Test(watched_msrs, what_is_refused)
{
	sweep_label("MSRs that cannot be");
	load_events(1);
	cr_expect_eq(watch_msr(1ull << 32), PLINTH_E_INVAL);
	for (uint32_t i = 0; i < EVENTS_MSRS; i++)
		cr_expect_eq(watch_msr(LSTAR + i), 0, "%s", machine.report.text);
	cr_expect_eq(watch_msr(0x176), PLINTH_E_LIMIT);
	cr_expect_eq(watched_end(), 0);
	cr_expect_eq(watch_msr(LSTAR), PLINTH_E_STATE, "no session");
	cr_expect_eq(machine_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}
