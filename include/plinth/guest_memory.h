/* SPDX-License-Identifier: MIT */
/*
 * The memory of a vCPU's guest, by the guest's own page tables: for handlers of calls that name addresses as
 * the caller sees them. Nobody gets here what the guest could not get by itself: second-level translation
 * holds, and beneath it there must be ordinary memory, tables included. Pages of the VMM, devices and the
 * local APIC are refused. Provided by the module vcpu. Prefix guest_.
 *
 * Looked at are present, writable, user and reserved bits of 64-bit paging, CR0.WP and EFER.NXE, not what
 * else restricts data: SMAP, protection keys. Accessed and dirty bits stay as they are. Others may change
 * tables and pages meanwhile, as they may while a CPU has them in its TLB.
 *
 * Context of all: root mode, on the vCPU's CPU, during an exit of this vCPU, which is current; not in
 * handlers of NMIs, machine checks and faults. mem_glance() is used.
 */
#ifndef PLINTH_GUEST_MEMORY_H
#define PLINTH_GUEST_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/error.h>
#include <plinth/vcpu_state.h>

/* What an access wants: bits. Those of a page fault's error code have the same values. */
#define GUEST_READ  1u
#define GUEST_WRITE 2u
#define GUEST_USER  4u /* with a program's rights; else with the kernel's */

#define GUEST_BYTES_MAX 16384u /* of one guest_read() or guest_write() */

/* A page fault that an access would have had. */
struct guest_fault {
	uint64_t va;
	uint32_t error;
	uint32_t reserved0;
};

/**
 * guest_translate() - where an address lies, for that access.
 * @access: GUEST_*
 * @gpa:    guest-physical; untouched on failure. What is there is not looked at
 * @error:  the page fault's error code; written for PLINTH_E_FAULT alone
 *
 * Return:  0; PLINTH_E_FAULT: it would be a page fault; PLINTH_E_INVAL: not a canonical address;
 *          PLINTH_E_PERM: a table lies where no ordinary memory is; PLINTH_E_NOTSUP: the guest is not in
 * 64-bit paging, or there is no second-level translation.
 */
PLINTH_EXPORT PLINTH_MUST_USE int guest_translate(struct vcpu *vcpu, uint64_t va, uint32_t access,
						  uint64_t *gpa, uint32_t *error);

/**
 * guest_read(), guest_write() - copy from or to the guest's memory.
 * @bytes:  up to GUEST_BYTES_MAX, over any pages
 * @access: GUEST_USER or 0; what else it wants is understood
 * @fault:  written for PLINTH_E_FAULT alone
 *
 * All pages are looked up first: nothing is copied unless all can be.
 *
 * Return:  as guest_translate(); PLINTH_E_PERM: a page is no ordinary memory, or second-level translation
 * does not allow the access; PLINTH_E_INVAL: so many bytes are too many, or go beyond the last address.
 */
PLINTH_EXPORT PLINTH_MUST_USE int guest_read(struct vcpu *vcpu, uint64_t va, void *out, size_t bytes,
					     uint32_t access, struct guest_fault *fault);
PLINTH_EXPORT PLINTH_MUST_USE int guest_write(struct vcpu *vcpu, uint64_t va, const void *in, size_t bytes,
					      uint32_t access, struct guest_fault *fault);

/** guest_inject_fault() - the guest gets that page fault at the next entry; answer EXIT_RETRY after it. */
PLINTH_EXPORT void guest_inject_fault(struct vcpu *vcpu, const struct guest_fault *fault);

#endif
