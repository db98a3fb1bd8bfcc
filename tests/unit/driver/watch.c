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

static int (*handler)(unsigned int type, struct pt_regs *regs);

int register_nmi_handler(unsigned int type, int (*fn)(unsigned int type, struct pt_regs *regs),
			 unsigned long flags, const char *name)
{
	cr_expect_eq(type, NMI_UNKNOWN, "asked last");
	cr_expect(!flags && !strcmp(name, "plinth"));
	handler = fn;
	return 0;
}

void unregister_nmi_handler(unsigned int type, const char *name)
{
	(void)type;
	(void)name;
	handler = NULL;
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

/* One arrives that nobody else wants. True: the watch has taken it. */
static bool takes(unsigned int cpu)
{
	stub_cpu = cpu;
	return handler(NMI_UNKNOWN, NULL) == NMI_HANDLED;
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
