/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_WORKQUEUE_H
#define STUB_LINUX_WORKQUEUE_H

struct work_struct {
	void (*function)(struct work_struct *work);
};

/* Work that the test does when it likes to. */
struct workqueue_struct;
struct workqueue_struct *alloc_ordered_workqueue(const char *name, unsigned int flags);
void destroy_workqueue(struct workqueue_struct *queue);
void queue_work(struct workqueue_struct *queue, struct work_struct *work);

typedef void (*work_func_t)(struct work_struct *work);

#define DECLARE_WORK(name, fn) struct work_struct name = {fn}
#define INIT_WORK(work, fn)    ((work)->function = (fn))
void flush_work(struct work_struct *work);
#define schedule_work_on(cpu, work) ((work)->function(cpu < STUB_CPUS ? (work) : 0))
#define cancel_work_sync(work)	    ((void)(work))

#endif
