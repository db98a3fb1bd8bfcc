// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * CPUs that are guests look after each other. A timer on each of them sees whether the
 * VMM died there, and whether the next CPU's timer still runs; if not, that CPU gets
 * NMIs: should it hang in the VMM, these are what the VMM ends the hanging by.
 *
 * The VMM sends NMIs itself, to CPUs that have to exit at once: those are answered by an exit.
 *
 * A CPU that runs without a tick (nohz_full) gets no timer: the next one that has one sees
 * that the VMM died there, but nobody that it hangs.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <linux/workqueue.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/nmi.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/kernel.h"
#include "drivers/linux/linux.h"

#define PERIOD	 (HZ / 4)
#define PATIENCE 8 /* periods without a sign of life */

struct watch {
	struct timer_list timer;
	bool active;
	bool guest; /* there may be NMIs of the VMM's */
	unsigned int beats;
	/* Of the CPU this one looks after. */
	unsigned int other, seen, silent;
	atomic_t nmis; /* sent to this CPU and not seen yet */
	int overdue;   /* as many as there were a period ago */
	u32 hastened;  /* core_hastened(): so many of them have been answered */
};
static DEFINE_PER_CPU(struct watch, watches);

static struct core_report report;

static void bury(struct work_struct *work)
{
	report_clear(&report);
	introspect_close();
	core_watch(plinth_core, &report);
	introspect_open();
	if (core_is_corrupt(plinth_core))
		pr_err("plinth: the VMM died; \"plinthctl log\" shows its report\n");
	plinth_pin_if_corrupt();
}
static DECLARE_WORK(bury_work, bury);

/*
 * On this CPU: the kernel gives work that may run anywhere to an idle one, and takes the CPU that is lost for
 * idle.
 */
static void bury_soon(void)
{
	schedule_work_on(smp_processor_id(), &bury_work);
}

/* NMIs that the VMM has sent to this CPU since then; they are no more anybody else's than those of wake(). */
static u32 count_hastened(struct watch *own)
{
	u32 now = core_hastened(plinth_core, smp_processor_id()), more = now - own->hastened;

	own->hastened = now;
	atomic_add(more, &own->nmis);
	return more;
}

/* What CPUID says here is of no interest, but that it is an exit. */
static void make_exit(void)
{
	unsigned int leaf = 0, subleaf = 0;

	asm volatile("cpuid" : "+a"(leaf), "+c"(subleaf) : : "ebx", "edx", "memory");
}

/*
 * Asked about every NMI, whoever else wants it: one of the VMM's may have arrived together with it, or be
 * about to arrive.
 */
static int on_any_nmi(unsigned int type, struct pt_regs *regs)
{
	struct watch *own = this_cpu_ptr(&watches);

	if (own->guest && count_hastened(own))
		make_exit();
	return NMI_DONE;
}

/*
 * Asked last, about an NMI that is nobody else's: one that has another reason as well is not ours to swallow.
 */
static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	return atomic_dec_if_positive(&this_cpu_ptr(&watches)->nmis) < 0 ? NMI_DONE : NMI_HANDLED;
}

static void wake(unsigned int cpu)
{
	atomic_inc(&per_cpu(watches, cpu).nmis);
	apic->send_IPI(cpu, NMI_VECTOR);
}

/*
 * An NMI that arrives together with another one is one NMI, which somebody else then takes. What has not come
 * a period after this CPU was alive does not come any more, and must not excuse an NMI that means something.
 */
static void forget_nmis(struct watch *own)
{
	int nmis = atomic_read(&own->nmis);

	if (nmis && nmis == own->overdue && atomic_try_cmpxchg(&own->nmis, &nmis, 0))
		nmis = 0;
	own->overdue = nmis;
}

/* The CPU after that one; after the last comes the first. */
static unsigned int next_online(unsigned int cpu)
{
	cpu = cpumask_next(cpu, cpu_online_mask);
	return cpu < nr_cpu_ids ? cpu : cpumask_first(cpu_online_mask);
}

/* The next guest after this CPU; itself if there is no other. */
static unsigned int other_of(unsigned int cpu)
{
	unsigned int other = cpu;

	do
		other = next_online(other);
	while (other != cpu && !READ_ONCE(per_cpu(watches, other).active));
	return other;
}

/* Of the CPUs up to that one, which have no timer: did the VMM die on any? */
static bool died_between(unsigned int cpu, unsigned int other)
{
	while ((cpu = next_online(cpu)) != other)
		if (core_cpu_died(plinth_core, cpu))
			return true;
	return false;
}

static void look_after(struct watch *own, unsigned int cpu)
{
	unsigned int other = other_of(cpu);
	unsigned int beats = READ_ONCE(per_cpu(watches, other).beats);

	if (died_between(cpu, other))
		bury_soon();
	if (other == cpu || other != own->other || beats != own->seen) {
		own->other = other;
		own->seen = beats;
		own->silent = 0;
	} else if (core_cpu_died(plinth_core, other)) {
		bury_soon();
	} else if (++own->silent >= PATIENCE) {
		wake(other);
	}
}

static void on_timer(struct timer_list *timer)
{
	struct watch *own = this_cpu_ptr(&watches);
	unsigned int cpu = smp_processor_id();
	unsigned long flags;

	/* A stop is an interrupt, and may not come between the question and the answer. */
	local_irq_save(flags);
	if (own->active) {
		WRITE_ONCE(own->beats, own->beats + 1);
		forget_nmis(own);
		if (core_cpu_died(plinth_core, cpu))
			bury_soon();
		else
			look_after(own, cpu);
		mod_timer(timer, jiffies + PERIOD);
	}
	local_irq_restore(flags);
}

void watch_start(void)
{
	struct watch *own = this_cpu_ptr(&watches);

	own->hastened = core_hastened(plinth_core, smp_processor_id());
	WRITE_ONCE(own->guest, true);
	if (!housekeeping_test_cpu(smp_processor_id(), KERNEL_HK_TICK))
		return;
	own->silent = 0;
	own->other = smp_processor_id();
	WRITE_ONCE(own->active, true);
	mod_timer(&own->timer, jiffies + PERIOD);
}

void watch_stop(void)
{
	struct watch *own = this_cpu_ptr(&watches);

	/* What was sent may still be on its way. */
	count_hastened(own);
	WRITE_ONCE(own->guest, false);
	WRITE_ONCE(own->active, false);
	kernel_timer_delete(&own->timer);
}

/* In words, because nothing else tells. */
void watch_announce(void)
{
	if (num_online_cpus() == 1)
		pr_info("plinth: one CPU: an endless loop in the VMM is ended by the kernel's NMI watchdog "
			"or not at all\n");
	else if (housekeeping_enabled(KERNEL_HK_TICK))
		pr_info("plinth: nohz_full: an endless loop in the VMM on such a CPU is ended by the "
			"kernel's NMI watchdog or not at all\n");
}

void watch_sync(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) kernel_timer_delete_sync(&per_cpu(watches, cpu).timer);
}

int watch_register(void)
{
	unsigned int cpu;
	int err;

	for_each_possible_cpu(cpu) timer_setup(&per_cpu(watches, cpu).timer, on_timer, TIMER_PINNED);
	err = register_nmi_handler(NMI_UNKNOWN, on_nmi, 0, "plinth");
	if (err)
		return err;
	err = register_nmi_handler(NMI_LOCAL, on_any_nmi, 0, "plinth");
	if (err)
		unregister_nmi_handler(NMI_UNKNOWN, "plinth");
	return err;
}

void watch_unregister(void)
{
	unregister_nmi_handler(NMI_LOCAL, "plinth");
	unregister_nmi_handler(NMI_UNKNOWN, "plinth");
	watch_sync();
	cancel_work_sync(&bury_work);
}
