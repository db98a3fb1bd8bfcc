// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * What happens to a window by the process that has it mapped. All of it runs with the lock of that process's
 * address space held. Of the driver's own locks none is taken beneath that one: whoever waits for CPU
 * hot-plug with it would wait for a cpuset that waits for him.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <plinth/control.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/kernel.h"
#include "drivers/linux/window.h"

static void window_opened(struct vm_area_struct *area)
{
	struct window *window = area->vm_private_data;

	atomic_inc(&window->areas);
}

static void window_closed(struct vm_area_struct *area)
{
	struct window *window = area->vm_private_data;

	if (atomic_dec_and_test(&window->areas))
		introspect_queue(&window->closed);
}

/* Part of a window is none, and one that has moved is not where the process was told. */
static int window_stays_whole(struct vm_area_struct *area, unsigned long at)
{
	return -EINVAL;
}

static int window_stays_there(struct vm_area_struct *area)
{
	return -EINVAL;
}

/* All of it was mapped from the beginning: what is not there now was taken away. */
static vm_fault_t window_gone(struct vm_fault *fault)
{
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct window_operations = {
	.open = window_opened,
	.close = window_closed,
	.KERNEL_MAY_SPLIT = window_stays_whole,
	.mremap = window_stays_there,
	.fault = window_gone,
};

/* -- memory ---------------------------------------------------------------------------------- */

static struct window *window_create(struct file *file, struct mm_struct *mm, work_func_t when_closed)
{
	struct window *window = kzalloc(sizeof(*window), GFP_KERNEL);

	if (!window)
		return NULL;
	/* Such a block begins at a multiple of its size. */
	window->pages = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL,
				    get_order(PLINTH_INTROSPECT_BYTES));
	if (!window->pages) {
		kfree(window);
		return NULL;
	}
	refcount_set(&window->owners, 2);
	atomic_set(&window->areas, 1);
	INIT_LIST_HEAD(&window->link);
	INIT_WORK(&window->closed, when_closed);
	window->mm = mm;
	mmgrab(mm);
	/* No file: whoever has one would keep the driver loaded. */
	window->inode = file_inode(file);
	ihold(window->inode);
	return window;
}

void window_put(struct window *window)
{
	if (window && refcount_dec_and_test(&window->owners))
		kfree(window);
}

void window_free(struct window *window)
{
	__free_pages(window->pages, get_order(PLINTH_INTROSPECT_BYTES));
	mmdrop(window->mm);
	iput(window->inode);
	window_put(window);
}

u64 window_pa(const struct window *window)
{
	return page_to_phys(window->pages);
}

void window_zap(struct window *window)
{
	unmap_mapping_range(window->inode->i_mapping, 0, PLINTH_INTROSPECT_BYTES, 1);
}

/* -- mmap() ------------------------------------------------------------------------------------ */

static bool is_whole_window(const struct vm_area_struct *area)
{
	return !area->vm_pgoff && area->vm_end - area->vm_start == PLINTH_INTROSPECT_BYTES &&
	       area->vm_flags & VM_SHARED && !(area->vm_flags & VM_EXEC);
}

/* All at once, so that a window that was zapped stays so. */
static int window_fill(struct window *window, struct vm_area_struct *area)
{
	int err;

	kernel_vm_flags(area, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	err = remap_pfn_range(area, area->vm_start, page_to_pfn(window->pages), PLINTH_INTROSPECT_BYTES,
			      area->vm_page_prot);
	if (err) {
		zap_vma_ptes(area, area->vm_start, PLINTH_INTROSPECT_BYTES);
		return err;
	}
	area->vm_private_data = window;
	area->vm_ops = &window_operations;
	return 0;
}

/* Whoever finds it in *@own may use it at once: from then on it goes the way that all go. */
int window_map(struct file *file, struct vm_area_struct *area, struct window **own, work_func_t when_closed)
{
	struct window *window;
	int err;

	if (!is_whole_window(area))
		return -EINVAL;
	window = window_create(file, area->vm_mm, when_closed);
	if (!window)
		return -ENOMEM;
	if (cmpxchg(own, NULL, window)) {
		window_free(window);
		window_put(window);
		return -EBUSY;
	}
	err = window_fill(window, area);
	if (err)
		introspect_queue(&window->closed);
	return err;
}
