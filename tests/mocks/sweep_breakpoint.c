/* SPDX-License-Identifier: MIT */
/*
 * A breakpoint that cannot be read (examples/hidden_breakpoint): executed from a copy, read in its own place
 * by the CPU that reads alone, and gone before anything is written there.
 */
#include "exits.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "model/internal.h"
#include "model/translation.h"

#define PAGE  PHYSICAL_PAGE
#define ALL   (READ | WRITE | FETCH)
#define WHERE 0x123u /* of the instruction in its page */

static uint8_t *code;
static uint64_t code_page;

static int ask_breakpoint(uint32_t cpu, const uint64_t *address, uint64_t *answer)
{
	struct model_cpu *c = &model.cpu[cpu];
	const struct vcpu_regs regs = c->regs;
	const uint64_t rip = c->rip;
	struct core_call call = {.cpu = cpu,
				 .name = "hidden_breakpoint",
				 .in = address,
				 .in_bytes = address ? sizeof(*address) : 0,
				 .out = answer,
				 .room = sizeof(*answer)};
	int err;

	sweep_count();
	*answer = ~0ull;
	report_clear(&machine.report);
	err = core_call(machine.core, &call, &machine.report);
	c->regs = regs;
	c->rip = rip;
	return err;
}

static void breakpoint_power_on(uint32_t n_cpus)
{
	machine_reset(&model_kinds[0], n_cpus);
	machine_add("hidden_breakpoint");
	cr_assert_eq(sweep_started(), 0, "%s: %s", sweep_case(), machine.report.text);
	code = physical_alloc(2, PAGE);
	code_page = physical_of(code);
	for (unsigned int i = 0; i < PAGE; i++)
		code[i] = (uint8_t)(i * 7);
}

static void hide_it(void)
{
	const uint64_t address = code_page + WHERE;
	uint64_t done = 0;

	for (uint32_t cpu = 0; cpu < model.n_cpus && !done; cpu++)
		cr_assert_eq(ask_breakpoint(cpu, &address, &done), 0, "%s: %s", sweep_case(),
			     machine.report.text);
	cr_assert_eq(done, 1, "%s", sweep_case());
	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++)
		cr_assert_eq(ask_breakpoint(cpu, &address, &done), 0, "said again: it is there");
}

static void touches(uint32_t cpu, uint32_t access)
{
	const struct model_exit exit = {
		.kind = PLINTH_EXIT_SLAT_VIOLATION, .physical = code_page + WHERE, .access = access};
	struct model_cpu *c = &model.cpu[cpu];
	const uint64_t rip = c->rip;

	c->event.info = 0;
	cr_assert_eq(model_exit(cpu, &exit), MODEL_GUEST, "%s", sweep_case());
	cr_expect_eq(c->event.info, 0, "%s: a fault for the guest", sweep_case());
	cr_expect_eq(c->rip, rip, "%s: it is tried again", sweep_case());
}

static void expect_code_itself(uint32_t cpu)
{
	const struct translation t = translation_of(cpu, code_page);

	cr_expect_eq(t.pa, code_page, "%s: CPU %u", sweep_case(), cpu);
	cr_expect_eq(t.access, ALL, "%s: CPU %u may %u", sweep_case(), cpu, t.access);
}

/* All but one byte as it was, and nothing but executing. */
static void expect_hidden_on(uint32_t cpu)
{
	const struct translation t = translation_of(cpu, code_page);
	const uint8_t *copy = physical_at(t.pa);

	cr_expect_neq(t.pa, code_page, "%s: CPU %u", sweep_case(), cpu);
	cr_expect_eq(t.access, FETCH, "%s: CPU %u may %u", sweep_case(), cpu, t.access);
	for (unsigned int i = 0; i < PAGE; i++)
		cr_expect_eq(copy[i], i == WHERE ? 0xcc : (uint8_t)(i * 7), "byte %u", i);
}

Test(breakpoint, executed_and_not_read)
{
	uint64_t reads;

	sweep_label("hidden");
	breakpoint_power_on(2);
	hide_it();
	expect_hidden_on(0);
	expect_hidden_on(1);
	touches(1, READ);
	expect_code_itself(1);
	expect_hidden_on(0);
	sweep_step(1);
	expect_hidden_on(1);
	cr_expect_eq(code[WHERE], (uint8_t)(WHERE * 7), "the code itself is as it was");
	cr_expect_eq(ask_breakpoint(0, NULL, &reads), 0, "%s", machine.report.text);
	cr_expect_eq(reads, 1);
	expect_code_itself(0);
	expect_code_itself(1);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

Test(breakpoint, a_write_ends_it)
{
	uint64_t answer;

	sweep_label("written to");
	breakpoint_power_on(2);
	hide_it();
	touches(0, WRITE);
	expect_code_itself(0);
	cr_expect_not(sweep_comes_back(0));
	expect_code_itself(1);
	cr_expect_eq(ask_breakpoint(1, NULL, &answer), 0, "taken back once more");
	hide_it();
	expect_hidden_on(0);
	sweep_expect_clean();
}

/* Set and taken back in the middle, for as long as CPUs may go by what was. */
Test(breakpoint, one_at_a_time)
{
	uint64_t address, answer;

	sweep_label("one at a time");
	breakpoint_power_on(1);
	address = 0xfee00000;
	cr_expect_eq(ask_breakpoint(0, &address, &answer), PLINTH_E_PERM);
	hide_it();
	address = code_page + PAGE;
	cr_expect_eq(ask_breakpoint(0, &address, &answer), PLINTH_E_BUSY);
	expect_hidden_on(0);
	cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(ask_breakpoint(0, NULL, &answer), PLINTH_E_STATE);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	expect_hidden_on(0);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

/* What is read there cannot be shown without a step: then the breakpoint gives way. */
Test(breakpoint, where_no_cpu_can_step)
{
	static struct model_kind kind;

	sweep_label("no steps");
	kind = model_kinds[0];
	kind.caps.primary &= ~(1ull << (32 + 27));
	machine_reset(&kind, 1);
	machine_add("hidden_breakpoint");
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	code = physical_alloc(1, PAGE);
	code_page = physical_of(code);
	hide_it();
	touches(0, READ);
	expect_code_itself(0);
	sweep_expect_clean();
}
