/* SPDX-License-Identifier: MIT */
/*
 * As much of a kernel with several CPUs as drivers/linux/watch.c needs; the test is its clock and its
 * hardware.
 */
#ifndef STUB_DRIVERS_LINUX_KERNEL_H
#define STUB_DRIVERS_LINUX_KERNEL_H

#include <stdbool.h>

#include <linux/atomic.h>

#define STUB_CPUS 4u

extern unsigned int stub_cpu; /* that runs */
#define smp_processor_id()	   stub_cpu
#define raw_smp_processor_id()	   stub_cpu
#define nr_cpu_ids		   STUB_CPUS
#define num_online_cpus()	   STUB_CPUS
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < STUB_CPUS; (cpu)++)

#define DEFINE_PER_CPU(type, name) type name[STUB_CPUS]
#define per_cpu(name, cpu)	   (name)[cpu]
#define this_cpu_ptr(name)	   (&(*(name))[stub_cpu])

#define cpu_online_mask		      0
#define cpumask_first(mask)	      ((unsigned int)(mask))
#define cpumask_next(cpu, mask)	      ((cpu) + 1 + (mask))
#define KERNEL_HK_TICK		      0
#define housekeeping_test_cpu(cpu, w) ((cpu) < STUB_CPUS + (w))
#define housekeeping_enabled(what)    ((what) != 0)

#define READ_ONCE(x)		 __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)	 __atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#define local_irq_save(flags)	 ((flags) = 0)
#define local_irq_restore(flags) ((void)(flags))

#define HZ	     250
#define TIMER_PINNED 1
extern unsigned long jiffies;

struct timer_list {
	void (*function)(struct timer_list *timer);
	bool pending;
};

/* In the order of the CPUs. */
void stub_timer_setup(struct timer_list *timer, void (*fn)(struct timer_list *timer));

#define timer_setup(timer, fn, flags) stub_timer_setup(timer, (flags) ? (fn) : 0)
#define mod_timer(timer, when)	      ((timer)->pending = (when) != 0)
#define kernel_timer_delete(timer)    ((timer)->pending = false)
#define kernel_timer_delete_sync      kernel_timer_delete

#endif
