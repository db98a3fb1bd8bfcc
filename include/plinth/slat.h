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
