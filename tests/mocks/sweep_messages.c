/* SPDX-License-Identifier: MIT */
/*
 * Messages to an extension, by the shipped modules: in every state, on every CPU, with and without
 * second-level translation, with every call failing; and whatever a guest's kernel writes into the mailbox.
 */
#include "exits.h"

#include <stdio.h>
#include <string.h>

#include "drivers/common/internal.h"
#include "extension.h"
#include "lib/exit_kind.h"

static uint8_t in[PLINTH_CALL_BYTES + 1], out[PLINTH_CALL_BYTES + 1];

static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};

static int send_to(const char *name, uint32_t cpu, uint64_t bytes, uint64_t room, uint64_t *answered)
{
	struct core_call call = {.cpu = cpu, .in = in, .in_bytes = bytes, .out = out, .room = room};
	int err;

	strcpy(call.name, name);
	report_clear(&machine.report);
	err = core_call(machine.core, &call, &machine.report);
	cr_expect_eq(err != 0, machine.report.used != 0, "%s: words if and only if it fails: %d, %s",
		     sweep_case(), err, machine.report.text);
	*answered = call.out_bytes;
	return err;
}

/* The guest's registers are its own again: a process would not be in the middle of the driver's hypercall. */
static int echo(uint32_t cpu, uint64_t bytes)
{
	const struct model_cpu before = model.cpu[cpu];
	uint64_t answered = 0;
	int err;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 11 + cpu + bytes);
	memset(out, 0, sizeof(out));
	err = send_to("echo", cpu, bytes, PLINTH_CALL_BYTES, &answered);
	model.cpu[cpu].rip = before.rip;
	model.cpu[cpu].regs = before.regs;
	if (err)
		return err;
	cr_expect_eq(answered, bytes, "%s", sweep_case());
	cr_expect_eq(memcmp(in, out, bytes), 0, "%s: another answer", sweep_case());
	cr_expect_eq(out[bytes], 0, "%s: more than the answer", sweep_case());
	return 0;
}

static void power_on_with_echo(const struct model_kind *kind, uint32_t n_cpus, bool hides)
{
	machine_reset(kind, n_cpus);
	if (hides)
		machine_add("counters");
	else
		machine_replace("ept", "counters");
}

/* Its own counters, or, before there are any, which CPU it is. */
static void expect_counters(uint32_t cpu, bool is_running)
{
	const struct model_cpu before = model.cpu[cpu];
	char wanted[32];
	uint64_t answered = 0;

	memset(out, 0, sizeof(out));
	cr_expect_eq(send_to("counters", cpu, 0, PLINTH_CALL_BYTES, &answered), 0, "%s: %s", sweep_case(),
		     machine.report.text);
	snprintf(wanted, sizeof(wanted), "cpu %u\n", cpu);
	cr_expect_eq(strncmp((char *)out, wanted, strlen(wanted)), 0, "%s: %s", sweep_case(), out);
	cr_expect_eq(strstr((char *)out, exit_kind_name(PLINTH_EXIT_HYPERCALL)) != NULL, is_running, "%s: %s",
		     sweep_case(), out);
	cr_expect_eq(answered, strlen((char *)out), "%s", sweep_case());
	cr_expect_eq(send_to("counters", cpu, 1, PLINTH_CALL_BYTES, &answered), PLINTH_E_INVAL, "%s",
		     sweep_case());
	cr_expect_eq(send_to("counters", cpu, 0, 3, &answered), PLINTH_E_LIMIT, "%s", sweep_case());
	model.cpu[cpu].rip = before.rip;
	model.cpu[cpu].regs = before.regs;
}

static const char *owner_of(uint64_t handler)
{
	for (uint32_t i = 0; i < machine.core->n_modules; i++) {
		const struct plinth_ctl_module *about = &machine.core->modules[i].about;

		if (handler - about->base_va < about->bytes)
			return about->name;
	}
	return "nobody";
}

/* All that is registered has an owner that is loaded, and what the extension takes is the extension's. */
static void expect_owners(bool hides)
{
	const struct model_cpu before = model.cpu[0];
	const struct plinth_ctl_registration *row = (const void *)out;
	unsigned int of_extension = 0, of_entry = 0, of_ept = 0;
	uint64_t answered = 0;

	cr_expect_eq(send_to(PLINTH_CALL_REGISTRATIONS, 0, 0, PLINTH_CALL_BYTES, &answered), 0, "%s: %s",
		     sweep_case(), machine.report.text);
	for (uint64_t i = 0; i < answered / sizeof(*row); i++) {
		const char *owner = owner_of(row[i].handler);
		const bool is_name = row[i].sort == PLINTH_REGISTERED_NAME;

		cr_expect_neq(strcmp(owner, "nobody"), 0, "%s: row %u", sweep_case(), (unsigned int)i);
		of_extension += is_name && !strcmp(owner, "counters");
		of_entry += !strcmp(owner, "entry");
		of_ept += !strcmp(owner, "ept");
	}
	cr_expect_eq(of_extension, 2, "%s: counters and echo", sweep_case());
	cr_expect_eq(of_entry, 3, "%s: two hypercalls and a name", sweep_case());
	cr_expect_eq(of_ept > 0, hides, "%s", sweep_case());
	model.cpu[0].rip = before.rip;
	model.cpu[0].regs = before.regs;
}

static void talk(bool is_running, bool hides)
{
	static const uint64_t sizes[] = {0, 1, 8, 4025, PLINTH_CALL_BYTES};
	struct machine_world before;
	uint64_t answered;

	machine_snapshot(&before);
	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			sweep_count();
			cr_expect_eq(echo(cpu, sizes[i]), 0, "%s: %s", sweep_case(), machine.report.text);
		}
		expect_counters(cpu, is_running);
	}
	expect_owners(hides);
	cr_expect_eq(send_to("echo", 0, PLINTH_CALL_BYTES + 1, 0, &answered), PLINTH_E_LIMIT);
	cr_expect_eq(send_to("echo", model.n_cpus, 0, 0, &answered), PLINTH_E_STATE);
	sweep_expect_same(&before);
	cr_expect_eq(send_to("nobody", 0, 0, 0, &answered), PLINTH_E_NAME);
	cr_expect(strstr(machine.report.text, "counters") && strstr(machine.report.text, "echo"),
		  "who answers: %s", machine.report.text);
	sweep_expect_clean();
}

static void live(const struct model_kind *kind, uint32_t n_cpus, bool hides)
{
	struct machine_world empty;

	sweep_label("messages, %s, %u CPUs, %s", kind->name, n_cpus, hides ? "ept" : "no ept");
	power_on_with_echo(kind, n_cpus, hides);
	machine_snapshot(&empty);
	cr_assert_eq(machine_load(), 0, "%s: %s", sweep_case(), machine.report.text);
	talk(false, hides);
	if (!machine_start()) {
		talk(true, hides);
		cr_expect_eq(machine_stop(), 0, "%s: %s", sweep_case(), machine.report.text);
		talk(false, hides);
	}
	cr_expect_eq(machine_unload(), 0, "%s: %s", sweep_case(), machine.report.text);
	sweep_expect_same(&empty);
	sweep_expect_clean();
}

Test(messages, there_and_back)
{
	for (unsigned int kind = 0; kind < model_n_kinds; kind++)
		for (unsigned int hides = 0; hides < 2; hides++)
			for (uint32_t n_cpus = 1; n_cpus <= SWEEP_CPUS; n_cpus *= 2)
				live(&model_kinds[kind], n_cpus, hides);
	sweep_report("messages to an extension");
}

/* -- what fails ------------------------------------------------------------------------------------ */

static void fail_each(bool is_running)
{
	struct machine_world before;
	uint32_t n = 0, hits;

	machine_snapshot(&before);
	do {
		int err;

		sweep_label("a message, %s, fault %u", is_running ? "running" : "loaded", ++n);
		sweep_count();
		model_arm(n, 0);
		err = echo(1, 100);
		hits = model_disarm();
		cr_expect_eq(err < 0, hits, "%s: %d", sweep_case(), err);
		sweep_expect_same(&before);
		cr_expect_eq(echo(1, 100), 0, "%s: the next: %s", sweep_case(), machine.report.text);
		sweep_expect_same(&before);
		sweep_expect_clean();
	} while (hits);
	cr_expect_gt(n, is_running ? 2u : 1u, "%s", sweep_case());
}

Test(messages, calls_that_fail)
{
	power_on_with_echo(&model_kinds[0], 2, true);
	cr_assert_eq(machine_load(), 0);
	fail_each(false);
	cr_assert_eq(machine_start(), 0);
	fail_each(true);
	cr_expect_eq(sweep_stop_unload(), 0);
	sweep_report("messages that do not get there");
}

/*
 * The handler faults: the VMM is dead, that CPU and the others are Linux's again, and the state says so at
 * once.
 */
Test(messages, an_extension_that_faults)
{
	for (uint32_t cpu = 0; cpu < 3; cpu++) {
		uint64_t answered;

		sweep_label("a handler that faults on CPU %u", cpu);
		sweep_count();
		machine_reset(&model_kinds[0], 3);
		machine_add("extension");
		cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
		cr_expect_eq(send_to(EXTENSION_CALL_FAULT, cpu, 0, 0, &answered), PLINTH_E_CORRUPT);
		cr_expect(strstr(machine.report.text, EXTENSION_CALL_FAULT), "%s", machine.report.text);
		for (uint32_t i = 0; i < 3; i++)
			cr_expect_not(model.cpu[i].guest, "%s: CPU %u", sweep_case(), i);
		cr_expect_eq(send_to(EXTENSION_CALL_FAULT, 0, 0, 0, &answered), PLINTH_E_CORRUPT);
		sweep_expect_corrupt();
		sweep_expect_clean();
	}
	sweep_report("messages that the VMM dies of");
}

/* -- what a guest's kernel does ---------------------------------------------------------------------- */

Test(messages, only_the_driver_calls)
{
	enum { WRONG_RCX = 1, WRONG_RDX = 2, WRONG_CPL = 4, ALL = 8 };

	for (unsigned int wrong = 0; wrong < ALL; wrong++) {
		struct model_cpu *cpu = &model.cpu[0];

		sweep_label("call hypercall, wrong 0x%x", wrong);
		sweep_count();
		exits_power_on(&model_kinds[0]);
		memset(core_mailbox(machine.core), 0, OS_PAGE);
		exits_put_guest(wrong & WRONG_CPL ? USER : 0);
		cpu->regs.rax = PLINTH_HYPERCALL_CALL;
		cpu->regs.rcx = machine.random ^ (wrong & WRONG_RCX ? 1 : 0);
		cpu->regs.rdx = machine.random ^ (wrong & WRONG_RDX ? 1ull << 40 : 0);
		cr_expect_eq(model_exit(0, &vmcall), MODEL_GUEST, "%s", sweep_case());
		if (wrong)
			exits_expect_ud();
		else
			cr_expect_eq((int)cpu->regs.rax, PLINTH_E_INVAL, "no message: %d",
				     (int)cpu->regs.rax);
		sweep_expect_clean();
	}
	sweep_report("call hypercalls");
}

/* A mailbox that is nearly a message, or none at all. */
static void scribble(struct plinth_mailbox *box)
{
	static const char *const names[] = {"echo", "counters", "nobody", ""};
	static const uint64_t sizes[] = {0,    1,	   4031, PLINTH_CALL_BYTES, PLINTH_CALL_BYTES + 1,
					 4096, 1ull << 63, ~0ull};

	for (size_t i = 0; i < sizeof(*box) / 8; i++)
		((uint64_t *)box)[i] = sweep_draw(0);
	if (sweep_draw(0) % 8) {
		memset(box->name, 0, sizeof(box->name));
		strcpy(box->name, names[sweep_draw(0) % 4]);
	}
	box->in_bytes = sweep_draw(0) % 4 ? sizes[sweep_draw(0) % 8] : sweep_draw(0);
	box->room = sweep_draw(0) % 4 ? sizes[sweep_draw(0) % 8] : sweep_draw(0);
}

Test(messages, whatever_lies_in_the_mailbox)
{
	struct machine_world before;
	struct plinth_mailbox *box;
	unsigned int answers = 0;

	sweep_seed(0x9e3779b97f4a7c15ull);
	power_on_with_echo(&model_kinds[0], 1, true);
	cr_assert_eq(sweep_started(), 0);
	machine_snapshot(&before);
	box = core_mailbox(machine.core);
	for (unsigned int i = 0; i < 3000; i++) {
		const struct model_cpu guest = model.cpu[0];
		bool legal;
		int err;

		sweep_label("mailbox %u", i);
		sweep_count();
		scribble(box);
		legal = box->in_bytes <= PLINTH_CALL_BYTES && box->room <= PLINTH_CALL_BYTES;
		model.here = 0;
		err = os_vmm_ask(machine.core->stop_token);
		model.cpu[0].rip = guest.rip;
		model.cpu[0].regs = guest.regs;
		cr_expect(!err || err == PLINTH_E_INVAL || err == PLINTH_E_NAME, "%s: %d", sweep_case(), err);
		cr_expect(legal || err == PLINTH_E_INVAL, "%s: %d", sweep_case(), err);
		cr_expect(err || box->result || box->out_bytes <= box->room, "%s", sweep_case());
		answers += !err;
	}
	cr_expect_gt(answers, 100);
	sweep_expect_same(&before);
	sweep_expect_clean();
	cr_expect_eq(echo(0, 77), 0, "%s", machine.report.text);
	cr_expect_eq(sweep_stop_unload(), 0);
	sweep_report("what a guest writes into the mailbox");
}
