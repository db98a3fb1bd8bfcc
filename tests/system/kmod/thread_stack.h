/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Whether a page of RAM is of a thread's stack.
 */
#ifndef PLINTH_TESTS_THREAD_STACK_H
#define PLINTH_TESTS_THREAD_STACK_H

#include <linux/mm.h>
#include <linux/sched/signal.h>

static inline bool is_stack_of(const struct task_struct *thread, unsigned long pfn)
{
	unsigned long at;

	if (!thread->stack || !is_vmalloc_addr(thread->stack))
		return false;
	for (at = 0; at < THREAD_SIZE; at += PAGE_SIZE)
		if (vmalloc_to_pfn(thread->stack + at) == pfn)
			return true;
	return false;
}

/* What a call left deep on a thread's stack is there until the next call that deep. The VMM's own stacks are no thread's. */
static inline bool is_thread_stack(unsigned long pfn)
{
	const struct task_struct *leader, *thread;
	bool found = false;

	rcu_read_lock();
	for_each_process_thread(leader, thread)
		found = found || is_stack_of(thread, pfn);
	rcu_read_unlock();
	return found;
}

#endif
