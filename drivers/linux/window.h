/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Windows: 2 MiB of memory in one piece that belong to the driver and are mapped by one process, once. They
 * stay where they are: the kernel neither moves them nor swaps them out, and nobody can pin them.
 */
#ifndef DRIVERS_LINUX_WINDOW_H
#define DRIVERS_LINUX_WINDOW_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>

struct window {
	refcount_t owners; /* the open file, and whoever frees the memory */
	struct page *pages;
	struct mm_struct
		*mm; /* its page tables stay until window_free(), so that no other process gets them */
	struct inode *inode;	   /* through which the process has it mapped */
	atomic_t areas;		   /* of address space that map it: a second one for a moment, in mremap() */
	struct work_struct closed; /* queued when the last of them is gone */

	/* introspect.c's, under its mutex. */
	struct list_head link;
	u64 id; /* of the registration; 0: none */
	bool is_closed;
};

/*
 * window_map() - for mmap() of an open file, which has one window in its life.
 * @own:         where the open file has it; NULL until now
 * @when_closed: called when the process no longer has it mapped, however that came, or never had it; it owes
 *               window_free()
 *
 * Context: mmap() of a file: the lock of the process's address space is held.
 * Return: 0 or -errno.
 */
int window_map(struct file *file, struct vm_area_struct *area, struct window **own, work_func_t when_closed);

u64 window_pa(const struct window *window);

/* window_zap() - the process has nothing there any more, for good: it gets SIGBUS. Any lock but a spinlock.
 */
void window_zap(struct window *window);

/*
 * window_free() - give the memory back, which nothing may lead anywhere else any more.
 * window_put() - of the open file, when it is closed, and of window_free(): the rest.
 */
void window_free(struct window *window);
void window_put(struct window *window);

#endif
