/* SPDX-License-Identifier: MIT */
/*
 * Registrations over stand-ins for the kernel, the core and the module: who is refused and in which words,
 * and above all when a window's memory is freed: never while a CPU may go by what the VMM has made of it.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "introspect_world.h"

static struct core_report told;

static void be_ready(void)
{
	cr_assert_eq(introspect_init(), 0);
	cr_assert_eq(introspect_map(NULL, NULL, NULL), 0);
	own_mm.pgd = (void *)0x123456000ul;
	for (unsigned int i = 0; i < WINDOWS; i++) {
		windows[i] = (struct window){.mm = &own_mm, .closed = {when_closed}};
		INIT_LIST_HEAD(&windows[i].link);
	}
	machine.state = PLINTH_RUNNING;
	machine.guests = 2;
}

static void close_window(unsigned int i)
{
	introspect_queue(&windows[i].closed);
	do_work();
}

static void expect_refused(int error, const char *words)
{
	report_clear(&told);
	cr_expect_eq(introspect_admit(&windows[0], 0, &told), error, "%s", words);
	cr_expect(strstr(told.text, words), "it says \"%s\", not \"%s\"", told.text, words);
	cr_expect_not(client_of(windows[0].id) && windows[0].id);
}

Test(driver_introspect, what_the_module_is_told, .init = be_ready)
{
	cr_assert_eq(introspect_admit(&windows[1], PLINTH_INTROSPECT_WRITE, &told), 0);
	cr_expect_eq(last.op, INTROSPECTION_ADMIT);
	cr_expect_eq(last.flags, INTROSPECTION_MAY_WRITE);
	cr_expect(last.id && client_of(last.id));
	cr_expect_eq(last.cr3, 0x123456000);
	cr_expect_eq(last.window, 0x40200000);
	cr_assert_eq(last.n_memory, 2, "whole pages");
	cr_expect(last.memory[0].start == 0x2000 && last.memory[0].end == 0x9f000);
	cr_expect(last.memory[1].start == 0x100000 && last.memory[1].end == 0x10000000);
	machine.isolated = true;
	cr_assert_eq(introspect_admit(&windows[0], 0, &told), 0);
	cr_expect(last.flags == INTROSPECTION_ISOLATED && last.id != windows[1].id);
}

Test(driver_introspect, who_may_not, .init = be_ready)
{
	machine.without_rawio = true;
	expect_refused(PLINTH_E_PERM, "CAP_SYS_RAWIO");
	machine.without_rawio = false;
	machine.locked_down = true;
	expect_refused(PLINTH_E_PERM, "locked down");
	machine.locked_down = false;
	windows[0].mm = &other_mm;
	expect_refused(PLINTH_E_INVAL, "no window");
	windows[0].mm = &own_mm;
	windows[0].is_closed = true;
	expect_refused(PLINTH_E_INVAL, "no window");
	windows[0].is_closed = false;
	cr_expect_eq(introspect_admit(NULL, 0, &told), PLINTH_E_INVAL);
	cr_expect_eq(introspect_admit(&windows[0], 2, &told), PLINTH_E_INVAL);
	cr_expect_eq(introspect_admit(&windows[0], 0, &told), 0);
	cr_expect_eq(introspect_admit(&windows[0], 0, &told), PLINTH_E_BUSY);
}

Test(driver_introspect, where_it_is_not_served, .init = be_ready)
{
	static const enum plinth_ctl_state states[] = {PLINTH_UNLOADED, PLINTH_LOADED};

	for (unsigned int i = 0; i < 2; i++) {
		machine.state = states[i];
		expect_refused(PLINTH_E_STATE, "not running");
	}
	machine.state = PLINTH_CORRUPT;
	expect_refused(PLINTH_E_CORRUPT, "died");
	machine.state = PLINTH_RUNNING;
	machine.without_module = true;
	expect_refused(PLINTH_E_NAME, "load --add introspection");
	machine.without_module = false;
	machine.runs = INTROSPECTION_MEMORY - 1;
	expect_refused(PLINTH_E_LIMIT, "more pieces");
	machine.runs--;
	cr_expect_eq(introspect_admit(&windows[1], 0, &told), 0);
	cr_expect_eq(last.n_memory, INTROSPECTION_MEMORY);
	machine.runs = 0;
	cr_expect_eq(introspect_admit(&windows[2], 0, &told), 0);
	expect_refused(PLINTH_E_LIMIT, "as many processes");
	close_window(1);
	cr_expect_eq(introspect_admit(&windows[0], 0, &told), 0, "one has gone");
}

/* Never registered, or refused: there is nothing to wait for. */
Test(driver_introspect, unregistered_windows_are_freed, .init = be_ready)
{
	machine.pending = ~0u;
	close_window(0);
	cr_expect_eq(freed[0], 1);
	machine.failures = 1;
	machine.failure = PLINTH_E_INVAL;
	cr_expect_eq(introspect_admit(&windows[1], 0, &told), PLINTH_E_INVAL);
	cr_expect(strstr(told.text, "the core's words"));
	cr_expect_eq(last.op, INTROSPECTION_END, "whatever it has made of it");
	close_window(1);
	cr_expect_eq(freed[1], 1);
	cr_expect_eq(machine.rounds, 0);
}

Test(driver_introspect, waits_until_every_cpu_has_flushed, .init = be_ready)
{
	cr_assert_eq(introspect_admit(&windows[0], 0, &told), 0);
	machine.pending = 5;
	close_window(0);
	cr_expect_eq(machine.rounds, 5);
	cr_expect_eq(freed[0], 1);
}

/* One that never does: the memory waits for the stop. */
Test(driver_introspect, keeps_what_a_cpu_may_go_by, .init = be_ready)
{
	cr_assert_eq(introspect_admit(&windows[0], 0, &told), 0);
	machine.pending = ~0u;
	close_window(0);
	cr_expect(!freed[0] && machine.rounds);
	introspect_close();
	machine.state = PLINTH_LOADED;
	machine.guests = 0;
	machine.pending = 0;
	introspect_open();
	cr_expect_eq(freed[0], 1);
}

/* CPUs that go, and other calls, are waited for, a while. */
Test(driver_introspect, tries_again, .init = be_ready)
{
	machine.failures = 3;
	machine.failure = PLINTH_E_STATE;
	cr_expect_eq(introspect_admit(&windows[0], 0, &told), 0);
	cr_expect_eq(machine.sleeps, 3);
	machine.failures = 3;
	machine.failure = PLINTH_E_BUSY;
	close_window(0);
	cr_expect_eq(freed[0], 1);
	cr_expect_eq(introspect_admit(&windows[1], 0, &told), 0);
	machine.failures = 1000000;
	close_window(1);
	cr_expect_not(freed[1]);
	cr_expect_lt(machine.sleeps, 100);
}

/* Before a stop windows are emptied, while it goes on nothing is freed, after it all that is closed. */
Test(driver_introspect, a_stop, .init = be_ready)
{
	cr_assert_eq(introspect_admit(&windows[0], 0, &told), 0);
	cr_assert_eq(introspect_admit(&windows[1], 0, &told), 0);
	introspect_queue(&windows[1].closed);
	introspect_close();
	cr_expect(zapped[0] && zapped[1] && !zapped[2]);
	machine.state = PLINTH_LOADED;
	machine.guests = 0;
	introspect_open();
	cr_expect(!client_of(windows[0].id) || !windows[0].id);
	cr_expect(!clients[0] && !clients[1], "the module knows nobody when it starts again");
	cr_expect(!freed[0] && !freed[1], "they are mapped");
	do_work();
	cr_expect_eq(freed[1], 1);
	close_window(0);
	cr_expect_eq(freed[0], 1);
}

/* Of a VMM that died: as soon as no CPU is a guest; if one stays one, never. */
Test(driver_introspect, a_death, .init = be_ready)
{
	cr_assert_eq(introspect_admit(&windows[0], 0, &told), 0);
	cr_assert_eq(introspect_admit(&windows[1], 0, &told), 0);
	machine.failures = 1000000;
	machine.failure = PLINTH_E_CORRUPT;
	machine.state = PLINTH_CORRUPT;
	machine.pending = ~0u;
	introspect_lost();
	close_window(0);
	cr_expect(zapped[0] && zapped[1] && !freed[0]);
	machine.guests = 0;
	clients[0] = clients[1] = 0;
	close_window(1);
	cr_expect_eq(freed[1], 1);
	introspect_fini();
	cr_expect_eq(freed[0], 1);
}

Test(driver_introspect, the_driver_goes, .init = be_ready)
{
	cr_assert_eq(introspect_admit(&windows[0], 0, &told), 0);
	introspect_queue(&windows[0].closed);
	machine.state = PLINTH_UNLOADED;
	machine.guests = 0;
	clients[0] = 0;
	introspect_fini();
	cr_expect_eq(freed[0], 1);
}
