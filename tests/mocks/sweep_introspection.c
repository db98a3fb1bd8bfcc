/* SPDX-License-Identifier: MIT */
/*
 * Registered processes and what their windows show: who may ask, which pages may be seen, when every CPU sees
 * them, and that all is as before when they end.
 */
#include "process.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "lib/pagetable.h"
#include "model/internal.h"
#include "model/translation.h"

#define PAGE	    PHYSICAL_PAGE
#define NOBODYS_RAM 0x30000000ull /* that nobody has been given */

static struct process a, b;

/* -- who --------------------------------------------------------------------------------------- */

static void expect_answers(uint32_t cpu, const struct process *p, uint64_t cr3, bool wanted)
{
	struct process as = *p;

	as.cr3 = cr3;
	cr_expect_eq(process_leaf(cpu, cr3), wanted, "%s: CPU %u, CR3 0x%llx: the leaf", sweep_case(), cpu,
		     (unsigned long long)cr3);
	for (uint64_t number = 0; number <= 0x100; number++) {
		const bool ours = wanted && number <= 0xff;
		enum came came = process_call(cpu, &as, number, 0, 0, NULL);

		cr_expect(ours ? came == (number == INTROSPECTION_ACKNOWLEDGE ? CAME_DONE : CAME_FAILED)
			       : came == CAME_UD,
			  "%s: CPU %u, CR3 0x%llx: call 0x%llx came to %d", sweep_case(), cpu,
			  (unsigned long long)cr3, (unsigned long long)number, came);
	}
}

/* As page-table isolation and PCIDs have it, and what masks addresses. */
static void expect_client(const struct process *p, bool wanted)
{
	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++) {
		expect_answers(cpu, p, p->cr3, wanted);
		expect_answers(cpu, p, p->cr3 | MACHINE_USER_CR3, wanted);
	}
}

static void as_kernel(uint32_t cpu)
{
	struct model_segment *seg = model.cpu[cpu].st.seg;

	seg[MODEL_CS].selector = KERNEL_CS;
	seg[MODEL_CS].rights = 0xa09b;
	seg[MODEL_SS].selector = KERNEL_DS;
	seg[MODEL_SS].rights = 0xc093;
}

static void as_narrow(uint32_t cpu)
{
	model.cpu[cpu].st.seg[MODEL_CS].selector = 0x23;
	model.cpu[cpu].st.seg[MODEL_CS].rights = 0xc0fb;
}

/* Its page tables, but not its code. */
static void expect_others(void (*change)(uint32_t cpu))
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	static const struct model_exit cpuid = {.kind = PLINTH_EXIT_CPUID, .length = 2};
	struct came_of of;

	process_in(0, a.cr3);
	change(0);
	model.cpu[0].regs.rax = INTROSPECTION_CALLS + INTROSPECTION_ACKNOWLEDGE;
	cr_expect_eq(process_exit(0, &vmcall), CAME_UD, "%s", sweep_case());
	model.cpu[0].event.info = 0;
	model.cpu[0].regs.rax = INTROSPECTION_LEAF;
	(void)process_exit(0, &cpuid);
	process_out(0, &of);
	cr_expect_neq(of.regs.rdx, INTROSPECTION_HERE, "%s", sweep_case());
}

Test(introspection, only_whom_the_driver_registered)
{
	sweep_label("who");
	process_power_on(&model_kinds[0], 2);
	process_create(&a, 1);
	process_create(&b, 2);
	expect_client(&a, false);
	cr_assert_eq(process_admit(&a, INTROSPECTION_ISOLATED), 0, "%s", machine.report.text);
	expect_client(&a, true);
	expect_client(&b, false);
	expect_others(as_kernel);
	expect_others(as_narrow);
	process_end_all(&a);
	expect_client(&a, false);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
	sweep_report("callers of introspection");
}

/* Without page-table isolation the next page can be somebody else's top level. */
Test(introspection, neighbours_are_not_taken_for_each_other)
{
	struct process neighbour;

	sweep_label("neighbours");
	process_power_on(&model_kinds[0], 1);
	process_create(&a, 1);
	process_create(&b, 2);
	neighbour = b;
	neighbour.cr3 = a.cr3 + PAGE;
	memcpy(physical_at(neighbour.cr3), physical_at(b.cr3), PAGE);
	cr_assert_eq(process_admit(&a, 0), 0, "%s", machine.report.text);
	expect_answers(0, &neighbour, neighbour.cr3, false);
	cr_assert_eq(process_admit(&neighbour, 0), 0, "%s", machine.report.text);
	cr_expect_eq(process_map_page(0, &a, 0, NOBODYS_RAM), CAME_DONE);
	cr_expect_eq(process_map_page(0, &neighbour, 0, NOBODYS_RAM), CAME_DONE);
	cr_expect_eq(translation_of(0, b.window).pa, NOBODYS_RAM);
	cr_expect_not(process_end(0, &a));
	cr_expect_eq(process_map_page(0, &neighbour, 1, NOBODYS_RAM), CAME_DONE);
	cr_expect_not(process_end(0, &neighbour));
	sweep_expect_clean();
}

/* -- what the driver says ---------------------------------------------------------------------- */

static void expect_refused(struct introspection_message m, int wanted, const char *what)
{
	const int err = process_message(0, &m, NULL);

	cr_expect_eq(err, wanted, "%s: %s: %d", sweep_case(), what, err);
	cr_expect_not(process_leaf(0, a.cr3), "%s: %s", sweep_case(), what);
}

#define EXPECT_REFUSED(change)                                                                               \
	do {                                                                                                 \
		struct introspection_message m = process_admission(&a, 0);                                   \
		change;                                                                                      \
		expect_refused(m, PLINTH_E_INVAL, #change);                                                  \
	} while (0)

Test(introspection, messages_that_cannot_be)
{
	sweep_label("messages");
	process_power_on(&model_kinds[0], 1);
	process_create(&a, 1);
	EXPECT_REFUSED(m.op = 0);
	EXPECT_REFUSED(m.op = 3);
	EXPECT_REFUSED(m.flags = 4);
	EXPECT_REFUSED(m.id = 0);
	EXPECT_REFUSED(m.cr3 = 0);
	EXPECT_REFUSED(m.cr3 |= 1);
	EXPECT_REFUSED(m.cr3 |= 1ull << 63);
	EXPECT_REFUSED(m.window += PAGE);
	EXPECT_REFUSED(m.window = 1ull << 40);
	EXPECT_REFUSED(m.window = ~(uint64_t)(INTROSPECTION_WINDOW_BYTES - 1));
	EXPECT_REFUSED(m.n_memory = 0);
	EXPECT_REFUSED(m.n_memory = INTROSPECTION_MEMORY + 1);
	EXPECT_REFUSED(m.n_memory = ~0u);
	EXPECT_REFUSED(m.reserved0 = 1);
	EXPECT_REFUSED(m.memory[0].end = m.window + PAGE);
	cr_expect_eq(process_admit(&a, 0), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

Test(introspection, as_many_as_there_are_seats)
{
	struct process more[INTROSPECTION_CLIENTS + 1];

	sweep_label("seats");
	process_power_on(&model_kinds[0], 1);
	for (unsigned int i = 0; i <= INTROSPECTION_CLIENTS; i++)
		process_create(&more[i], i + 1);
	for (unsigned int i = 0; i < INTROSPECTION_CLIENTS; i++) {
		struct process twin = more[i];

		cr_expect_eq(process_admit(&more[i], 0), 0, "%u: %s", i, machine.report.text);
		cr_expect_eq(process_admit(&more[i], 0), PLINTH_E_INVAL, "the same id");
		twin.id = 100;
		cr_expect_eq(process_admit(&twin, 0), PLINTH_E_INVAL, "the same page tables");
		twin.cr3 = more[INTROSPECTION_CLIENTS].cr3;
		cr_expect_eq(process_admit(&twin, 0), PLINTH_E_INVAL, "the same window");
	}
	cr_expect_eq(process_admit(&more[INTROSPECTION_CLIENTS], 0), PLINTH_E_LIMIT);
	cr_expect_not(process_end(0, &more[3]));
	cr_expect_not(process_end(0, &more[3]), "nobody is done with");
	cr_expect_eq(process_admit(&more[INTROSPECTION_CLIENTS], 0), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

/* No window can be had before, or behind: the messages say so in both states, and a CPU that has none. */
Test(introspection, in_every_state)
{
	sweep_label("loaded");
	machine_reset(&model_kinds[0], 2);
	machine_add("introspection");
	cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
	process_create(&a, 1);
	cr_expect_eq(process_admit(&a, 0), 0, "%s", machine.report.text);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect(process_leaf(1, a.cr3));
	cr_expect_eq(process_map_page(0, &a, 7, NOBODYS_RAM), CAME_DONE);
	cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_not(process_end(1, &a), "no CPU is a guest");
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(translation_of(0, a.window + 7 * PAGE).pa, a.window + 7 * PAGE);
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

/* -- what may be seen -------------------------------------------------------------------------- */

static void expect_shown(const struct process *p, unsigned int page, uint64_t pa, uint32_t access)
{
	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++) {
		const struct translation t = translation_of(cpu, p->window + page * PAGE);

		cr_expect_eq(t.pa, pa, "%s: page %u leads to 0x%llx", sweep_case(), page,
			     (unsigned long long)t.pa);
		cr_expect_eq(t.access, access, "%s: page %u: access %u", sweep_case(), page, t.access);
	}
}

static void expect_itself(const struct process *p, unsigned int page)
{
	expect_shown(p, page, p->window + page * PAGE, READ | WRITE | FETCH);
}

static void try_writable(uint32_t flags)
{
	const uint32_t access = READ | (flags ? WRITE : 0);

	sweep_label("map, flags %u", flags);
	process_power_on(&model_kinds[0], 2);
	process_create(&a, 1);
	cr_assert_eq(process_admit(&a, flags), 0, "%s", machine.report.text);
	cr_expect_eq(process_map_page(0, &a, 5, NOBODYS_RAM + 0x123), CAME_DONE);
	expect_shown(&a, 5, NOBODYS_RAM, access);
	cr_expect_eq(process_map_page(1, &a, 5, a.cr3), CAME_DONE, "another one in its place");
	expect_shown(&a, 5, a.cr3, access);
	cr_expect_eq(process_map_page(0, &a, 511, NOBODYS_RAM), CAME_DONE);
	expect_itself(&a, 6);
	cr_expect_eq(process_map_page(1, &a, 5, a.window + 5 * PAGE), CAME_DONE);
	expect_itself(&a, 5);
	expect_shown(&a, 511, NOBODYS_RAM, access);
	cr_expect_not(process_end(1, &a) && process_end(0, &a));
	expect_itself(&a, 511);
	cr_expect_eq(translation_of(0, a.window).bytes, (uint64_t)INTROSPECTION_WINDOW_BYTES,
		     "one page again");
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

Test(introspection, pages_are_shown_and_restored)
{
	try_writable(0);
	try_writable(INTROSPECTION_MAY_WRITE);
	sweep_report("windows of introspection");
}

static void expect_not_shown(uint64_t pa, const char *what)
{
	struct came_of of;

	cr_expect_eq(process_call(0, &a, INTROSPECTION_MAP, PROCESS_WINDOW, pa, &of), CAME_FAILED,
		     "%s: 0x%llx", what, (unsigned long long)pa);
	cr_expect(of.regs.rdi == PROCESS_WINDOW && of.regs.rsi == pa, "%s: registers", what);
	expect_itself(&a, 0);
}

/* Those that the guest does not see; it may have the others, and what a CPU looked at last is not the VMM's.
 */
static int try_hidden(void *ctx, const struct pt_leaf *leaf)
{
	(void)ctx;
	if (translation_of(0, leaf->pa).pa != leaf->pa || translation_of(0, leaf->pa).access == READ)
		expect_not_shown(leaf->pa, "a page of the VMM");
	return 0;
}

Test(introspection, never_what_is_no_memory)
{
	struct pt pt;

	sweep_label("refused pages");
	process_power_on(&model_kinds[0], 1);
	process_create(&a, 1);
	process_create(&b, 2);
	cr_assert_eq(process_admit(&a, INTROSPECTION_MAY_WRITE), 0, "%s", machine.report.text);
	cr_assert_eq(process_admit(&b, 0), 0, "%s", machine.report.text);
	expect_not_shown(1ull << 30, "behind the memory");
	expect_not_shown(0xfee00000, "the local APIC");
	expect_not_shown(1ull << 39, "above the machine's addresses");
	expect_not_shown(~0ull, "above all addresses");
	expect_not_shown(1ull << 63 | NOBODYS_RAM, "above all addresses");
	expect_not_shown(a.window + PAGE, "another page of its own window");
	expect_not_shown(b.window, "another's window");
	pt = (struct pt){
		.root_pa = machine.core->tables.root_pa, .levels = machine.levels, .table = machine_table};
	cr_assert_eq(pt_walk(&pt, try_hidden, NULL), 0);
	expect_not_shown(os_virt_to_phys(core_launch_pgd(machine.core)), "the launch tables");
	sweep_expect_clean();
	sweep_report("pages that introspection refuses");
}

/* Runs that begin or end within a page, and what lies between two. */
Test(introspection, memory_as_the_driver_says)
{
	struct introspection_message m;

	sweep_label("runs");
	process_power_on(&model_kinds[0], 1);
	process_create(&a, 1);
	m = process_admission(&a, 0);
	m.n_memory = 3;
	m.memory[0] = (struct introspection_memory){NOBODYS_RAM + 0x10, NOBODYS_RAM + 2 * PAGE + 0x10};
	m.memory[1] = (struct introspection_memory){0x1000000, NOBODYS_RAM};
	m.memory[2] = (struct introspection_memory){~0ull, 0};
	cr_assert_eq(process_message(0, &m, NULL), 0, "%s", machine.report.text);
	expect_not_shown(NOBODYS_RAM, "half of it is no memory");
	expect_not_shown(NOBODYS_RAM + 2 * PAGE, "half of it is no memory");
	expect_not_shown(0xfff000, "in front of a run");
	cr_expect_eq(process_map_page(0, &a, 0, NOBODYS_RAM + PAGE), CAME_DONE);
	cr_expect_eq(process_map_page(0, &a, 0, NOBODYS_RAM - PAGE), CAME_DONE);
	sweep_expect_clean();
}

/* Of addresses that are none of its window's nothing is changed. */
Test(introspection, only_in_the_own_window)
{
	const uint64_t buffer = PROCESS_BUFFER & ~(PAGE - 1);

	sweep_label("own window");
	process_power_on(&model_kinds[0], 1);
	process_create(&a, 1);
	process_create(&b, 2);
	process_map(&a, PROCESS_RIP, b.window, TABLES_MEMORY);
	process_map(&a, PROCESS_WINDOW + PAGE, a.window + PAGE, TABLES_PRESENT | TABLES_WRITE);
	process_map(&a, PROCESS_WINDOW + 2 * PAGE, 0, 0);
	cr_assert_eq(process_admit(&a, 0), 0, "%s", machine.report.text);
	cr_assert_eq(process_admit(&b, 0), 0, "%s", machine.report.text);
	cr_expect_eq(process_call(0, &a, INTROSPECTION_MAP, buffer, NOBODYS_RAM, NULL), CAME_FAILED);
	cr_expect_eq(process_call(0, &a, INTROSPECTION_MAP, buffer, physical_of(a.buffer[0]), NULL),
		     CAME_FAILED);
	cr_expect_eq(process_call(0, &a, INTROSPECTION_MAP, PROCESS_RIP, NOBODYS_RAM, NULL), CAME_FAILED,
		     "another's window");
	cr_expect_eq(process_map_page(0, &a, 1, NOBODYS_RAM), CAME_FAILED, "the kernel's");
	cr_expect_eq(process_map_page(0, &a, 2, NOBODYS_RAM), CAME_FAILED, "not there");
	cr_expect_eq(process_map_page(0, &a, 513, NOBODYS_RAM), CAME_FAILED, "behind the window");
	cr_expect_eq(process_call(0, &a, INTROSPECTION_MAP, 1ull << 47, NOBODYS_RAM, NULL), CAME_FAILED,
		     "not canonical");
	expect_itself(&b, 0);
	for (unsigned int page = 0; page < PROCESS_WINDOW_PAGES; page++)
		expect_itself(&a, page);
	sweep_expect_clean();
}

/* -- what is refused --------------------------------------------------------------------------- */

Test(introspection, messages_that_are_refused)
{
	struct introspection_message m;
	struct introspection_answer answer = {.pending = 2};
	struct core_call cut = {.name = INTROSPECTION_NAME, .in = &m, .in_bytes = sizeof(m) - 1};

	sweep_label("refused messages");
	process_power_on(&model_kinds[0], 1);
	process_create(&a, 1);
	m = process_admission(&a, INTROSPECTION_ISOLATED);
	m.cr3 |= MACHINE_USER_CR3;
	cr_expect_eq(process_message(0, &m, NULL), PLINTH_E_INVAL, "user mode's tables");
	m = process_admission(&a, 0);
	cr_expect_eq(core_call(machine.core, &cut, &machine.report), PLINTH_E_INVAL);
	m.reserved0 = 1;
	cr_expect_eq(process_message(0, &m, NULL), PLINTH_E_INVAL);
	cr_assert_eq(process_admit(&a, 0), 0, "%s", machine.report.text);
	m = (struct introspection_message){.op = INTROSPECTION_END, .id = a.id};
	cr_expect_eq(process_message(0, &m, NULL), PLINTH_E_LIMIT, "no room for the answer");
	cr_expect(process_leaf(0, a.cr3), "it is still there");
	m.id = 0;
	cr_expect_eq(process_message(0, &m, &answer), 0, "%s", machine.report.text);
	cr_expect_eq(answer.pending, 0, "nobody's");
	sweep_expect_clean();
}
