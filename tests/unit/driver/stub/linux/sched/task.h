/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_SCHED_TASK_H
#define STUB_LINUX_SCHED_TASK_H

struct task_struct;

void put_task_struct(struct task_struct *task);

#endif
