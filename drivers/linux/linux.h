/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the sources of the Linux driver share. */
#ifndef DRIVERS_LINUX_LINUX_H
#define DRIVERS_LINUX_LINUX_H

#include <linux/types.h>

#include "drivers/common/core.h"

extern struct core *plinth_core;

/* gate.S */
int gate_call(u64 launch_pa, u64 stack_top, u64 fn, u64 arg0, u64 arg1);
int gate_start(u64 launch_pa, u64 stack_top, u64 fn, u64 cpu);
int gate_stop(u64 token0, u64 token1, u64 number, int refused);
extern const char gate_stop_insn[], gate_land[], gate_land_user[];
extern u64 gate_kernel_cr3; /* which bits of a user's CR3 its kernel's has too */

/*
 * os_lock.c: wait until nobody is at a command, where one that takes long would be waited for. Unlike
 * os_lock() it can be ended by a signal that is fatal: false. Whoever comes in between is waited for as ever.
 */
bool linux_wait_for_turn(void);

/* load.c, call.c: core_load(), and core_call(), with what there is to read and write in user space. */
int load_from_user(const struct plinth_ctl_load *arg, struct core_report *report);
int call_from_user(struct plinth_ctl_call *arg, struct core_report *report);

/* peek.c: PLINTH_CTL_PEEK. */
int peek_from_user(struct plinth_ctl_peek *arg, struct core_report *report);

/* control.c */
extern const struct file_operations control_fops;

/* events.c: CPU hot-plug, sleep, reboot. */
int events_register(void);
void events_unregister(void);
const char *events_leaving(void); /* why the VMM may not start now, or NULL; under os_lock() */

/* virt.c: refuse other hypervisors that come while the VMM runs. */
int virt_register(void);
void virt_unregister(void);

/* watch.c: CPUs that are guests look after each other. */
int watch_register(void);
void watch_unregister(void);
void watch_start(void); /* on the CPU, interrupts off, like watch_stop() */
void watch_stop(void);
void watch_announce(void); /* before a start */
void watch_sync(void);	   /* may sleep: what watch_stop() stopped has ended */

/* main.c: after a command: a corrupt core keeps this module where it is. */
void plinth_pin_if_corrupt(void);

#endif
