/* SPDX-License-Identifier: MIT */
/*
 * Events: accesses of pages and writes of MSRs, recorded as they happen and read as they come. Provided by
 * the extension `events`, which answers messages (plinth/call.h) to EVENTS_NAME.
 *
 * One listener at a time says what is watched, and asks each CPU for what happened there. It has to ask again
 * within the time that it has said: then the watches are its own; of a listener that is not heard of any more
 * the next event takes them back, and nothing is left of them. There is a ring of EVENTS_RING records for
 * each CPU, which that CPU alone writes and reads: when it is full, events are counted and not recorded.
 */
#ifndef PLINTH_EVENTS_H
#define PLINTH_EVENTS_H

#include <stdint.h>

#include <plinth/control.h>

#define EVENTS_NAME  "events"
#define EVENTS_CPUS  64u /* that have a ring; on others events are lost, and counted */
#define EVENTS_RING  64u /* records */
#define EVENTS_PAGES 16u /* watched at a time */
#define EVENTS_MSRS  8u

enum events_op {
	/*
	 * The caller listens from now on, and nothing is watched: the answer is a struct events_session. What
	 * its own address space does is not recorded, so it is to be asked on the CPU that it runs on.
	 * PLINTH_E_BUSY: somebody else does, and was heard of in time.
	 */
	EVENTS_LISTEN = 1,
	/*
	 * One more page is watched: @access of @address. No answer; it holds on a CPU from its next exit on,
	 * any EVENTS_POLL there is one. PLINTH_E_STATE: not the session's any more, or no CPU is a guest yet;
	 * PLINTH_E_NOTSUP: this CPU cannot come back behind an instruction, or has no second-level
	 * translation; else as slat_watch(), in the log.
	 */
	EVENTS_WATCH_PAGE = 2,
	/*
	 * What happened on the CPU that is asked, oldest first: a struct events_answer. PLINTH_E_STATE: as
	 * above.
	 */
	EVENTS_POLL = 3,
	/* Nothing is watched any more. No answer. */
	EVENTS_END = 4,
	/*
	 * One more MSR is watched: writes of that number, @address. No answer. PLINTH_E_STATE: not the
	 * session's any more, or the VMM runs and the MSR does not exit yet; PLINTH_E_LIMIT, PLINTH_E_NOTSUP:
	 * as exit_register_msr(), in the log.
	 */
	EVENTS_WATCH_MSR = 5,
};

/* Accesses of a page: bits, those of slat.h. */
#define EVENTS_READ    1u
#define EVENTS_WRITE   2u
#define EVENTS_EXECUTE 4u

/* Of @flags, of LISTEN: the page behind an address space's top level is its top level in user mode. */
#define EVENTS_ISOLATED 1u

/* What the listener sends; what an operation does not use is 0. */
struct events_message {
	uint32_t op; /* enum events_op */
	uint32_t flags;
	uint64_t session; /* of LISTEN's answer */
	uint64_t lease;	  /* of LISTEN and POLL: ticks until it has to poll again */
	uint64_t address; /* guest-physical, of a page */
	uint32_t access;  /* EVENTS_* */
	uint32_t reserved0;
};

/* To LISTEN. */
struct events_session {
	uint64_t session;
};

enum events_kind {
	EVENTS_PAGE = 1,
	EVENTS_MSR =
		2, /* @address is its number, @before and @after what it held; not DONE: it was refused */
};

/*
 * The CPU came back, and @after is what was there then; an interrupt that came first has it come back in
 * front of the instruction, and the access comes again. Not set: it had not come back yet.
 */
#define EVENTS_DONE 1u

struct events_record {
	uint64_t tsc;
	uint64_t cr3, rip;	/* who: of the guest, as it stands */
	uint64_t address;	/* guest-physical, of the first byte */
	uint64_t before, after; /* the eight aligned bytes in which that byte is */
	uint32_t cpu;
	uint8_t kind;	/* enum events_kind */
	uint8_t access; /* EVENTS_READ, ... */
	uint8_t cpl;	/* privilege level */
	uint8_t flags;	/* EVENTS_DONE */
};

#define EVENTS_AT_ONCE 64u

/* To POLL; cut behind the last record. */
struct events_answer {
	uint64_t lost;	/* on this CPU, in this session, for want of room */
	uint32_t n;	/* records; the ring is empty behind these */
	uint32_t ended; /* watches that were given up, because a CPU could not pass by */
	struct events_record record[EVENTS_AT_ONCE];
};

#endif
