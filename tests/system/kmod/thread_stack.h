/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Whether a page of RAM is of a thread's stack. The VMM's own stacks are no thread's.
 *
 * What a call left deep on a thread's stack is there until the next call that deep. The idle threads, of
 * which no list of threads tells, are the worst of them: what other CPUs ask of an idle one it does on its
 * idle thread's stack, and hardly anything else.
 */
#ifndef PLINTH_TESTS_THREAD_STACK_H
#define PLINTH_TESTS_THREAD_STACK_H

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/smp.h>

#define IDLE_CPUS_MAX 16
#define IDLE_TRIES    5000 /* milliseconds */

static struct task_struct *idle_threads[IDLE_CPUS_MAX]; /* by CPU */

static inline void note_idle_thread(void *found)
{
	*(struct task_struct **)found = is_idle_task(current) ? current : NULL;
}

/* Of a CPU that others than the caller's thread leave alone. */
static inline int find_idle_thread(int cpu)
{
	int tries;

	for (tries = 0; tries < IDLE_TRIES && !idle_threads[cpu]; tries++) {
		smp_call_function_single(cpu, note_idle_thread, &idle_threads[cpu], 1);
		msleep(1);
	}
	return idle_threads[cpu] ? 0 : -EBUSY;
}

/*
 * find_idle_threads() - for is_thread_stack()
 *
 * Context: on the first CPU.
 * Return:  0, -EBUSY where a CPU is never idle.
 */
static inline int find_idle_threads(void)
{
	int cpu, err = nr_cpu_ids > IDLE_CPUS_MAX ? -E2BIG : 0;

	idle_threads[0] = &init_task;
	for_each_online_cpu(cpu) if (!err) err = find_idle_thread(cpu);
	return err;
}

/* The first idle thread's is part of the kernel, and so in no area of its own. */
static inline unsigned long pfn_of_stack(const void *at)
{
	return is_vmalloc_addr(at) ? vmalloc_to_pfn(at) : __pa(at) >> PAGE_SHIFT;
}

static inline bool is_stack_of(const struct task_struct *thread, unsigned long pfn)
{
	unsigned long at;

	for (at = 0; thread->stack && at < THREAD_SIZE; at += PAGE_SIZE)
		if (pfn_of_stack(thread->stack + at) == pfn)
			return true;
	return false;
}

static inline bool is_thread_stack(unsigned long pfn)
{
	const struct task_struct *leader, *thread;
	bool found = false;
	int cpu;

	for (cpu = 0; cpu < IDLE_CPUS_MAX; cpu++)
		found = found || (idle_threads[cpu] && is_stack_of(idle_threads[cpu], pfn));
	rcu_read_lock();
	for_each_process_thread(leader, thread) found = found || is_stack_of(thread, pfn);
	rcu_read_unlock();
	return found;
}

#endif
