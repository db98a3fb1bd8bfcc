/* SPDX-License-Identifier: MIT */
/* What the sources of the entry module share; nobody else includes this. */
#ifndef MODULES_ENTRY_INTERNAL_H
#define MODULES_ENTRY_INTERNAL_H

#include <stdbool.h>

#include <plinth/boot.h>
#include <plinth/call.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/shared.h>
#include <plinth/vcpu.h>

#define LOG_TAG "entry"

/* Who answers to a name. The owner is the module in whose image the handler lies. */
struct call_row {
	char name[PLINTH_CALL_NAME]; /* NUL-padded */
	call_fn *handler;
	void *context;
};

/* A message that is being answered, and its answer: from the heap, because no exit takes memory. */
struct call_desk {
	struct plinth_mailbox letter;
	_Alignas(8) uint8_t answer[PLINTH_CALL_BYTES];
};

/*
 * All that outlives a call. Written while no CPU is a guest, but for what lies on the desk: that is whose who
 * set is_busy, on any CPU.
 */
struct entry_state {
	struct plinth_shared *shared;
	struct vcpu **vcpus; /* by CPU number; NULL: not prepared */
	uint32_t n_cpus;
	uint64_t token[2];	     /* of this load: the driver's */
	struct cpu_local boot_local; /* who we are while VMM code runs on the boot stack */
	struct plinth_mailbox *mailbox;
	struct call_desk *desk;
	uint32_t is_busy;
	uint32_t n_rows;
	struct call_row rows[CALL_REGISTRATIONS]; /* oldest first */
};

extern struct entry_state entry_state;

/* init.c: from now on we are on the boot stack of this CPU. Returns what cpu_restore_local() wants. */
uint64_t entry_enter(uint64_t cpu);

/* name.c: can this be a name? It need not end. */
bool call_is_name(const char *name);
/* call_row_of() - who answers to it; NULL: nobody. */
const struct call_row *call_row_of(const char *name);
/* call_list() - the answer to PLINTH_CALL_REGISTRATIONS. Returns its bytes. */
uint64_t call_list(struct plinth_ctl_registration *out);

/* call.c: where messages lie from now on; 0 or PLINTH_E_NOMEM. What was registered stays. */
PLINTH_MUST_USE int call_init(struct plinth_mailbox *mailbox);
void call_fini(void);

/* The message in the mailbox is answered, on the CPU this runs on; as entry_call(). */
PLINTH_MUST_USE int call_answer(void);

#endif
