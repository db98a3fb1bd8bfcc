/* SPDX-License-Identifier: MIT */
/*
 * The region the VMM shares with the driver: log rings and counters that stay
 * readable when the VMM is dead. The VMM writes, everybody else reads.
 *
 * Layout: one struct plinth_shared, then for each logical CPU (index = the
 * operating system's CPU number) one struct plinth_shared_cpu of cpu_stride bytes.
 */
#ifndef PLINTH_SHARED_H
#define PLINTH_SHARED_H

#include <stdint.h>

#include <plinth/control.h>

#define PLINTH_SHARED_MAGIC   0x31485348544e4c50ull /* "PLNTHSH1" */
#define PLINTH_SHARED_VERSION 1

enum plinth_exit_kind {
#define PLINTH_EXIT(name, text) PLINTH_EXIT_##name,
#include <plinth/exit_kinds.def>
#undef PLINTH_EXIT
	PLINTH_EXIT_KINDS,
};

/* All that is shared is read and written while others do: in words that no access cuts in two. */
typedef uint64_t __attribute__((may_alias)) plinth_word;

/** plinth_words_load() - copy shared memory, word by word in that order. @words: of 8 bytes, aligned. */
static inline void plinth_words_load(void *to, const void *shared, uint64_t words)
{
	const plinth_word *from = (const plinth_word *)shared;

	for (uint64_t i = 0; i < words; i++)
		((plinth_word *)to)[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
}

/** plinth_words_store() - the other direction: whoever sees a word of it sees what was stored before. */
static inline void plinth_words_store(void *shared, const void *from, uint64_t words)
{
	plinth_word *to = (plinth_word *)shared;

	for (uint64_t i = 0; i < words; i++)
		__atomic_store_n(&to[i], ((const plinth_word *)from)[i], __ATOMIC_RELEASE);
}

/** plinth_set() - a number that others read, and of which nothing else depends. */
static inline void plinth_set(uint64_t *shared, uint64_t value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELAXED);
}

/** plinth_count() - add to a counter that one CPU at a time changes, and others read. */
static inline void plinth_count(uint64_t *counter, uint64_t more)
{
	plinth_set(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + more);
}

#define PLINTH_EXIT_SLOTS 48 /* room for kinds to come; unused ones are 0 */

/* Where a CPU stands; written by the VMM on that CPU. */
enum plinth_cpu_state {
	PLINTH_CPU_OFF = 0,    /* not under the VMM */
	PLINTH_CPU_READY = 1,  /* memory and stack are there */
	PLINTH_CPU_GUEST = 2,  /* the operating system runs as a guest */
	PLINTH_CPU_DEAD = 3,   /* given back after a fatal error, report in the log */
	PLINTH_CPU_HALTED = 4, /* in the VMM for good after a fatal error, report in the log */
	PLINTH_CPU_RESET = 5,  /* an INIT took it: neither under the VMM nor where the system left it */
};

/*
 * One line of the log. The writer stores sequence 0, then the text, then the real
 * number: a reader copies the record and keeps it if the sequence is the same,
 * and not 0, before and after; both with plinth_words_store() and plinth_words_load(), which keep that order.
 * Record n lies at log[(n - 1) % PLINTH_LOG_RECORDS].
 */
#define PLINTH_LOG_TEXT 104

struct plinth_log_record {
	uint64_t sequence; /* 1, 2, 3, ... per CPU; 0 while being written */
	uint64_t tsc;
	uint8_t level; /* enum plinth_log_level */
	uint8_t truncated;
	char tag[6]; /* component; NUL-padded, not always terminated */
	char text[PLINTH_LOG_TEXT];
};

#define PLINTH_LOG_RECORDS 150 /* per CPU; a crash report is 150 at the most */

/* One exit, as an extension that traces remembers it; written and read like a log record. */
struct plinth_trace_record {
	uint64_t sequence;
	uint64_t tsc;	 /* when the handler was called */
	uint64_t rip;	 /* of the guest */
	uint64_t detail; /* vcpu_detail() */
	uint64_t rax;	 /* of the guest: CPUID leaf, hypercall number */
	uint32_t kind;	 /* enum plinth_exit_kind */
	uint32_t ticks;	 /* in the handler; 0 if it did not return */
};

#define PLINTH_TRACE_RECORDS 32 /* per CPU; a power of two */

struct plinth_shared_cpu {
	/* Set by entry_prepare(): the top of the stack the gate calls VMM code on. */
	uint64_t stack_top;
	uint32_t state;			   /* enum plinth_cpu_state */
	uint32_t hastened;		   /* NMIs that others sent it so that it exits: vcpu_hasten() */
	uint64_t exits[PLINTH_EXIT_SLOTS]; /* by enum plinth_exit_kind */
	uint64_t nmis;			   /* NMIs that arrived in root mode and were given on */
	uint64_t start_ticks;		   /* TSC ticks entry_start() took until the launch */
	uint64_t log_head;		   /* sequence number of the newest record */
	uint64_t log_lost;		   /* records dropped by the rate limit */
	uint64_t log_credit_tsc;	   /* when the rate limit last gave credit */
	uint32_t log_credit;		   /* records that may be written at once */
	uint32_t reserved1;
	uint64_t log_lost_told; /* of log_lost, what a record has told of */
	struct plinth_log_record log[PLINTH_LOG_RECORDS];
	uint64_t trace_head; /* sequence number of the newest record; 0: nobody traces */
	struct plinth_trace_record trace[PLINTH_TRACE_RECORDS];
	uint64_t trace_ticks; /* in all handlers, since somebody traces */
};

/*
 * What can be changed while the VMM runs: one page that the driver writes and the VMM only
 * reads. It is the guest's memory, so nothing in it may decide about more than what is logged.
 */
#define PLINTH_LOG_RULES 16

/* A word: the driver writes it as one, and so does the VMM read it. */
struct plinth_log_rule {
	char tag[6];   /* component, as in a log record */
	uint8_t level; /* enum plinth_log_level; larger values are taken for the largest */
	uint8_t used;
};

struct plinth_tuning {
	uint8_t log_level; /* of components without a rule */
	uint8_t reserved0[7];
	struct plinth_log_rule rules[PLINTH_LOG_RULES];
	uint64_t trace_off; /* bit by enum plinth_exit_kind: a tracer leaves these exits out */
};

/*
 * One message to an extension and its answer (plinth/call.h): a page that the driver and the VMM write in
 * turn, a call at a time. It is the guest's memory: whoever is told of something in it copies it, and judges
 * the copy.
 */
struct plinth_mailbox {
	/* The driver's. */
	char name[PLINTH_CALL_NAME];
	uint64_t in_bytes;
	uint64_t room; /* for the answer: bytes of body, at the most */
	/* The VMM's. */
	uint64_t out_bytes;
	int64_t result;			 /* of the handler: 0 or a PLINTH_E_* */
	uint8_t body[PLINTH_CALL_BYTES]; /* the message, then the answer */
};

/* What one module has of the VMM's memory: from the heap in bytes, beside it in pages. */
struct plinth_memory_use {
	uint64_t heap_used, heap_peak;
	uint64_t pages_used, pages_peak;
};

#define PLINTH_MEMORY_MODULES 64 /* in load order; of more modules the last row has the rest */

/* What the VMM can have too little of; what helps is different for each. */
enum plinth_shortage_kind {
	PLINTH_SHORTAGE_NONE,
	PLINTH_SHORTAGE_HEAP,	   /* in bytes */
	PLINTH_SHORTAGE_PAGES,	   /* of the pool: stacks, page tables, second-level tables */
	PLINTH_SHORTAGE_ADDRESSES, /* of the window: in a row, a page each */
};

/* The newest request that could not be met. */
struct plinth_shortage {
	uint64_t times;	 /* that there was one, since the load */
	uint64_t kind;	 /* enum plinth_shortage_kind */
	uint64_t wanted; /* by the kind */
	uint64_t by;	 /* whose request, a row of plinth_shared.memory; of addresses nobody's */
	uint64_t most;	 /* who had the most of heap or pages then */
};

/* The jump slots of one module that are filled at the first call; all 0 if they are filled at load. */
struct plinth_lazy_use {
	uint32_t slots, bound;	/* bound: filled so far */
	uint32_t pages, sealed; /* pages of slots, and how many of them have become read-only */
};

struct plinth_shared {
	uint64_t magic;
	uint32_t version;
	uint32_t n_cpus;
	uint32_t cpu_offset; /* of CPU 0's block from the start of this structure */
	uint32_t cpu_stride;
	uint32_t log_level; /* at the load; see struct plinth_tuning */
	uint32_t reserved0;
	uint64_t heap_bytes, heap_used, heap_peak;
	uint64_t pool_pages, pool_used, pool_peak;
	struct plinth_memory_use memory[PLINTH_MEMORY_MODULES];
	struct plinth_lazy_use lazy[PLINTH_MEMORY_MODULES];
	struct plinth_shortage shortage;
};

/**
 * plinth_shared_own() - the block of a CPU for those who laid the region out or write it: the driver core and
 * the VMM.
 *
 * A guest's kernel may be able to write the region, so nobody asks it where to write. The core lays it out
 * like this, and log_init() refuses any other layout.
 */
static inline struct plinth_shared_cpu *plinth_shared_own(struct plinth_shared *s, uint32_t cpu)
{
	return (struct plinth_shared_cpu *)(s + 1) + cpu;
}

/* plinth_shared_cpu() - the block of a CPU; @cpu below n_cpus, both checked by a reader who trusts nobody. */
static inline struct plinth_shared_cpu *plinth_shared_cpu(struct plinth_shared *s, uint32_t cpu)
{
	return (struct plinth_shared_cpu *)((char *)s + s->cpu_offset + (uint64_t)cpu * s->cpu_stride);
}

#endif
