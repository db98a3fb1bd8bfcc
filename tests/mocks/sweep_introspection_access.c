/* SPDX-License-Identifier: MIT */
/*
 * What the driver asks for somebody: memory by the page tables that the CPU is on, all of it or nothing,
 * never the VMM's or what is no memory; and the CPU's registers.
 */
#include "process.h"

#include <stddef.h>
#include <string.h>

#include "drivers/common/internal.h"
#include "lib/pagetable.h"
#include "model/internal.h"
#include "model/translation.h"

#define PAGE	    PHYSICAL_PAGE
#define SECOND_PAGE ((PROCESS_BUFFER & ~(PAGE - 1)) + PAGE)
#define NOBODYS_RAM 0x30000000ull
#define FAULT_P	    1u
#define FAULT_W	    2u
#define ASKED_HEAD  offsetof(struct introspection_access, data)
#define REPLY_HEAD  offsetof(struct introspection_reply, data)

static struct process a;
static struct introspection_access asked;
static struct introspection_reply reply;

static void power_on(uint32_t n_cpus)
{
	process_power_on(&model_kinds[0], n_cpus);
	process_create(&a, 1);
}

/* On a CPU whose kernel is on the process's page tables; it goes on as it was. */
static int ask_raw(uint32_t cpu, uint64_t in_bytes, uint64_t room, uint64_t *out_bytes)
{
	struct model_cpu *c = &model.cpu[cpu];
	const struct vcpu_regs regs = c->regs;
	const uint64_t rip = c->rip, cr3 = c->st.cr3;
	struct core_call call = {.cpu = cpu,
				 .name = INTROSPECTION_NAME,
				 .in = &asked,
				 .in_bytes = in_bytes,
				 .out = &reply,
				 .room = room};
	int err;

	sweep_count();
	report_clear(&machine.report);
	memset(&reply, 0xa5, sizeof(reply));
	c->st.cr3 = a.cr3 | 7; /* a PCID */
	err = core_call(machine.core, &call, &machine.report);
	c->st.cr3 = cr3;
	c->regs = regs;
	c->rip = rip;
	if (out_bytes)
		*out_bytes = call.out_bytes;
	return err;
}

/* Return: what the reply says. */
static int ask(enum introspection_op op, uint64_t address, uint32_t bytes, size_t data_in, size_t data_out)
{
	uint64_t out_bytes;
	int err;

	asked.op = op;
	asked.bytes = bytes;
	asked.root = a.cr3;
	asked.address = address;
	err = ask_raw(0, ASKED_HEAD + data_in, sizeof(reply), &out_bytes);
	cr_assert_eq(err, 0, "%s: %s", sweep_case(), machine.report.text);
	cr_expect_eq(out_bytes, REPLY_HEAD + (reply.result ? 0 : data_out), "%s: %llu bytes", sweep_case(),
		     (unsigned long long)out_bytes);
	return reply.result;
}

static int look(uint64_t address, uint32_t bytes)
{
	return ask(INTROSPECTION_READ, address, bytes, 0, bytes);
}

static int change(uint64_t address, const void *data, uint32_t bytes)
{
	memcpy(asked.data, data, bytes);
	return ask(INTROSPECTION_WRITE, address, bytes, bytes, 0);
}

static int locate(uint64_t address)
{
	return ask(INTROSPECTION_LOCATE, address, 0, 0, 0);
}

static void expect_fault(int result, uint64_t va, uint32_t error)
{
	cr_expect_eq(result, PLINTH_E_FAULT, "%s: %d", sweep_case(), result);
	cr_expect_eq(reply.address, va, "%s: 0x%llx", sweep_case(), (unsigned long long)reply.address);
	cr_expect_eq(reply.error & (FAULT_P | FAULT_W), error, "%s: error 0x%x", sweep_case(), reply.error);
}

Test(introspection_access, memory_is_read_and_written)
{
	static const char said[] = "over the end of a page, and on";
	uint8_t before[2][PHYSICAL_PAGE];

	sweep_label("memory");
	power_on(1);
	memcpy(a.buffer[0] + PAGE - 16, said, 16);
	memcpy(a.buffer[1], said + 16, sizeof(said) - 16);
	memcpy(before[0], a.buffer[0], PAGE);
	memcpy(before[1], a.buffer[1], PAGE);
	cr_expect_eq(look(PROCESS_BUFFER, sizeof(said)), 0);
	cr_expect_eq(memcmp(reply.data, said, sizeof(said)), 0, "%s: %.30s", sweep_case(), reply.data);
	cr_expect_eq(look(SECOND_PAGE, PLINTH_PEEK_BYTES), 0, "as many as there can be");
	cr_expect_eq(memcmp(reply.data, a.buffer[1], PLINTH_PEEK_BYTES), 0, "%s", sweep_case());
	cr_expect_eq(change(PROCESS_BUFFER + 12, "abcdefgh", 8), 0);
	memcpy(before[0] + PAGE - 4, "abcd", 4);
	memcpy(before[1], "efgh", 4);
	cr_expect(!memcmp(before[0], a.buffer[0], PAGE) && !memcmp(before[1], a.buffer[1], PAGE), "%s",
		  sweep_case());
	cr_expect_eq(locate(SECOND_PAGE + 0x123), 0);
	cr_expect_eq(reply.address, physical_of(a.buffer[1]) + 0x123, "%s", sweep_case());
	sweep_expect_clean();
}

Test(introspection_access, all_or_nothing)
{
	const uint64_t second = physical_of((power_on(1), a.buffer[1]));
	uint8_t before[PHYSICAL_PAGE];

	sweep_label("half of it");
	memcpy(before, a.buffer[0], PAGE);
	process_map(&a, SECOND_PAGE, second, TABLES_PRESENT | TABLES_USER);
	expect_fault(change(PROCESS_BUFFER, "0123456789abcdefghij", 20), SECOND_PAGE, FAULT_P | FAULT_W);
	cr_expect_eq(look(PROCESS_BUFFER, 20), 0, "it may be read");
	process_map(&a, SECOND_PAGE, 0, 0);
	expect_fault(change(PROCESS_BUFFER, "0123456789abcdefghij", 20), SECOND_PAGE, FAULT_W);
	expect_fault(look(PROCESS_BUFFER, 20), SECOND_PAGE, 0);
	cr_expect_eq(locate(SECOND_PAGE), PLINTH_E_FAULT);
	cr_expect_eq(look(1ull << 47, 1), PLINTH_E_INVAL, "%s: not canonical", sweep_case());
	cr_expect_eq(look(~0ull, 2), PLINTH_E_INVAL, "%s: beyond the last address", sweep_case());
	cr_expect_eq(memcmp(before, a.buffer[0], PAGE), 0, "%s: half is written", sweep_case());
	sweep_expect_clean();
}

/* -- never ------------------------------------------------------------------------------------ */

static void expect_never(uint64_t pa, const char *what)
{
	process_map(&a, SECOND_PAGE, pa & ~(PAGE - 1), TABLES_MEMORY);
	cr_expect_eq(look(SECOND_PAGE, 8), PLINTH_E_PERM, "%s: 0x%llx: %s: read: %d", sweep_case(),
		     (unsigned long long)pa, what, reply.result);
	cr_expect_eq(change(SECOND_PAGE, "12345678", 8), PLINTH_E_PERM, "%s: 0x%llx: %s: written: %d",
		     sweep_case(), (unsigned long long)pa, what, reply.result);
}

static int try_hidden_page(void *ctx, const struct pt_leaf *leaf)
{
	(void)ctx;
	if (translation_of(0, leaf->pa).pa != leaf->pa)
		expect_never(leaf->pa, "a page of the VMM");
	return 0;
}

Test(introspection_access, never_what_is_no_memory)
{
	struct pt pt;

	sweep_label("refused");
	power_on(1);
	expect_never(0xfee00000, "the local APIC");
	pt = (struct pt){
		.root_pa = machine.core->tables.root_pa, .levels = machine.levels, .table = machine_table};
	cr_assert_eq(pt_walk(&pt, try_hidden_page, NULL), 0);
	process_map(&a, SECOND_PAGE, 1ull << 39, TABLES_MEMORY);
	expect_fault(look(SECOND_PAGE, 8), SECOND_PAGE, FAULT_P);
	process_map(&a, SECOND_PAGE, NOBODYS_RAM, TABLES_MEMORY);
	cr_expect_eq(look(SECOND_PAGE, 8), 0, "what is memory is read");
	sweep_expect_clean();
	sweep_report("pages that the driver is refused");
}

/* -- what cannot be ---------------------------------------------------------------------------- */

static void expect_refused(uint32_t op, uint32_t bytes, uint64_t in_bytes, uint64_t room, int wanted)
{
	int err;

	asked = (struct introspection_access){
		.op = op, .bytes = bytes, .root = a.cr3, .address = PROCESS_BUFFER};
	err = ask_raw(0, in_bytes, room, NULL);
	cr_expect_eq(err, wanted, "%s: operation %u, %u bytes in %llu: %d", sweep_case(), op, bytes,
		     (unsigned long long)in_bytes, err);
}

Test(introspection_access, messages_that_cannot_be)
{
	const uint64_t most = sizeof(reply);

	sweep_label("messages");
	power_on(1);
	for (uint64_t bytes = 0; bytes < ASKED_HEAD; bytes++)
		expect_refused(INTROSPECTION_READ, 1, bytes, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_READ - 1, 1, ASKED_HEAD, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_REGISTERS + 1, 0, ASKED_HEAD, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_READ, 0, ASKED_HEAD, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_READ, 1, ASKED_HEAD + 1, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_READ, PLINTH_PEEK_BYTES + 1, ASKED_HEAD, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_READ, ~0u, ASKED_HEAD, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_WRITE, 0, ASKED_HEAD, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_WRITE, 2, ASKED_HEAD + 1, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_WRITE, 2, ASKED_HEAD + 3, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_LOCATE, 1, ASKED_HEAD, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_REGISTERS, 1, ASKED_HEAD, most, PLINTH_E_INVAL);
	expect_refused(INTROSPECTION_READ, 8, ASKED_HEAD, REPLY_HEAD + 7, PLINTH_E_LIMIT);
	expect_refused(INTROSPECTION_WRITE, 1, ASKED_HEAD + 1, REPLY_HEAD - 1, PLINTH_E_LIMIT);
	expect_refused(INTROSPECTION_READ, 8, ASKED_HEAD, REPLY_HEAD + 8, 0);
	sweep_expect_clean();
}

Test(introspection_access, of_whom_it_was_asked)
{
	sweep_label("tables");
	power_on(2);
	asked = (struct introspection_access){
		.op = INTROSPECTION_READ, .bytes = 8, .root = a.cr3 + PAGE, .address = PROCESS_BUFFER};
	cr_expect_eq(ask_raw(1, ASKED_HEAD, sizeof(reply), NULL), PLINTH_E_BUSY, "%s", sweep_case());
	asked.root = 0;
	cr_expect_eq(ask_raw(1, ASKED_HEAD, sizeof(reply), NULL), 0, "%s: %s", sweep_case(),
		     machine.report.text);
	cr_expect_eq(reply.result, 0, "whose they are does not matter");
	cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(ask_raw(0, ASKED_HEAD, sizeof(reply), NULL), PLINTH_E_STATE, "no CPU is a guest");
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(ask_raw(0, ASKED_HEAD, sizeof(reply), NULL), 0, "%s", machine.report.text);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

Test(introspection_access, registers)
{
	sweep_label("registers");
	power_on(1);
	cr_assert_eq(ask(INTROSPECTION_REGISTERS, 0, 0, 0, sizeof(reply.registers)), 0);
	cr_expect_eq(reply.registers.cr3, a.cr3 | 7, "%s", sweep_case());
	cr_expect_eq(reply.registers.cr0, model.cpu[0].st.cr0, "%s", sweep_case());
	cr_expect_eq(reply.registers.rsp, model.cpu[0].rsp, "%s", sweep_case());
	cr_expect_eq(reply.registers.r15, model.cpu[0].regs.r15, "%s", sweep_case());
	cr_expect_eq(reply.registers.efer, 0xd01, "%s: 0x%llx", sweep_case(),
		     (unsigned long long)reply.registers.efer);
	sweep_expect_clean();
}
