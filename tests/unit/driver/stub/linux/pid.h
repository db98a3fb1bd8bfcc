/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_PID_H
#define STUB_LINUX_PID_H

enum pid_type { PIDTYPE_PID };

struct pid;
struct task_struct;

struct pid *find_get_pid(int number);
struct task_struct *get_pid_task(struct pid *pid, enum pid_type type);
void put_pid(struct pid *pid);

#endif
