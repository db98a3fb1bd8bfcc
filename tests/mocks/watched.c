/* SPDX-License-Identifier: MIT */
#include "watched.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "model/internal.h"

#define PAGE PHYSICAL_PAGE

uint64_t watched_session;
uint8_t *watched_memory;
uint64_t watched_page;

/* -- the listener ------------------------------------------------------------------------------- */

int watched_message(uint32_t cpu, const struct events_message *m, void *answer, size_t room)
{
	struct model_cpu *c = &model.cpu[cpu];
	const struct vcpu_regs regs = c->regs;
	const uint64_t rip = c->rip;
	struct core_call call = {.cpu = cpu,
				 .name = EVENTS_NAME,
				 .in = m,
				 .in_bytes = sizeof(*m),
				 .out = answer,
				 .room = room};
	int err;

	sweep_count();
	report_clear(&machine.report);
	err = core_call(machine.core, &call, &machine.report);
	c->regs = regs;
	c->rip = rip;
	return err;
}

int watched_listen(uint32_t cpu, uint64_t lease, uint64_t *out)
{
	const struct events_message m = {.op = EVENTS_LISTEN, .lease = lease};
	struct events_session answer = {0};
	int err = watched_message(cpu, &m, &answer, sizeof(answer));

	*out = answer.session;
	return err;
}

int watched_set(uint64_t address, uint32_t access)
{
	const struct events_message m = {
		.op = EVENTS_WATCH_PAGE, .session = watched_session, .address = address, .access = access};

	return watched_message(0, &m, NULL, 0);
}

int watched_end(void)
{
	const struct events_message m = {.op = EVENTS_END, .session = watched_session};

	return watched_message(0, &m, NULL, 0);
}

struct events_answer watched_answer;

uint32_t watched_poll(uint32_t cpu)
{
	const struct events_message m = {
		.op = EVENTS_POLL, .session = watched_session, .lease = WATCHED_LEASE};

	memset(&watched_answer, 0, sizeof(watched_answer));
	cr_expect_eq(watched_message(cpu, &m, &watched_answer, sizeof(watched_answer)), 0, "%s: %s",
		     sweep_case(), machine.report.text);
	return watched_answer.n;
}

void watched_settle(void)
{
	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++)
		(void)watched_poll(cpu);
}

/* -- a guest -------------------------------------------------------------------------------------- */

void watched_start(const struct model_kind *kind, uint32_t n_cpus)
{
	machine_reset(kind, n_cpus);
	machine_add("events");
	machine_add("greedy");
	cr_assert_eq(sweep_started(), 0, "%s: %s", sweep_case(), machine.report.text);
	watched_memory = physical_alloc(1, PAGE);
	watched_page = physical_of(watched_memory);
}

void watched_power_on(uint32_t n_cpus, uint32_t access)
{
	watched_start(&model_kinds[0], n_cpus);
	cr_assert_eq(watched_listen(0, WATCHED_LEASE, &watched_session), 0, "%s: %s", sweep_case(),
		     machine.report.text);
	cr_assert_eq(watched_set(watched_page, access), 0, "%s: %s", sweep_case(), machine.report.text);
	watched_settle();
}

uint32_t watched_may(uint32_t cpu)
{
	return translation_of(cpu, watched_page).access;
}

/* It exits if it has to. Return: did it? */
bool watched_exits(uint32_t cpu, uint64_t gpa, uint32_t access)
{
	const struct model_exit exit = {
		.kind = PLINTH_EXIT_SLAT_VIOLATION, .physical = gpa, .access = access, .length = 3};
	struct model_cpu *c = &model.cpu[cpu];

	if ((translation_of(cpu, gpa).access & access) == access)
		return false;
	sweep_count();
	c->event.info = 0;
	c->rip = WATCHED_RIP;
	c->st.cr3 = WATCHED_CR3;
	cr_assert_eq(model_exit(cpu, &exit), MODEL_GUEST, "%s", sweep_case());
	cr_expect_eq(c->event.info, 0, "%s: a fault for the guest", sweep_case());
	cr_expect_eq(c->rip, WATCHED_RIP, "%s: it is tried again", sweep_case());
	return true;
}

void watched_carry_out(uint32_t cpu, uint32_t access)
{
	cr_expect(watched_exits(cpu, watched_page + 8, access), "%s", sweep_case());
	cr_expect_eq(watched_may(cpu), WATCHED_ALL, "%s: it gets by", sweep_case());
	cr_expect(sweep_comes_back(cpu), "%s: for an instruction", sweep_case());
	if (access & WRITE)
		watched_memory[8]++;
	sweep_step(cpu);
}
