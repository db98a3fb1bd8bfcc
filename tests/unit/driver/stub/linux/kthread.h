/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_KTHREAD_H
#define STUB_LINUX_KTHREAD_H

#include <linux/mm_types.h>

void kthread_use_mm(struct mm_struct *mm);
void kthread_unuse_mm(struct mm_struct *mm);

#endif
