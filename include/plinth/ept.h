/* SPDX-License-Identifier: MIT */
/*
 * Second-level translation: the guest's physical memory one to one, with the memory
 * types the MTRRs give, and without the VMM. Optional: loaded, it registers itself with
 * the vCPU module; left out, the guest runs without EPT. Prefix ept_.
 *
 * Memory that is there at the load is mapped then, everything else when the guest touches
 * it. What somebody decided about with ept_set_page() stays as it was decided: an access that
 * it does not allow is an exit of kind PLINTH_EXIT_SLAT_VIOLATION that this module does not
 * handle but hands on.
 */
#ifndef PLINTH_EPT_H
#define PLINTH_EPT_H

#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/error.h>

/* What a guest may do with a page. */
#define EPT_READ    1u
#define EPT_WRITE   2u
#define EPT_EXECUTE 4u

/**
 * ept_set_page() - decide about one 4 KiB page of the guest.
 * @gpa:    guest-physical, page-aligned
 * @hpa:    where accesses go, page-aligned; @gpa for one to one
 * @access: EPT_*; 0: every access is a violation
 *
 * A large page is split first, which takes a page of the pool for each 2 MiB in which nothing was decided
 * about so far, and one more for a GiB that is a single page. The memory type stays that of @gpa.
 *
 * Context: boot stack before the first start, or root mode; the caller flushes
 *          (ept_flush()) on every CPU that may hold the old translation.
 * Return:  0, PLINTH_E_NOMEM (no page for a table), PLINTH_E_NOTSUP (execute-only on a CPU
 *          without it), PLINTH_E_INVAL (an address the CPU cannot name, writing without reading).
 */
PLINTH_EXPORT PLINTH_MUST_USE int ept_set_page(uint64_t gpa, uint64_t hpa, uint32_t access);

/**
 * ept_get_page() - the translation of a guest-physical address: what a guest gets that touches it now.
 * Return: 0 with the results stored, PLINTH_E_FAULT if the CPU cannot name that address.
 */
PLINTH_EXPORT PLINTH_MUST_USE int ept_get_page(uint64_t gpa, uint64_t *hpa, uint32_t *access);

/**
 * ept_flush() - drop this CPU's translations that came from EPT.
 *
 * Context: root mode, on the CPU in question.
 * Return:  0 or PLINTH_E_VIRT: the CPU refused, and may still go by what it remembers.
 */
PLINTH_EXPORT PLINTH_MUST_USE int ept_flush(void);

#endif
