/* SPDX-License-Identifier: MIT */
/*
 * The module's life. Whoever was told of the driver calls it at every moment until it is told otherwise: CPUs
 * come and go, the machine falls asleep and wakes, the watch looks. The core behind it is freed memory once
 * it is gone.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/linux.h"
#include "fixture.h"

enum part { NOTHING, INTROSPECTION, WATCH, EVENTS, DEVICE, PARTS };

static bool registered[PARTS];
static enum part refuses; /* its registration fails */
static bool quiet;
static unsigned int pins, losses;

const struct file_operations {
	int unused;
} control_fops;

static void everything_happens(void)
{
	static struct core_report told;

	report_clear(&told);
	if (registered[EVENTS] && !quiet) {
		cr_expect_eq(core_cpu_offline(plinth_core, 1, &told), 0);
		cr_expect_eq(core_cpu_online(plinth_core, 1, &told), 0);
		cr_expect_eq(core_pause(plinth_core, &told), 0);
		cr_expect_eq(core_resume(plinth_core, &told), 0);
	}
	if (registered[WATCH] && !quiet)
		core_watch(plinth_core, &told);
}

static int add(enum part part)
{
	everything_happens();
	cr_assert_not(registered[part]);
	registered[part] = part != refuses;
	everything_happens();
	return registered[part] ? 0 : -EBUSY;
}

static void drop(enum part part)
{
	everything_happens();
	cr_assert(registered[part]);
	registered[part] = false;
	everything_happens();
}

int misc_register(struct miscdevice *device)
{
	cr_expect_eq(device->fops, &control_fops);
	return add(DEVICE);
}

void misc_deregister(struct miscdevice *device)
{
	(void)device;
	drop(DEVICE);
}

int events_register(void)
{
	return add(EVENTS);
}

void events_unregister(void)
{
	for (unsigned int cpu = 0; cpu < MOCK_CPUS; cpu++)
		cr_expect(quiet || !mock_world.guest[cpu],
			  "CPU %u is a guest, and nobody hears what happens to it", cpu);
	drop(EVENTS);
}

/* Who has events to tell tells it of a VMM that died. */
int introspect_init(void)
{
	return add(INTROSPECTION);
}

void introspect_fini(void)
{
	cr_expect_not(registered[EVENTS] || registered[WATCH]);
	drop(INTROSPECTION);
}

void introspect_lost(void)
{
	losses++;
}

int watch_register(void)
{
	return add(WATCH);
}

void watch_unregister(void)
{
	drop(WATCH);
}

void __module_get(void *module)
{
	(void)module;
	pins++;
}

static void expect_nothing_left(void)
{
	for (unsigned int part = INTROSPECTION; part < PARTS; part++)
		cr_expect_not(registered[part], "part %u", part);
	cr_expect_eq(mock_world.pages, 0, "%llu pages", (unsigned long long)mock_world.pages);
}

static void be_there(void)
{
	mock_reset();
	cr_assert_eq(stub_module_init(), 0);
	core = plinth_core;
}

static void run(void)
{
	be_there();
	cr_assert_eq(load_good(), 0, "%s", report.text);
	cr_assert_eq(core_start(core, &report), 0, "%s", report.text);
	everything_happens();
	cr_expect(mock_world.guest[0] && mock_world.guest[1]);
}

Test(driver_life, comes_and_goes)
{
	be_there();
	stub_module_exit();
	expect_nothing_left();
}

Test(driver_life, goes_while_it_runs)
{
	run();
	stub_module_exit();
	expect_nothing_left();
	cr_expect(!mock_world.guest[0] && !mock_world.guest[1] && !mock_world.virt);
}

/* Asleep when it goes: nobody starts it when the machine wakes. */
Test(driver_life, goes_while_the_machine_sleeps)
{
	run();
	cr_expect_eq(core_pause(plinth_core, &report), 0);
	stub_module_exit();
	expect_nothing_left();
}

Test(driver_life, cannot_come)
{
	for (refuses = INTROSPECTION; refuses < PARTS; refuses++) {
		mock_reset();
		cr_expect_neq(stub_module_init(), 0, "part %u", refuses);
		expect_nothing_left();
	}
	refuses = NOTHING;
	mock_reset();
	mock_arm(1, 0);
	cr_expect_eq(stub_module_init(), -ENOMEM);
	expect_nothing_left();
}

/* A CPU that does not let go keeps its memory, and the core; a command before that pins the module. */
Test(driver_life, a_cpu_stays)
{
	run();
	quiet = true;
	mock_arm(2, 0);
	stub_module_exit();
	cr_expect_eq(mock_disarm(), 1);
	cr_expect(registered[EVENTS] + registered[WATCH] + registered[DEVICE] + registered[INTROSPECTION] ==
		  0);
	cr_expect(core_is_corrupt(plinth_core));
	cr_expect_gt(mock_world.pages, 0);
	cr_expect_not(mock_world.virt, "nobody calls the emergency stop of a module that is gone");
	plinth_pin_if_corrupt();
	plinth_pin_if_corrupt();
	cr_expect_eq(pins, 1);
	cr_expect_eq(losses, 1, "who introspects sees nothing any more");
}
