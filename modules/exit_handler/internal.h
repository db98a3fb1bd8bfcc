/* SPDX-License-Identifier: MIT */
/* What the files of the exit handler share: the built-in handlers. */
#ifndef PLINTH_EXIT_HANDLER_INTERNAL_H
#define PLINTH_EXIT_HANDLER_INTERNAL_H

#include <plinth/exit_handler.h>
#include <plinth/log.h>
#include <plinth/x86.h>

#define LOG_TAG "exit"

/* cpuid.c */
vcpu_exit_fn exit_cpuid;
/* hypercall.c */
vcpu_exit_fn exit_hypercall;
void hypercall_init(const struct plinth_boot *boot);
/* control.c */
vcpu_exit_fn exit_cr_access, exit_xsetbv;
/* msr.c */
vcpu_exit_fn exit_msr_read, exit_msr_write, exit_msr_list;
/* instruction.c */
vcpu_exit_fn exit_undefined, exit_invd, exit_settle, exit_triple_fault, exit_getsec, exit_task_switch;
vcpu_exit_fn exit_init_signal;

/** exit_raise() - inject #GP(0) or #UD and answer EXIT_RETRY. */
enum exit_action exit_raise_gp(struct vcpu *vcpu);
enum exit_action exit_raise_ud(struct vcpu *vcpu);

/* -- range.c: who answers a number ------------------------------------------------ */

#define RANGES_MAX 16

struct exit_range {
	uint64_t first, last;
	exit_range_fn *handler;
	void *context;
	enum exit_caller caller; /* of hypercalls */
};

/* Sorted by first; used rows are 0 .. n-1. */
struct exit_ranges {
	uint32_t n;
	struct exit_range rows[RANGES_MAX];
};

PLINTH_MUST_USE int ranges_add(struct exit_ranges *ranges, const struct exit_range *row);
PLINTH_MUST_USE int ranges_remove(struct exit_ranges *ranges, uint64_t first);
/** ranges_find() - the row that holds @number, or NULL. */
const struct exit_range *ranges_find(const struct exit_ranges *ranges, uint64_t number);

#endif
