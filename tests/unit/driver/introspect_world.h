/* SPDX-License-Identifier: MIT */
/* What drivers/linux/introspect.c meets: a kernel, the core, the module behind it, and windows. */
#ifndef INTROSPECT_WORLD_H
#define INTROSPECT_WORLD_H

#include <linux/sched.h>
#include <plinth/introspection.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/window.h"

extern struct world {
	bool without_rawio, locked_down;
	bool isolated;	   /* user mode has page tables of its own */
	unsigned int runs; /* of memory, beside the two that are always there */
	enum plinth_ctl_state state;
	u32 guests;
	bool without_module;
	unsigned int pending;  /* rounds until all CPUs have flushed; ~0u: never */
	int failures, failure; /* so many calls fail with this */
	unsigned int rounds;   /* of exits */
	unsigned int sleeps;
} machine;

#define CLIENTS 2u
extern u64 clients[CLIENTS]; /* ids that the module knows */
extern struct introspection_message last;

#define WINDOWS	   3u
#define WINDOWS_PA 0x40000000ull /* where the first lies */
extern struct window windows[WINDOWS];
extern unsigned int zapped[WINDOWS], freed[WINDOWS];
extern struct mm_struct own_mm, other_mm; /* the process that calls has the first */
extern work_func_t when_closed;

/* client_of() - where the module has it; 0: where it has room; NULL: nowhere. */
u64 *client_of(u64 id);

/* do_work() - all that is queued. */
void do_work(void);

#endif
