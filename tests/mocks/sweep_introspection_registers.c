/* SPDX-License-Identifier: MIT */
/*
 * What a registered process reads and writes of its registers, and that its buffer is its own: the page
 * faults that an access would have had, and nothing of others'. json-c reads what is written.
 */
#include "process.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "drivers/common/internal.h"
#include "model/internal.h"

#define PAGE	      PHYSICAL_PAGE
#define FIRST_PAGE    (PROCESS_BUFFER & ~(PAGE - 1))
#define IN_FIRST_PAGE 0x10u /* bytes of the buffer */
#define BUFFER_BYTES  4096u
#define ADDRESS_BITS  0x000ffffffffff000ull

static struct process a;

static void power_on(uint32_t flags)
{
	process_power_on(&model_kinds[0], 1);
	process_create(&a, 1);
	cr_assert_eq(process_admit(&a, flags), 0, "%s", machine.report.text);
}

static void put_text(const char *text)
{
	const size_t bytes = strlen(text) + 1;

	memcpy(a.buffer[0] + PAGE - IN_FIRST_PAGE, text, bytes < IN_FIRST_PAGE ? bytes : IN_FIRST_PAGE);
	if (bytes > IN_FIRST_PAGE)
		memcpy(a.buffer[1], text + IN_FIRST_PAGE, bytes - IN_FIRST_PAGE);
}

static const char *get_text(void)
{
	static char text[BUFFER_BYTES];

	memcpy(text, a.buffer[0] + PAGE - IN_FIRST_PAGE, IN_FIRST_PAGE);
	memcpy(text + IN_FIRST_PAGE, a.buffer[1], sizeof(text) - IN_FIRST_PAGE - 1);
	return text;
}

static enum came get(uint64_t at, uint64_t bytes, struct came_of *of)
{
	return process_call(0, &a, INTROSPECTION_GET_REGISTERS, at, bytes, of);
}

static enum came put(const char *text, struct came_of *of)
{
	put_text(text);
	return process_call(0, &a, INTROSPECTION_SET_REGISTERS, PROCESS_BUFFER, BUFFER_BYTES, of);
}

/* -- get --------------------------------------------------------------------------------------- */

static void expect_value(struct json_object *object, const char *name, uint64_t wanted)
{
	struct json_object *member;

	cr_assert(json_object_object_get_ex(object, name, &member), "%s is missing", name);
	cr_expect(json_object_is_type(member, json_type_int), "%s is no integer", name);
	cr_expect_eq((uint64_t)json_object_get_int64(member), wanted, "%s is 0x%llx", name,
		     (unsigned long long)json_object_get_int64(member));
}

static void expect_all(struct json_object *object, const struct came_of *of)
{
	const struct vcpu_regs *r = &of->regs;
	struct model_state seen;
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {{"CR2", of->cr2},
		   {"CR3", a.cr3},
		   {"RAX", INTROSPECTION_CALLS + INTROSPECTION_GET_REGISTERS},
		   {"RBX", r->rbx},
		   {"RCX", r->rcx},
		   {"RDX", r->rdx},
		   {"RBP", r->rbp},
		   {"RSI", r->rsi},
		   {"RDI", r->rdi},
		   {"RSP", of->rsp},
		   {"R08", r->r8},
		   {"R09", r->r9},
		   {"R10", r->r10},
		   {"R11", r->r11},
		   {"R12", r->r12},
		   {"R13", r->r13},
		   {"R14", r->r14},
		   {"R15", r->r15},
		   {"RIP", PROCESS_RIP},
		   {"RFL", of->rflags}};

	model_visible(0, &seen);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		expect_value(object, all[i].name, all[i].value);
	expect_value(object, "CR0", seen.cr0);
	expect_value(object, "CR4", seen.cr4);
	expect_value(object, "MSR_EFER", seen.msr[MODEL_MSR_EFER]);
	cr_expect_eq((size_t)json_object_object_length(object), sizeof(all) / sizeof(all[0]) + 3);
}

Test(introspection_registers, are_read_back)
{
	struct json_object *object;
	struct came_of of;

	sweep_label("get");
	power_on(0);
	memset(a.buffer[1], 0xee, PAGE);
	cr_assert_eq(get(PROCESS_BUFFER, BUFFER_BYTES, &of), CAME_DONE);
	object = json_tokener_parse(get_text());
	cr_assert_not_null(object, "%s", get_text());
	expect_all(object, &of);
	json_object_put(object);
	cr_expect_eq(a.buffer[1][strlen(get_text()) + 1 - IN_FIRST_PAGE], 0xee, "more than the text");
	sweep_expect_clean();
}

/* As much room as the text takes, its NUL included, and one byte less. RSI is in it, of three digits. */
Test(introspection_registers, fit_or_are_not_written)
{
	uint64_t bytes;

	sweep_label("room");
	power_on(0);
	cr_assert_eq(get(PROCESS_BUFFER, 999, NULL), CAME_DONE);
	bytes = strlen(get_text()) + 1;
	cr_expect_eq(get(PROCESS_BUFFER, ~0ull, NULL), CAME_DONE);
	for (uint64_t room = 0; room < bytes + 2; room++) {
		const bool fits = room >= bytes;

		memset(a.buffer[1], 0xee, PAGE);
		cr_expect_eq(get(PROCESS_BUFFER, room, NULL), fits ? CAME_DONE : CAME_FAILED, "%llu of %llu",
			     (unsigned long long)room, (unsigned long long)bytes);
		cr_expect_eq(a.buffer[1][0] != 0xee, fits, "%llu of %llu", (unsigned long long)room,
			     (unsigned long long)bytes);
	}
	sweep_expect_clean();
	sweep_report("room for registers");
}

/* -- the buffer -------------------------------------------------------------------------------- */

#define ERROR_PRESENT 1u
#define ERROR_WRITE   2u
#define ERROR_USER    4u

static void expect_fault(uint64_t second_page, uint32_t error, const char *what)
{
	struct came_of of;

	process_map(&a, FIRST_PAGE + PAGE, second_page & ADDRESS_BITS, second_page & ~ADDRESS_BITS);
	memset(a.buffer[0], 0xee, PAGE);
	memset(a.buffer[1], 0xee, PAGE);
	cr_expect_eq(get(PROCESS_BUFFER, BUFFER_BYTES, &of), CAME_PF, "%s", what);
	cr_expect_eq(of.cr2, FIRST_PAGE + PAGE, "%s: 0x%llx", what, (unsigned long long)of.cr2);
	cr_expect_eq(of.error, error, "%s: %u", what, of.error);
	cr_expect(of.rip == PROCESS_RIP && of.regs.rax == INTROSPECTION_CALLS + INTROSPECTION_GET_REGISTERS,
		  "%s: again", what);
	cr_expect(a.buffer[0][PAGE - 1] == 0xee && a.buffer[1][0] == 0xee, "%s: half of it is written", what);
}

/* As an access would have it: the kernel provides the page, and the call is made once more. */
Test(introspection_registers, fault_as_accesses_do)
{
	uint64_t pa;

	sweep_label("buffer");
	power_on(INTROSPECTION_MAY_WRITE);
	pa = physical_of(a.buffer[1]);
	expect_fault(0, ERROR_WRITE | ERROR_USER, "not there");
	expect_fault(pa | TABLES_PRESENT | TABLES_USER, ERROR_PRESENT | ERROR_WRITE | ERROR_USER,
		     "read-only");
	expect_fault(pa | TABLES_PRESENT | TABLES_WRITE, ERROR_PRESENT | ERROR_WRITE | ERROR_USER,
		     "the kernel's");
	cr_expect_eq(get(0, BUFFER_BYTES, NULL), CAME_PF);
	cr_expect_eq(get(1ull << 47, BUFFER_BYTES, NULL), CAME_FAILED, "not canonical");
	process_map(&a, FIRST_PAGE + PAGE, 0, 0);
	cr_expect_eq(put("{}", NULL), CAME_PF);
	process_map(&a, FIRST_PAGE + PAGE, pa, TABLES_MEMORY);
	cr_expect_eq(get(PROCESS_BUFFER, BUFFER_BYTES, NULL), CAME_DONE);
	cr_expect_eq(put("{}", NULL), CAME_DONE);
	sweep_expect_clean();
}

/* Page tables that lead to the VMM or where no memory is: nothing is written, and nothing read. */
static void expect_unwritten(uint64_t pa, const char *what)
{
	const uint8_t *at = physical_at(pa);
	const uint8_t before = at ? *at : 0;

	process_map(&a, FIRST_PAGE + PAGE, pa, TABLES_MEMORY);
	cr_expect_eq(get(PROCESS_BUFFER, BUFFER_BYTES, NULL), CAME_FAILED, "%s", what);
	cr_expect_eq(process_call(0, &a, INTROSPECTION_SET_REGISTERS, PROCESS_BUFFER, BUFFER_BYTES, NULL),
		     CAME_FAILED, "%s", what);
	cr_expect_eq(at ? *at : 0, before, "%s is written", what);
}

Test(introspection_registers, are_written_to_memory_alone)
{
	sweep_label("no buffer");
	power_on(INTROSPECTION_MAY_WRITE);
	expect_unwritten(machine.core->tables.root_pa, "the VMM's");
	expect_unwritten(os_virt_to_phys(core_launch_pgd(machine.core)), "the VMM's");
	expect_unwritten(0xfee00000, "the local APIC");
	sweep_expect_clean();
}

/* A window that may be read is no way to write. */
Test(introspection_registers, are_not_written_through_a_window)
{
	sweep_label("through a window");
	power_on(0);
	cr_assert_eq(process_map_page(0, &a, 0, physical_of(a.buffer[1])), CAME_DONE);
	a.buffer[1][0] = 0xee;
	cr_expect_eq(get(PROCESS_WINDOW, BUFFER_BYTES, NULL), CAME_FAILED);
	cr_expect_eq(a.buffer[1][0], 0xee);
	cr_expect_not(process_end(0, &a));
	cr_expect_eq(process_admit(&a, INTROSPECTION_MAY_WRITE), 0, "%s", machine.report.text);
	cr_assert_eq(process_map_page(0, &a, 0, physical_of(a.buffer[1])), CAME_DONE);
	cr_expect_eq(get(PROCESS_WINDOW, BUFFER_BYTES, NULL), CAME_DONE);
	cr_expect_eq(a.buffer[1][0], '{');
	sweep_expect_clean();
}

/* -- set --------------------------------------------------------------------------------------- */

Test(introspection_registers, are_set)
{
	struct came_of of;

	sweep_label("set");
	power_on(INTROSPECTION_MAY_WRITE);
	cr_expect_eq(put("{\"RAX\": 77, \"RBX\": -1, \"RSP\":4096 ,\n\"R08\":-9223372036854775808,\"R15\":0}",
			 &of),
		     CAME_DONE);
	cr_expect(of.regs.rbx == ~0ull && of.rsp == 4096 && of.regs.r8 == 1ull << 63 && of.regs.r15 == 0);
	cr_expect_eq(of.rip, PROCESS_RIP + HYPERCALL_BYTES);
	cr_expect(of.regs.rdi == PROCESS_BUFFER && of.regs.rsi == BUFFER_BYTES && of.regs.rcx == 1,
		  "the others");
	cr_expect_eq(put("{\"RDI\":5,\"RIP\":4096,\"RFL\":2774}", &of), CAME_DONE);
	cr_expect(of.rip == 4096 && of.regs.rdi == 5 && of.rflags == 2774, "0x%llx",
		  (unsigned long long)of.rflags);
	cr_expect_eq(put("{\"RIP\":4198400}", &of), CAME_DONE, "its own");
	cr_expect_eq(of.rip, PROCESS_RIP + HYPERCALL_BYTES);
	/* What was read can be written. */
	cr_expect_eq(get(PROCESS_BUFFER, BUFFER_BYTES, NULL), CAME_DONE);
	cr_expect_eq(process_call(0, &a, INTROSPECTION_SET_REGISTERS, PROCESS_BUFFER, BUFFER_BYTES, NULL),
		     CAME_DONE);
	sweep_expect_clean();
}

static void expect_unset(const char *text)
{
	struct came_of of;

	sweep_label("set %s", text);
	cr_expect_eq(put(text, &of), CAME_FAILED, "%s", sweep_case());
	cr_expect(of.regs.rbx == 3 && of.rip == PROCESS_RIP + HYPERCALL_BYTES && of.rsp == 0x7ffc00001000,
		  "%s: something is set", sweep_case());
	sweep_expect_clean();
}

Test(introspection_registers, are_set_all_or_none)
{
	static const char *const texts[] = {"",
					    "{",
					    "[]",
					    "{\"RBX\":1",
					    "{\"RBX\":1,}",
					    "{\"RBX\":1}x",
					    "{\"RBX\":1.5}",
					    "{\"RBX\":\"1\"}",
					    "{\"RBX\":1,\"RBX\":2}",
					    "{\"RBX\":1,\"LSTAR\":2}",
					    "{\"RBX\":1,\"CR0\":1}",
					    "{\"RBX\":1,\"CR2\":1}",
					    "{\"RBX\":1,\"CR3\":0}",
					    "{\"RBX\":1,\"CR4\":0}",
					    "{\"RBX\":1,\"MSR_EFER\":0}",
					    "{\"RBX\":1,\"RIP\":140737488355328}",
					    "{\"RBX\":1,\"RIP\":-140737488355329}",
					    "{\"RBX\":1,\"RFL\":2}",
					    "{\"RBX\":1,\"RFL\":770}",
					    "{\"RBX\":1,\"RFL\":12802}",
					    "{\"RBX\":1,\"RFL\":131586}",
					    "{\"RBX\":9223372036854775808}"};
	char full[1100];

	power_on(INTROSPECTION_MAY_WRITE);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_unset(texts[i]);
	memset(full, ' ', sizeof(full));
	snprintf(full + sizeof(full) - 12, 12, "{\"RBX\":1}");
	expect_unset(full);
	/* The NUL lies behind the buffer. */
	put_text("{\"RBX\":1}");
	cr_expect_eq(process_call(0, &a, INTROSPECTION_SET_REGISTERS, PROCESS_BUFFER, 9, NULL), CAME_FAILED);
	cr_expect_eq(process_call(0, &a, INTROSPECTION_SET_REGISTERS, PROCESS_BUFFER, 0, NULL), CAME_FAILED);
	cr_expect_eq(process_call(0, &a, INTROSPECTION_SET_REGISTERS, PROCESS_BUFFER, 10, NULL), CAME_DONE);
	sweep_report("registers that cannot be set");
}

Test(introspection_registers, are_not_set_by_who_may_only_read)
{
	power_on(0);
	expect_unset("{\"RBX\":1}");
	expect_unset("{}");
}

/* -- addresses --------------------------------------------------------------------------------- */

static void expect_nowhere(uint64_t va, const char *what)
{
	struct came_of of;

	cr_expect_eq(process_call(0, &a, INTROSPECTION_TRANSLATE, va, 99, &of), CAME_FAILED, "%s", what);
	cr_expect(of.regs.rdi == 0 && of.regs.rsi == 99, "%s", what);
}

Test(introspection_registers, have_addresses_translated)
{
	struct came_of of;

	sweep_label("v2p");
	power_on(0);
	cr_expect_eq(process_call(0, &a, INTROSPECTION_TRANSLATE, PROCESS_WINDOW + 0x1234, 99, &of),
		     CAME_DONE);
	cr_expect(of.regs.rdi == a.window + 0x1234 && of.regs.rsi == 99);
	cr_expect_eq(process_map_page(0, &a, 1, 0x30000000), CAME_DONE);
	cr_expect_eq(process_call(0, &a, INTROSPECTION_TRANSLATE, PROCESS_WINDOW + 0x1234, 99, &of),
		     CAME_DONE);
	cr_expect_eq(of.regs.rdi, a.window + 0x1234, "the page's own address, whatever it shows");
	process_map(&a, PROCESS_RIP, 0x30000000, TABLES_PRESENT | TABLES_WRITE);
	expect_nowhere(PROCESS_RIP, "the kernel's");
	expect_nowhere(0x1000, "nothing there");
	expect_nowhere(1ull << 47, "not canonical");
	expect_nowhere(~0ull, "the last byte");
	sweep_expect_clean();
}
