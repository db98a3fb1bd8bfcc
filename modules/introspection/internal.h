/* SPDX-License-Identifier: MIT */
/*
 * What the files of introspection share. Whatever comes from a caller's registers or memory is hostile: it is
 * read once and judged before it is used. No memory is taken but what slat_map() takes for tables.
 */
#ifndef PLINTH_INTROSPECTION_INTERNAL_H
#define PLINTH_INTROSPECTION_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/call.h>
#include <plinth/introspection.h>
#include <plinth/vcpu.h>

#define LOG_TAG "vmi" /* six characters are kept */

#define PAGE_BYTES 4096ull

/* -- clients.c: who is registered -------------------------------------------------------------- */

struct client {
	uint64_t id; /* 0: nobody */
	uint64_t cr3, window;
	uint64_t ticket; /* slat_flush(): the newest that was asked for on its account */
	bool is_stale;	 /* its window has changed, and a flush is still to be asked for */
	bool is_ending;	 /* its calls are nobody's; the window is its until every CPU has flushed */
	bool may_write;
	bool is_isolated; /* its user mode has page tables of its own */
};

/**
 * clients_lock(), clients_unlock() - over the table. Under it the functions of slat.h may be called.
 * Context: root mode or boot stack, interrupts off; not in NMIs.
 */
void clients_lock(void);
void clients_unlock(void);

/** clients_find() - whose process asks; NULL: nobody's. Context: root mode, the lock is held. */
struct client *clients_find(struct vcpu *vcpu);
/** clients_know() - the same for whoever needs no more than a copy. Return: false: nobody's. */
bool clients_know(struct vcpu *vcpu, struct client *copy);
/** clients_owner() - in whose window a guest's physical page lies, or NULL. Context: the lock is held. */
struct client *clients_owner(uint64_t page);
/** clients_may_see() - is it a page of the machine's memory, and in no window? Context: the lock is held. */
bool clients_may_see(uint64_t page);

/**
 * clients_admit() - one more, as the message says.
 * Return: 0, or an error of INTROSPECTION_ADMIT, which is in the log.
 */
PLINTH_MUST_USE int clients_admit(const struct introspection_message *about);
/**
 * clients_end() - one less.
 * @pending: result: a CPU may still go by what its window showed
 * Return: 0, or an error of slat_restore(), which is in the log: it is still there.
 */
PLINTH_MUST_USE int clients_end(uint64_t id, bool *pending);

/* -- view.c: what a window shows --------------------------------------------------------------- */

/**
 * view_settled() - does every CPU go by the window as it is now? A flush that is still to be asked for is
 * asked for. Context: the lock is held.
 */
bool view_settled(struct client *client);
/** view_restore() - from @gpa on it shows itself. Return: as slat_restore(). Context: the lock is held. */
PLINTH_MUST_USE int view_restore(struct client *client, uint64_t gpa, uint64_t bytes);
/** view_register() - for accesses that a window does not allow; a constructor. */
void view_register(void);

/* -- calls ------------------------------------------------------------------------------------- */

enum outcome {
	DONE,	   /* RAX is 0 */
	FAILED,	   /* RAX is 1 */
	AGAIN,	   /* nothing has changed: the instruction is repeated, behind the fault that was injected */
	ELSEWHERE, /* done, and the caller goes on where RIP was set */
};

/*
 * A hypercall of a registered process. @who: a copy: it may be gone by now. Context: an exit, no lock held.
 */
typedef enum outcome call_of(struct vcpu *vcpu, const struct client *who);

/* view.c */
call_of view_map;

/* access.c: what the driver asks for somebody; as a call_fn, of INTROSPECTION_READ to _REGISTERS. */
PLINTH_MUST_USE int access_answer(struct call *call);

/* registers.c */
call_of registers_get;
call_of registers_set;
/* registers_copy() - all of them as they are now. Context: an exit of this vCPU. */
void registers_copy(struct vcpu *vcpu, struct plinth_ctl_registers *to);

/* -- json_write.c, json_read.c: one flat object of integers (RFC 8259) ------------------------- */

/* A text that grows; beyond @room it is only counted. */
struct json_text {
	char *at;
	size_t room;
	size_t bytes; /* without a NUL */
};

/** json_number() - one more member, the first opens the object; json_end() - closes it, and a NUL. */
void json_number(struct json_text *text, const char *name, int64_t value);
void json_end(struct json_text *text);

/* Takes a member; the name has no NUL. Return: 0, or an error that ends the reading. */
typedef int json_member_fn(const char *name, size_t bytes, int64_t value, void *context);

/**
 * json_read() - every member of an object, in their order.
 * @text: @bytes of it, a NUL behind the object among them
 *
 * Names are letters, digits and underscores, none of which JSON would write otherwise; values are integers
 * that fit 64 bits with a sign.
 * Return: 0; PLINTH_E_INVAL: it is no such object; what @member returned.
 */
PLINTH_MUST_USE int json_read(const char *text, size_t bytes, json_member_fn *member, void *context);

#endif
