/* SPDX-License-Identifier: MIT */
/*
 * CPUs that look after each other, over stand-ins for the kernel: an NMI that the watch sent is its own, all
 * others stay the system's, however many of which there were.
 */
#include <string.h>

#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/nmi.h>
#include <criterion/criterion.h>
#include <drivers/linux/kernel.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/linux.h"

#define SILENT	 1u  /* the CPU that does not answer, and whom its neighbour sends NMIs */
#define WAITS	 3u  /* rounds until each CPU knows its neighbour */
#define PATIENCE 12u /* more rounds than it waits for a sign of life */

/* -- what the watch calls ------------------------------------------------------------------- */

unsigned int stub_cpu;
unsigned long jiffies = 1;
struct core *plinth_core;

static unsigned int sent[STUB_CPUS];

static void send(int cpu, int vector)
{
	cr_expect_eq(vector, NMI_VECTOR);
	sent[cpu]++;
}

static const struct apic stub_apic = {.send_IPI = send};
const struct apic *apic = &stub_apic;

/* Of each type: NMI_LOCAL is asked about every NMI, NMI_UNKNOWN about what nobody else wants. */
static int (*handlers[2])(unsigned int type, struct pt_regs *regs);
static int no_handler[2];

int register_nmi_handler(unsigned int type, int (*fn)(unsigned int type, struct pt_regs *regs),
			 unsigned long flags, const char *name)
{
	cr_expect(type == NMI_UNKNOWN || type == NMI_LOCAL);
	cr_expect(!flags && !strcmp(name, "plinth"));
	if (!no_handler[type])
		handlers[type] = fn;
	return no_handler[type];
}

void unregister_nmi_handler(unsigned int type, const char *name)
{
	(void)name;
	handlers[type] = NULL;
}

/* What the VMM counts. */
static uint32_t hastened[STUB_CPUS];

uint32_t core_hastened(const struct core *core, uint32_t cpu)
{
	(void)core;
	return hastened[cpu];
}

bool core_cpu_died(const struct core *core, uint32_t cpu)
{
	(void)core;
	(void)cpu;
	return false;
}

void core_watch(struct core *core, struct core_report *report)
{
	(void)core;
	(void)report;
}

bool core_is_corrupt(const struct core *core)
{
	(void)core;
	return false;
}

void report_clear(struct core_report *report)
{
	(void)report;
}

void introspect_close(void)
{
}

void introspect_open(void)
{
}

void plinth_pin_if_corrupt(void)
{
}

static struct timer_list *timers[STUB_CPUS];
static unsigned int n_timers;

void stub_timer_setup(struct timer_list *timer, void (*fn)(struct timer_list *timer))
{
	timer->function = fn;
	timers[n_timers++ % STUB_CPUS] = timer;
}

/* -- the machine ------------------------------------------------------------------------------ */

/* A quarter of a second: whoever is alive looks. */
static void pass(bool silent)
{
	jiffies += HZ / 4;
	for (stub_cpu = 0; stub_cpu < STUB_CPUS; stub_cpu++)
		if (!silent || stub_cpu != SILENT)
			timers[stub_cpu]->function(timers[stub_cpu]);
}

static void all_up(void)
{
	cr_assert_eq(watch_register(), 0);
	for (stub_cpu = 0; stub_cpu < STUB_CPUS; stub_cpu++)
		watch_start();
	for (unsigned int i = 0; i < WAITS; i++)
		pass(false);
}

/* It is silent until the watch has sent it so many; to others it sends none. */
static void wait_until_sent(unsigned int n)
{
	unsigned int rounds = 0;

	while (sent[SILENT] < n) {
		pass(true);
		cr_assert_lt(rounds++, PATIENCE + n, "nobody looks after CPU %u", SILENT);
	}
	for (unsigned int cpu = 0; cpu < STUB_CPUS; cpu++)
		cr_expect_eq(sent[cpu], cpu == SILENT ? n : 0);
}

/* One arrives that somebody else wants, too. */
static void arrives(unsigned int cpu)
{
	stub_cpu = cpu;
	cr_expect_eq(handlers[NMI_LOCAL](NMI_LOCAL, NULL), NMI_DONE, "that is for others to say");
}

/* One arrives that nobody else wants. True: the watch has taken it. */
static bool takes(unsigned int cpu)
{
	arrives(cpu);
	return handlers[NMI_UNKNOWN](NMI_UNKNOWN, NULL) == NMI_HANDLED;
}

/* -- the tests ---------------------------------------------------------------------------------- */

Test(driver_watch, takes_none_where_it_sent_none, .init = all_up)
{
	for (unsigned int i = 0; i < 100; i++) {
		pass(false);
		for (unsigned int cpu = 0; cpu < STUB_CPUS; cpu++)
			cr_expect_not(takes(cpu), "round %u, CPU %u", i, cpu);
	}
	for (unsigned int cpu = 0; cpu < STUB_CPUS; cpu++)
		cr_expect_eq(sent[cpu], 0);
}

/* In every order of its own and the system's: as many are left over as are the system's. */
Test(driver_watch, each_of_the_systems_is_left_over, .init = all_up)
{
	unsigned int arrived = 0, real = 0, left = 0;

	for (unsigned int order = 0; order < 64; order++) {
		wait_until_sent(arrived + 1);
		for (unsigned int i = 0; i < 6; i++) {
			bool own = arrived < sent[SILENT] && order >> i & 1;

			arrived += own;
			real += !own;
			left += !takes(SILENT);
			for (unsigned int cpu = 0; cpu < STUB_CPUS; cpu++)
				cr_expect(cpu == SILENT || !takes(cpu), "CPU %u was sent none", cpu);
		}
		/*
		 * One that is on its way takes the place of one of the system's, and is then left over
		 * itself.
		 */
		for (; arrived < sent[SILENT]; arrived++)
			left += !takes(SILENT);
		cr_expect_eq(left, real, "order %u: %u of %u are left over", order, left, real);
	}
}

/* Two at once are one: what never arrives excuses another one for no longer than two looks of that CPU. */
Test(driver_watch, what_never_arrives_is_forgotten, .init = all_up)
{
	wait_until_sent(5);
	cr_expect(takes(SILENT) && takes(SILENT));
	pass(false);
	pass(false);
	for (unsigned int i = 0; i < 5; i++)
		cr_expect_not(takes(SILENT), "the system's NMI %u is swallowed", i);
}

/* -- NMIs of the VMM's ------------------------------------------------------------------------------ */

Test(driver_watch, takes_as_many_as_the_vmm_sent, .init = all_up)
{
	for (unsigned int i = 0; i < 100; i++) {
		hastened[1]++;
		cr_expect(takes(1), "%u", i);
		cr_expect_not(takes(1), "%u: the next is the system's", i);
		cr_expect_not(takes(2), "%u: it was sent none", i);
	}
}

/* The counter moves before one arrives; two may be on their way. */
Test(driver_watch, the_counter_may_be_ahead, .init = all_up)
{
	hastened[1] += 2;
	cr_expect(takes(1));
	cr_expect(takes(1));
	cr_expect_not(takes(1));
	hastened[1]++;
	arrives(1);
	cr_expect(takes(1), "what somebody else took was his own");
	cr_expect_not(takes(1));
}

/* Two at once are one. */
Test(driver_watch, the_vmms_that_never_arrive_are_forgotten, .init = all_up)
{
	hastened[2]++;
	arrives(2);
	pass(false);
	pass(false);
	cr_expect_not(takes(2), "the system's is swallowed");
}

/* Counters that another VMM has left, or a new one: only what moves while the CPU is a guest counts. */
Test(driver_watch, only_guests_are_hastened, .init = all_up)
{
	stub_cpu = 1;
	hastened[1]++;
	watch_stop();
	cr_expect(takes(1), "that was on its way");
	hastened[1] = 0;
	cr_expect_not(takes(1));
	stub_cpu = 1;
	watch_start();
	cr_expect_not(takes(1));
	hastened[1]++;
	cr_expect(takes(1));
}

Test(driver_watch, both_handlers_or_none)
{
	no_handler[NMI_LOCAL] = -12;
	cr_expect_eq(watch_register(), -12);
	cr_expect_null(handlers[NMI_UNKNOWN]);
	no_handler[NMI_LOCAL] = 0;
	cr_expect_eq(watch_register(), 0);
	watch_unregister();
	cr_expect(!handlers[NMI_LOCAL] && !handlers[NMI_UNKNOWN]);
}
