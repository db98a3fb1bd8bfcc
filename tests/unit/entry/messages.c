/* SPDX-License-Identifier: MIT */
/*
 * Messages, from the mailbox to a handler and back: who may have which name, what a handler gets and may
 * answer, and what of a mailbox that the guest writes is believed.
 */
#include <string.h>

#include <plinth/call.h>
#include <plinth/entry.h>

#include "drivers/common/internal.h"
#include "root/root.h"

/* -- what the handlers found: nothing can be asserted on the VMM's stacks -------------------- */

static struct {
	unsigned int times;
	uint32_t cpu;
	const struct vcpu *vcpu;
	void *context;
	size_t in_bytes, room, aligned;
	uint8_t in[PLINTH_CALL_BYTES], in_later[PLINTH_CALL_BYTES];
	bool out_was_zero;
	int second; /* a call while one is answered */
} seen;

static int result;
static size_t claimed;

static struct plinth_mailbox *mailbox(void)
{
	return core_mailbox(machine.core);
}

static bool is_zero(const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (at[i])
			return false;
	return true;
}

static int note(struct call *call, void *context)
{
	seen.times++;
	seen.cpu = cpu_local()->cpu;
	seen.vcpu = cpu_local()->vcpu;
	seen.context = context;
	seen.in_bytes = call->in_bytes;
	seen.room = call->room;
	seen.aligned = ((uintptr_t)call->in | (uintptr_t)call->out) % 8;
	seen.out_was_zero = is_zero(call->out, PLINTH_CALL_BYTES);
	memcpy(seen.in, call->in, call->in_bytes);
	/* The guest changes its mind. */
	memset(mailbox(), 0xff, sizeof(*mailbox()));
	memcpy(seen.in_later, call->in, call->in_bytes);
	memset(call->out, 0xee, PLINTH_CALL_BYTES);
	call->out_bytes = claimed ? claimed : call->in_bytes;
	return result;
}

static int call_again(struct call *call, void *context)
{
	(void)call;
	(void)context;
	seen.second = entry_call(0);
	return 0;
}

static void post(const char *name, uint64_t in_bytes, uint64_t room)
{
	struct plinth_mailbox *box = mailbox();

	memset(&seen, 0, sizeof(seen));
	memset(box, 0x33, sizeof(*box));
	memset(box->name, 0, sizeof(box->name));
	memcpy(box->name, name, strnlen(name, sizeof(box->name)));
	box->in_bytes = in_bytes;
	box->room = room;
	box->result = 77;
	for (size_t i = 0; i < sizeof(box->body); i++)
		box->body[i] = (uint8_t)(i + 5);
}

static int through_the_gate(uint64_t a, uint64_t cpu)
{
	(void)a;
	return entry_call(cpu);
}

static const struct model_exit vmcall = {.reason = 18, .length = HYPERCALL_BYTES};

/* The driver's hypercall. */
static int from_the_guest(void)
{
	struct model_cpu *cpu = &model.cpu[0];

	cpu->regs = (struct vcpu_regs){
		.rax = PLINTH_HYPERCALL_CALL, .rcx = machine.random, .rdx = machine.random, .rbx = 0xb};
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST);
	cr_expect_eq(cpu->regs.rbx, 0xb, "other registers stay");
	return (int)cpu->regs.rax;
}

static bool is_running;

static int ask(void)
{
	return is_running ? from_the_guest() : root_call(through_the_gate, 0, 0);
}

static void come_up(bool running)
{
	is_running = running;
	running ? root_usual() : root_loaded(&model_kinds[0], 1);
}

static void go_down(void)
{
	if (is_running)
		cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(machine_unload(), 0, "%s", machine.report.text);
	root_expect_clean();
}

/* -- names ------------------------------------------------------------------------------------- */

Test(entry_messages, names)
{
	static const char *const bad[] = {
		"",	" ",	    "two words", "tab\t",
		"\x7f", "\xc3\xa4", "line\n",	 "a-name-that-has-32-characters-00"};
	char name[8] = "many-a";

	for (size_t i = 0; i < ARRAY_SIZE_OF(bad); i++)
		cr_expect_eq(call_register(bad[i], note, NULL), PLINTH_E_INVAL, "\"%s\"", bad[i]);
	cr_expect_eq(call_register(NULL, note, NULL), PLINTH_E_INVAL);
	cr_expect_eq(call_register("mine", NULL, NULL), PLINTH_E_INVAL);
	cr_expect_eq(call_register("mine", note, &result), 0);
	cr_expect_eq(call_register("mine", note, &result), PLINTH_E_BUSY);
	cr_expect_eq(call_register("mine", call_again, NULL), PLINTH_E_BUSY);
	cr_expect_eq(call_register(PLINTH_CALL_REGISTRATIONS, note, NULL), PLINTH_E_BUSY, "the VMM's own");
	for (unsigned int i = 2; i < CALL_REGISTRATIONS; i++, name[5]++)
		cr_expect_eq(call_register(name, note, NULL), 0, "%s", name);
	cr_expect_eq(call_register("one-more", note, NULL), PLINTH_E_LIMIT);
	cr_expect_eq(call_unregister("one-more", note, NULL), PLINTH_E_INVAL);
	cr_expect_eq(call_unregister(NULL, note, NULL), PLINTH_E_INVAL);
	cr_expect_eq(call_unregister("mine", call_again, &result), PLINTH_E_INVAL);
	cr_expect_eq(call_unregister("mine", note, NULL), PLINTH_E_INVAL);
	cr_expect_eq(call_unregister("mine", note, &result), 0);
	cr_expect_eq(call_unregister("mine", note, &result), PLINTH_E_INVAL, "once");
	cr_expect_eq(call_register("a-name-that-has-31-characters-0", note, NULL), 0, "the longest");
	cr_expect_eq(call_unregister("many-a", note, NULL), 0, "in any order");
	cr_expect_eq(call_unregister("many-n", note, NULL), 0);
	cr_expect_eq(call_register("one-more", note, NULL), 0);
}

/*
 * What the mailbox tells of all that is registered: the messages' names in their order, each with its
 * handler.
 */
static void expect_names(const char *const *names, size_t n)
{
	const struct plinth_ctl_registration *row = (const void *)mailbox()->body;
	size_t found = 0;

	cr_expect_eq(mailbox()->out_bytes % sizeof(*row), 0);
	for (uint64_t i = 0; i < mailbox()->out_bytes / sizeof(*row); i++) {
		if (row[i].sort != PLINTH_REGISTERED_NAME)
			continue;
		cr_assert_lt(found, n, "%s", row[i].name);
		cr_expect_eq(strcmp(row[i].name, names[found]), 0, "%s", row[i].name);
		cr_expect_eq(row[i].handler == (uint64_t)note, found > 0);
		found++;
	}
	cr_expect_eq(found, n);
}

Test(entry_messages, who_is_there)
{
	static const char *const names[] = {PLINTH_CALL_REGISTRATIONS, "first", "third"};

	for (unsigned int running = 0; running < 2; running++) {
		come_up(running);
		post("nobody", 4, PLINTH_CALL_BYTES);
		cr_expect_eq(ask(), PLINTH_E_NAME);
		expect_names(names, 1);
		cr_assert_eq(call_register("first", note, NULL), 0);
		cr_assert_eq(call_register("second", note, NULL), 0);
		cr_assert_eq(call_register("third", note, NULL), 0);
		cr_assert_eq(call_unregister("second", note, NULL), 0);
		post("second", 4, PLINTH_CALL_BYTES);
		cr_expect_eq(ask(), PLINTH_E_NAME);
		expect_names(names, 3);
		cr_expect_eq(seen.times, 0);
		cr_assert_eq(call_unregister("first", note, NULL) + call_unregister("third", note, NULL), 0);
		go_down();
	}
}

/* The same is the answer to a name of the VMM's own, for whoever has room for all of it. */
Test(entry_messages, what_is_registered)
{
	static const char *const names[] = {PLINTH_CALL_REGISTRATIONS, "first"};
	const struct plinth_ctl_registration *row;
	uint64_t bytes;

	cr_assert_eq(call_register("first", note, NULL), 0);
	for (unsigned int running = 0; running < 2; running++) {
		unsigned int own = 0;

		come_up(running);
		post(PLINTH_CALL_REGISTRATIONS, 0, PLINTH_CALL_BYTES);
		cr_expect_eq(ask(), 0);
		cr_expect_eq(mailbox()->result, 0);
		expect_names(names, 2);
		row = (const void *)mailbox()->body;
		bytes = mailbox()->out_bytes;
		for (uint64_t i = 0; i < bytes / sizeof(*row); i++)
			own += row[i].sort == PLINTH_REGISTERED_HYPERCALL &&
			       row[i].range[0] == row[i].range[1] &&
			       (row[i].range[0] == PLINTH_HYPERCALL_CALL ||
				row[i].range[0] == PLINTH_HYPERCALL_MAPS);
		cr_expect_eq(own, 2, "the driver's own hypercalls are registered as any");
		post(PLINTH_CALL_REGISTRATIONS, 0, bytes - 1);
		cr_expect_eq(ask(), 0);
		cr_expect_eq(mailbox()->result, PLINTH_E_LIMIT);
		post(PLINTH_CALL_REGISTRATIONS, 8, PLINTH_CALL_BYTES);
		cr_expect_eq(ask(), 0);
		cr_expect_eq(mailbox()->result, PLINTH_E_INVAL);
		go_down();
	}
}

/* -- a message ----------------------------------------------------------------------------------- */

Test(entry_messages, what_a_handler_gets_and_answers)
{
	static const size_t sizes[] = {0, 1, 8, 4031, PLINTH_CALL_BYTES};
	struct plinth_mailbox *box;

	cr_assert_eq(call_register("note", note, &seen), 0);
	for (unsigned int round = 0; round < 2; round++) {
		come_up(round);
		box = mailbox();
		for (size_t i = 0; i < ARRAY_SIZE_OF(sizes); i++) {
			const size_t n = sizes[i];

			post("note", n, PLINTH_CALL_BYTES);
			cr_expect_eq(ask(), 0);
			cr_expect_eq(seen.times, 1);
			cr_expect_eq(seen.cpu, 0);
			cr_expect_eq(seen.vcpu != NULL, is_running, "a vCPU in root mode only");
			cr_expect_eq(seen.context, &seen);
			cr_expect_eq(seen.in_bytes, n);
			cr_expect_eq(seen.room, PLINTH_CALL_BYTES);
			cr_expect_eq(seen.aligned, 0);
			cr_expect(seen.out_was_zero, "%zu: nothing of the last answer", n);
			cr_expect(!n || (seen.in[0] == 5 && seen.in[n - 1] == (uint8_t)(n + 4)));
			cr_expect_eq(memcmp(seen.in, seen.in_later, n), 0, "nobody changes it meanwhile");
			cr_expect_eq(box->out_bytes, n);
			cr_expect_eq(box->result, 0);
			for (size_t k = 0; k < n; k++)
				cr_assert_eq(box->body[k], 0xee, "%zu of %zu", k, n);
			if (n + 8 < PLINTH_CALL_BYTES)
				cr_expect_eq(box->body[n + 8], 0xff, "and no more is written");
		}
		go_down();
	}
}

Test(entry_messages, what_a_handler_must_not_answer)
{
	cr_assert_eq(call_register("note", note, NULL), 0);
	for (unsigned int round = 0; round < 2; round++) {
		come_up(round);
		claimed = 17;
		post("note", 4, 16);
		cr_expect_eq(ask(), 0);
		cr_expect_eq(seen.room, 16);
		cr_expect_eq(mailbox()->result, PLINTH_E_LIMIT);
		cr_expect_eq(mailbox()->out_bytes, 0);
		cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, "note", "17", "16"), 1);
		claimed = ~0ull;
		post("note", 4, PLINTH_CALL_BYTES);
		cr_expect_eq(ask(), 0);
		cr_expect_eq(mailbox()->result, PLINTH_E_LIMIT);
		claimed = 0;
		result = PLINTH_E_NOTSUP;
		post("note", 4, 4);
		cr_expect_eq(ask(), 0);
		cr_expect_eq(mailbox()->result, PLINTH_E_NOTSUP);
		cr_expect_eq(mailbox()->out_bytes, 0, "no answer");
		cr_expect_eq(mailbox()->body[0], 0xff);
		result = 3;
		post("note", 4, 4);
		cr_expect_eq(ask(), 0);
		cr_expect_eq(mailbox()->result, PLINTH_E_INVAL);
		result = 0;
		go_down();
	}
}

/* What lies there a guest's kernel may have written: nobody is asked, and no byte changes. */
Test(entry_messages, what_is_no_message)
{
	static const uint64_t sizes[] = {PLINTH_CALL_BYTES + 1, 1ull << 32, ~0ull};
	static struct plinth_mailbox before;
	char name[PLINTH_CALL_NAME];

	memset(name, 'x', sizeof(name));
	cr_assert_eq(call_register("note", note, NULL), 0);
	for (unsigned int round = 0; round < 2; round++) {
		come_up(round);
		for (unsigned int i = 0; i < 2 * ARRAY_SIZE_OF(sizes); i++) {
			post("note", i % 2 ? sizes[i / 2] : 0, i % 2 ? 0 : sizes[i / 2]);
			before = *mailbox();
			cr_expect_eq(ask(), PLINTH_E_INVAL);
			cr_expect_eq(memcmp(&before, mailbox(), sizeof(before)), 0);
		}
		post("", 0, 0);
		cr_expect_eq(ask(), PLINTH_E_INVAL);
		post("no te", 0, 0);
		cr_expect_eq(ask(), PLINTH_E_INVAL);
		post("note", 0, 0);
		memcpy(mailbox()->name, name, sizeof(name));
		cr_expect_eq(ask(), PLINTH_E_INVAL, "a name without an end");
		cr_expect_eq(seen.times, 0);
		go_down();
	}
}

Test(entry_messages, one_at_a_time)
{
	cr_assert_eq(call_register("again", call_again, NULL), 0);
	come_up(false);
	for (unsigned int i = 0; i < 2; i++) {
		post("again", 0, 0);
		cr_expect_eq(ask(), 0);
		cr_expect_eq(seen.second, PLINTH_E_BUSY);
	}
	go_down();
}
