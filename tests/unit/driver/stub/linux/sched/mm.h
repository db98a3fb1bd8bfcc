/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_SCHED_MM_H
#define STUB_LINUX_SCHED_MM_H

#include <linux/mm_types.h>

struct task_struct;

struct mm_struct *get_task_mm(struct task_struct *task);
void mmput(struct mm_struct *mm);

#endif
