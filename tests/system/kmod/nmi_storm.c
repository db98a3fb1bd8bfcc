// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Sends NMIs to every CPU, one after the other has been taken, and counts them:
 * insmod nmi_storm.ko count=N; what it found is in its parameters and in the kernel's log.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/nmi.h>

#define WAIT_MS 2000

static uint count = 1000;
static uint sent, taken, lost, invented;
module_param(count, uint, 0444);
module_param(sent, uint, 0444);
module_param(taken, uint, 0444);
module_param(lost, uint, 0444);
module_param(invented, uint, 0444);

struct tally {
	atomic_t sent, taken;
};
static DEFINE_PER_CPU(struct tally, tallies);

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	struct tally *tally = this_cpu_ptr(&tallies);

	if (atomic_inc_return(&tally->taken) <= atomic_read(&tally->sent))
		return NMI_HANDLED;
	/* Not one of ours; the kernel will complain of it as well. */
	atomic_dec(&tally->taken);
	return NMI_DONE;
}

static void send(unsigned int cpu)
{
	struct tally *tally = &per_cpu(tallies, cpu);
	int wanted = atomic_inc_return(&tally->sent);
	ktime_t end = ktime_add_ms(ktime_get(), WAIT_MS);

	apic->send_IPI(cpu, NMI_VECTOR);
	sent++;
	while (atomic_read(&tally->taken) < wanted && ktime_before(ktime_get(), end))
		cpu_relax();
	if (atomic_read(&tally->taken) < wanted) {
		lost++;
		atomic_set(&tally->taken, wanted);
	}
}

static int __init storm_init(void)
{
	unsigned int cpu, i;
	int err = register_nmi_handler(NMI_LOCAL, on_nmi, 0, "nmi_storm");

	if (err)
		return err;
	for (i = 0; i < count && lost < 10; i++) {
		cpus_read_lock();
		for_each_online_cpu(cpu) send(cpu);
		cpus_read_unlock();
		cond_resched();
	}
	/* Anything that comes now was never sent. */
	msleep(500);
	for_each_online_cpu(cpu) taken += atomic_read(&per_cpu(tallies, cpu).taken);
	taken -= lost;
	invented = taken > sent - lost ? taken - (sent - lost) : 0;
	pr_info("nmi_storm: sent %u taken %u lost %u invented %u\n", sent, taken, lost, invented);
	return 0;
}

static void __exit storm_exit(void)
{
	unregister_nmi_handler(NMI_LOCAL, "nmi_storm");
}

module_init(storm_init);
module_exit(storm_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Test: counts NMIs sent to every CPU");
