/* SPDX-License-Identifier: MIT */
/*
 * Windows and the other CPUs: nothing has changed before each has flushed, accesses that a window does not
 * allow, pages that run out, and chance.
 */
#include "process.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "greedy.h"
#include "model/internal.h"
#include "model/translation.h"

#define PAGE	    PHYSICAL_PAGE
#define NOBODYS_RAM 0x30000000ull
#define CPUS	    3u

static struct process a, b;

static void power_on(uint32_t n_cpus, uint32_t flags)
{
	process_power_on(&model_kinds[0], n_cpus);
	process_create(&a, 1);
	cr_assert_eq(process_admit(&a, flags), 0, "%s", machine.report.text);
}

static bool is_itself(const struct process *p, unsigned int page)
{
	const struct translation t = translation_of(0, p->window + page * PAGE);

	return t.pa == p->window + page * PAGE && t.access == (READ | WRITE | FETCH);
}

/* -- nobody goes by what was there ------------------------------------------------------------- */

static uint64_t flushed[CPUS];

static void note_flushes(void)
{
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		flushed[cpu] = model.cpu[cpu].invalidations;
}

static bool has_flushed(uint32_t cpu)
{
	return model.cpu[cpu].invalidations != flushed[cpu];
}

/* The call is there again until the last of them has come by. */
static void expect_waits(uint32_t asks, uint64_t pa, const char *what)
{
	note_flushes();
	for (uint32_t step = 0; step < CPUS; step++) {
		const uint32_t other = (asks + 1 + step) % CPUS;
		struct came_of of;
		const enum came came =
			process_call(asks, &a, INTROSPECTION_MAP, PROCESS_WINDOW + 0x18, pa, &of);

		cr_expect_eq(came, other == asks ? CAME_DONE : CAME_AGAIN, "%s: %s, step %u: %d",
			     sweep_case(), what, step, came);
		cr_expect(has_flushed(asks), "%s: %s: its own CPU", sweep_case(), what);
		cr_expect_eq(of.regs.rdi, PROCESS_WINDOW + 0x18);
		if (other == asks)
			break;
		cr_expect_eq(of.regs.rax, INTROSPECTION_CALLS + INTROSPECTION_MAP);
		cr_expect(model.cpu[other].nmi_sent, "%s: %s: CPU %u is not hastened", sweep_case(), what,
			  other);
		model.cpu[other].nmi_sent = false;
		process_comes_by(other);
		cr_expect(has_flushed(other), "%s: %s: CPU %u", sweep_case(), what, other);
	}
}

Test(introspection_cpus, a_call_returns_when_all_have_flushed)
{
	sweep_label("flush");
	power_on(CPUS, 0);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		expect_waits(cpu, NOBODYS_RAM + cpu * PAGE, "map");
		cr_expect_eq(translation_of(cpu, a.window).pa, NOBODYS_RAM + cpu * PAGE);
		expect_waits(cpu, a.window, "restore");
		cr_expect(is_itself(&a, 0));
	}
	/* What is so already takes no flush. */
	note_flushes();
	cr_expect_eq(process_call(0, &a, INTROSPECTION_MAP, PROCESS_WINDOW, a.window, NULL), CAME_DONE);
	cr_expect_not(has_flushed(0));
	sweep_expect_clean();
	sweep_report("CPUs that introspection waits for");
}

Test(introspection_cpus, the_end_is_when_all_have_flushed)
{
	sweep_label("end");
	power_on(CPUS, 0);
	cr_expect_eq(process_map_page(0, &a, 0, NOBODYS_RAM), CAME_DONE);
	note_flushes();
	for (uint32_t cpu = 1; cpu < CPUS; cpu++) {
		cr_expect(process_end(0, &a), "CPU %u has not flushed", cpu);
		cr_expect(is_itself(&a, 0));
		cr_expect_not(process_leaf(0, a.cr3), "its calls are nobody's");
		cr_expect_eq(process_admit(&a, 0), PLINTH_E_INVAL, "its id is not free");
		process_comes_by(cpu);
		cr_expect(has_flushed(cpu));
	}
	cr_expect_not(process_end(0, &a));
	cr_expect_eq(process_admit(&a, 0), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

/* A window that is not restored everywhere yet is seen by nobody else. */
Test(introspection_cpus, a_window_that_ends_is_still_a_window)
{
	sweep_label("ending");
	power_on(2, 0);
	process_create(&b, 2);
	cr_assert_eq(process_admit(&b, 0), 0, "%s", machine.report.text);
	cr_expect_eq(process_map_page(0, &a, 0, NOBODYS_RAM), CAME_DONE);
	cr_expect(process_end(0, &a));
	cr_expect_eq(process_map_page(0, &b, 0, a.window), CAME_FAILED);
	process_comes_by(1);
	cr_expect_not(process_end(0, &a));
	cr_expect_eq(process_map_page(0, &b, 0, a.window), CAME_DONE, "memory as any");
	sweep_expect_clean();
}

/* -- accesses that are not allowed ------------------------------------------------------------- */

Test(introspection_cpus, writes_where_reading_is_all)
{
	sweep_label("violations");
	power_on(2, 0);
	cr_expect_eq(process_map_page(0, &a, 3, NOBODYS_RAM), CAME_DONE);
	cr_expect_eq(process_touch(1, a.cr3, a.window + 3 * PAGE + 8, WRITE), CAME_GP);
	cr_expect_eq(process_touch(1, a.cr3, a.window + 3 * PAGE + 8, FETCH), CAME_GP);
	cr_expect_eq(translation_of(0, a.window + 3 * PAGE).pa, NOBODYS_RAM, "as it was");
	cr_expect_eq(process_touch(1, 0, a.window + 3 * PAGE + 8, WRITE), CAME_AGAIN, "the kernel, for it");
	cr_expect(is_itself(&a, 3));
	cr_expect_eq(process_touch(0, a.cr3, a.window + 3 * PAGE, WRITE), CAME_AGAIN, "it is there by now");
	sweep_expect_clean();
}

Test(introspection_cpus, what_the_kernel_took_back_ends_as_any)
{
	sweep_label("restored for the kernel");
	power_on(2, 0);
	cr_expect_eq(process_map_page(0, &a, 3, NOBODYS_RAM), CAME_DONE);
	note_flushes();
	cr_expect_eq(process_touch(0, 0, a.window + 3 * PAGE, WRITE), CAME_AGAIN);
	cr_expect(has_flushed(0));
	cr_expect(process_end(0, &a), "the other one may still read what was there");
	process_comes_by(1);
	cr_expect_not(process_end(0, &a));
	sweep_expect_clean();
}

/* -- pages for tables -------------------------------------------------------------------------- */

static uint64_t call_greedy(enum greedy_what what)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	struct model_cpu *cpu = &model.cpu[0];
	const struct vcpu_regs regs = cpu->regs;
	const uint64_t rip = cpu->rip;
	uint64_t answer;

	cpu->regs.rax = GREEDY_FIRST + what;
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST, "%s", sweep_case());
	answer = cpu->regs.rax;
	cpu->regs = regs;
	cpu->rip = rip;
	return answer;
}

Test(introspection_cpus, none_is_left)
{
	sweep_label("an empty pool");
	machine_reset(&model_kinds[0], 1);
	machine_add("introspection");
	machine_add("greedy");
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	process_create(&a, 1);
	cr_assert_eq(process_admit(&a, 0), 0, "%s", machine.report.text);
	cr_assert_gt(call_greedy(GREEDY_PAGES), 0);
	cr_expect_eq(process_map_page(0, &a, 3, NOBODYS_RAM), CAME_FAILED);
	cr_expect_eq(process_map_page(0, &a, 3, a.window + 3 * PAGE), CAME_DONE, "a restore never fails");
	cr_expect_not(process_end(0, &a));
	cr_expect_eq(call_greedy(GREEDY_GIVE_BACK), 0);
	cr_expect_eq(process_admit(&a, 0), 0, "%s", machine.report.text);
	cr_expect_eq(process_map_page(0, &a, 3, NOBODYS_RAM), CAME_DONE);
	cr_expect_not(process_end(0, &a));
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
}

static void fill_and_end(void)
{
	for (unsigned int page = 0; page < PROCESS_WINDOW_PAGES; page++)
		cr_expect_eq(process_map_page(page & 1, &a, page, NOBODYS_RAM + 3 * page * PAGE), CAME_DONE,
			     "%s: page %u", sweep_case(), page);
	process_end_all(&a);
	for (unsigned int page = 0; page < PROCESS_WINDOW_PAGES; page++)
		cr_expect(is_itself(&a, page), "%s: page %u", sweep_case(), page);
}

/* Once more does not take more: what was split is whole again. */
Test(introspection_cpus, all_pages_at_once)
{
	struct machine_world before;

	sweep_label("512 pages");
	power_on(2, 0);
	fill_and_end();
	machine_snapshot(&before);
	for (unsigned int i = 0; i < 3; i++) {
		cr_assert_eq(process_admit(&a, 0), 0, "%s", machine.report.text);
		fill_and_end();
		sweep_expect_same(&before);
	}
	cr_expect_eq(sweep_stop_unload(), 0, "%s", machine.report.text);
	sweep_expect_clean();
	sweep_report("windows that are full");
}

/* -- chance ------------------------------------------------------------------------------------ */

#define CALLS_OF_CHANCE 100000u

static uint64_t some_address(void)
{
	static const uint64_t places[] = {0,	       PROCESS_WINDOW, PROCESS_BUFFER,
					  PROCESS_RIP, 1ull << 47,     ~0ull << 47};
	const uint64_t page = sweep_draw(sweep_draw(4) ? 8 : 520) * PAGE;

	switch (sweep_draw(8)) {
	case 0: return sweep_draw(0);
	case 1: return places[sweep_draw(6)] + sweep_draw(2 * PAGE);
	default: return PROCESS_WINDOW + page + (sweep_draw(2) ? 0 : sweep_draw(PAGE));
	}
}

/* Between its pages are some of the driver's, which whoever may write would write to. */
static uint64_t some_of_the_vmms(void)
{
	const uint64_t pa = machine.core->tables.root_pa + sweep_draw(64) * PAGE;

	return translation_of(0, pa).pa == pa ? NOBODYS_RAM : pa;
}

static uint64_t some_physical(void)
{
	switch (sweep_draw(8)) {
	case 0: return sweep_draw(0);
	case 1: return sweep_draw(1ull << 39);
	case 2: return some_of_the_vmms();
	case 3: return b.window + sweep_draw(512) * PAGE;
	case 4: return NOBODYS_RAM + sweep_draw(1u << 20);
	default: return a.window + sweep_draw(8) * PAGE;
	}
}

static void make_some_call(const struct process *p, bool registered)
{
	const uint32_t cpu = (uint32_t)sweep_draw(model.n_cpus);
	const uint64_t number = sweep_draw(16) ? sweep_draw(7) : sweep_draw(0);
	const uint64_t rdi = some_address(), rsi = sweep_draw(16) ? some_physical() : sweep_draw(5000);
	const bool ours = registered && number <= 0xff;
	struct came_of of;
	const enum came came = process_call(cpu, p, number, rdi, rsi, &of);

	cr_expect(ours ? came != CAME_UD && came != CAME_GP && came != CAME_ODD : came == CAME_UD,
		  "%s: call 0x%llx, RDI 0x%llx, RSI 0x%llx came to %d", sweep_case(),
		  (unsigned long long)number, (unsigned long long)rdi, (unsigned long long)rsi, came);
	cr_expect(number == INTROSPECTION_TRANSLATE || number == INTROSPECTION_SET_REGISTERS ||
			  of.regs.rdi == rdi,
		  "%s: RDI", sweep_case());
	if (!sweep_draw(3))
		process_comes_by((uint32_t)sweep_draw(model.n_cpus));
}

/* No page of the VMM, and nothing that is no memory. */
static void expect_harmless(const struct process *p)
{
	for (unsigned int page = 0; page < PROCESS_WINDOW_PAGES; page++) {
		const struct translation t = translation_of(0, p->window + page * PAGE);
		const struct translation there = translation_of(0, t.pa);

		cr_expect(physical_is_ram(t.pa) && (is_itself(p, page) || there.pa == t.pa),
			  "%s: page %u shows 0x%llx", sweep_case(), page, (unsigned long long)t.pa);
	}
}

static void end_at_last(const struct process *p)
{
	process_end_all(p);
	for (unsigned int page = 0; page < PROCESS_WINDOW_PAGES; page++)
		cr_expect(is_itself(p, page), "%s: page %u", sweep_case(), page);
}

/* One is registered, one is not; now and then it is the other way round. */
static void run_chance(uint32_t n_cpus, uint32_t flags)
{
	const struct process *in = &a, *out = &b;

	sweep_label("chance, %u CPUs, flags %u", n_cpus, flags);
	power_on(n_cpus, flags);
	process_create(&b, 2);
	for (uint32_t i = 0; i < CALLS_OF_CHANCE / 4; i++) {
		const struct process *was = in, *who = sweep_draw(8) ? in : out;

		make_some_call(who, who == in);
		if (i % 1000)
			continue;
		expect_harmless(in);
		sweep_expect_clean();
		end_at_last(in);
		in = out;
		out = was;
		cr_assert_eq(process_admit(in, flags), 0, "%s", machine.report.text);
	}
	end_at_last(in);
	cr_expect_eq(sweep_stop_unload(), 0, "%s: %s", sweep_case(), machine.report.text);
	sweep_expect_clean();
}

Test(introspection_cpus, chance)
{
	sweep_seed(0x9e3779b97f4a7c15ull);
	for (uint32_t n_cpus = 1; n_cpus <= 2; n_cpus++) {
		run_chance(n_cpus, 0);
		run_chance(n_cpus, INTROSPECTION_MAY_WRITE);
	}
	sweep_report("calls of chance to introspection");
}
