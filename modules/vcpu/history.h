/* SPDX-License-Identifier: MIT */
/* The last exits of a CPU, for the report of its crash. */
#ifndef PLINTH_VCPU_HISTORY_H
#define PLINTH_VCPU_HISTORY_H

#include <stdint.h>

#include <plinth/vcpu.h>

#define HISTORY_ROWS 32

/* One exit of any kind but CPUID. */
struct history_row {
	uint64_t rip;	 /* of the guest */
	uint64_t cpuids; /* CPUID exits of this CPU so far */
	uint32_t kind;	 /* enum plinth_exit_kind */
	uint32_t reserved0;
};

struct history {
	uint64_t n; /* exits written; the last one is rows[(n - 1) % HISTORY_ROWS] */
	struct history_row rows[HISTORY_ROWS];
};

/**
 * history_handlers() - guest->recording: handlers that write the history and then call those of the guest.
 */
void history_handlers(struct guest *guest);

/** history_log() - write it to the log, newest exit first. */
void history_log(const struct vcpu *vcpu);

#endif
