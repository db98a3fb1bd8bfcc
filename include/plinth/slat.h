/* SPDX-License-Identifier: MIT */
/*
 * Second-level translation: from a guest's physical addresses to the machine's. A space is the memory of one
 * guest; the first is the host's, one to one and without the VMM, the others are empty at first. Provided by
 * one module for each format of the tables (role "slat"); without one the host runs on the CPU's own paging
 * alone. Prefix slat_.
 *
 * What of the host's space nobody decided about is mapped when the guest touches it. What somebody decided
 * stays as it was decided, in every space: an access that it does not allow is an exit of kind SLAT_VIOLATION
 * that goes to those who registered for it.
 *
 * Context of all that changes a space: boot stack, or root mode on any CPU; interrupts off. One lock stands
 * over all spaces: whoever holds it may take that of the module memory, never the log's, and calls nobody
 * else's handler. NMIs take neither.
 */
#ifndef PLINTH_SLAT_H
#define PLINTH_SLAT_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/error.h>

struct slat_space;
struct vcpu;

/* What an access wants, and what a page allows: bits. */
#define SLAT_READ    1u
#define SLAT_WRITE   2u
#define SLAT_EXECUTE 4u
#define SLAT_ALL     (SLAT_READ | SLAT_WRITE | SLAT_EXECUTE)

/** slat_host() - the host's space; NULL where the CPU has no second-level translation. Context: any. */
PLINTH_EXPORT struct slat_space *slat_host(void);

/**
 * slat_create() - an empty space.
 * @pages: of the pool, for its tables: all that it will ever have, the top level included
 * @out:   result; untouched on failure
 *
 * Context: boot stack.
 * Return:  0; PLINTH_E_NOMEM, PLINTH_E_NOTSUP: then nothing was taken.
 * Undo:    slat_destroy(), when no vCPU is in it any more
 */
PLINTH_EXPORT PLINTH_MUST_USE int slat_create(uint32_t pages, struct slat_space **out);
PLINTH_EXPORT void slat_destroy(struct slat_space *space);

/**
 * slat_map() - decide where a region leads.
 * @gpa:    guest-physical
 * @hpa:    of the machine
 * @bytes:  at least one page; all three are multiples of 4 KiB
 * @access: SLAT_*; 0: every access is a violation
 *
 * In the largest pages that the addresses and the memory types allow; a larger page that is there is split.
 * The memory type is that of the machine's address. A split of the host's space takes a page of the pool for
 * each 2 MiB that are not decided about as a whole, and one more for a GiB that is a single page.
 *
 * Return: 0; PLINTH_E_NOMEM (no page for a table), PLINTH_E_NOTSUP (execute-only on a CPU without it),
 *         PLINTH_E_INVAL (an address the CPU cannot name, writing without reading): then the translations are
 * as before. Others may still go by the old ones until they have flushed: slat_flush().
 */
PLINTH_EXPORT PLINTH_MUST_USE int slat_map(struct slat_space *space, uint64_t gpa, uint64_t hpa,
					   uint64_t bytes, uint32_t access);

/**
 * slat_trap() - decide which accesses of a region are violations; it leads where it led before.
 * @access: SLAT_*: those that are not
 *
 * Return: as slat_map(); PLINTH_E_FAULT: a part of it is not mapped, and is not the host's.
 */
PLINTH_EXPORT PLINTH_MUST_USE int slat_trap(struct slat_space *space, uint64_t gpa, uint64_t bytes,
					    uint32_t access);

/**
 * slat_restore() - as if nobody had decided: the host's one to one, with all access; others' not mapped.
 *
 * Where nothing in 2 MiB is decided about any more they become one page again, or none; the table between
 * serves again when every CPU has flushed, which is asked for here.
 *
 * Return: as slat_map().
 */
PLINTH_EXPORT PLINTH_MUST_USE int slat_restore(struct slat_space *space, uint64_t gpa, uint64_t bytes);

/**
 * slat_get() - what a guest gets that touches an address now.
 * @hpa, @access: results; untouched on failure
 * Return: 0, PLINTH_E_FAULT: nothing is mapped, or the CPU cannot name it.
 */
PLINTH_EXPORT PLINTH_MUST_USE int slat_get(struct slat_space *space, uint64_t gpa, uint64_t *hpa,
					   uint32_t *access);

/**
 * slat_flush() - have every CPU drop what it remembers of a space.
 *
 * The CPU that asks does it at once. The others do it at their next exit, before anything else; until then
 * their guests may go by the old translations. Whoever cannot wait for an exit makes one: any CPUID on that
 * CPU is, and vcpu_hasten() has each CPU make one.
 *
 * Return: a ticket for slat_flushed(); 0: this CPU refused, which is logged, and may go on by what it
 * remembers.
 */
PLINTH_EXPORT PLINTH_MUST_USE uint64_t slat_flush(struct slat_space *space);

/** slat_flushed() - is it done, on every CPU that is a guest? */
PLINTH_EXPORT bool slat_flushed(uint64_t ticket);

/*
 * -- watched pages of the host: an access of one is a violation, and can be carried out all the same --------
 */

#define SLAT_WATCHES 16u

/**
 * slat_watch() - have some accesses of a page of the host's memory be violations, as slat_trap(), which a CPU
 * can pass by: slat_pass().
 * @gpa:    a page of ordinary memory that nobody has decided about
 * @access: SLAT_*: those that are not
 *
 * Takes pages of the pool: beside those of slat_trap() one for each level of the tables on the way there,
 * where no other watch has taken it, and two at the first. They stay those of the watches until the unload.
 *
 * Context: a call of the user's (plinth/call.h), with a vCPU or without; never an exit at a guest's will.
 * Return:  0; as slat_trap(); PLINTH_E_LIMIT (SLAT_WATCHES are there), PLINTH_E_BUSY (it is watched already,
 *          or leads elsewhere, or an access of it is trapped already), PLINTH_E_PERM (it is the VMM's, or no
 *          ordinary memory): then all is as before. Others go by what was there until they have flushed.
 * Undo:    slat_unwatch()
 */
PLINTH_EXPORT PLINTH_MUST_USE int slat_watch(uint64_t gpa, uint32_t access);

/**
 * slat_execute_from() - a watched page is executed from another, of the VMM's, and read and written in its
 * own place by whoever passes by.
 * @gpa:  as of slat_watch(), where only SLAT_EXECUTE is no violation
 * @page: a page of the VMM's, whose bytes any guest may execute from here on: until slat_unwatch(), and a
 *        flush after it
 *
 * Context: as slat_watch().
 * Return:  0; PLINTH_E_INVAL: the page is not watched like that; PLINTH_E_FAULT: @page is no page of the
 *          VMM's: then all is as before.
 */
PLINTH_EXPORT PLINTH_MUST_USE int slat_execute_from(uint64_t gpa, const void *page);

/**
 * slat_unwatch() - as if it had not been watched. Takes no memory.
 *
 * Context: as all that changes a space; in exits, too. A CPU that is about to pass by it does so.
 * Return:  0; PLINTH_E_INVAL: it is not; as slat_restore(): then it still is.
 */
PLINTH_EXPORT PLINTH_MUST_USE int slat_unwatch(uint64_t gpa);

/**
 * slat_pass() - have this CPU, and no other, carry out one instruction as if no page were watched.
 *
 * Answer EXIT_RETRY after it. The CPU comes back behind the instruction, or behind the delivery of an event
 * that comes first (kind STEP), and whoever provides this handles that exit: who looks at it in between calls
 * exit_below(). Until then the CPU has tables of its own, in which watched pages are what they would be.
 *
 * Context: root mode, during an exit of the host's vCPU; takes no memory.
 * Return:  0; PLINTH_E_NOTSUP (the CPU cannot come back behind an instruction), PLINTH_E_BUSY (it goes by
 *          other tables of its own, because there are too few pages), PLINTH_E_STATE (it is another guest's
 * vCPU), PLINTH_E_VIRT: then nothing has changed and the watch has to end, or the access has to be refused.
 */
PLINTH_EXPORT PLINTH_MUST_USE int slat_pass(struct vcpu *vcpu);

/* What the module vcpu asks of whoever registered (vcpu_register_slat()). */
struct slat {
	int (*init)(const struct plinth_boot *boot);	  /* within vcpu_init(); 0 or PLINTH_E_* */
	void (*fini)(void);				  /* within vcpu_fini() */
	struct slat_space *(*host)(void);		  /* slat_host() */
	uint64_t (*root)(const struct slat_space *space); /* as the hardware wants it */
	/*
	 * Before each launch, in root operation on the CPU in question: look at what may have changed since
	 * the last one, and drop translations; 0 or PLINTH_E_*.
	 */
	int (*start)(void);
	int (*flush)(struct vcpu *vcpu); /* in an exit of this vCPU: drop translations; 0 or PLINTH_E_* */
	int (*leave)(struct vcpu *vcpu); /* another vCPU becomes current after this one; 0 or PLINTH_E_* */
	/*
	 * slat_get(), of ordinary memory alone; PLINTH_E_PERM: the page is the VMM's, or its memory type is
	 * not write-back, as that of devices. Context: that of slat_get().
	 */
	int (*ordinary)(struct slat_space *space, uint64_t gpa, uint64_t *hpa, uint32_t *access);
};

#endif
