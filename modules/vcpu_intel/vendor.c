/* SPDX-License-Identifier: MIT */
/* What VT-x wants of memory: for all vCPUs, and for each. */
#include <string.h>

#include <plinth/footprint.h>
#include <plinth/memory.h>

#include "internal.h"

PLINTH_MODULE("vcpu_intel", "0.1.0", "Intel VT-x: feature checks, VMXON, VMCS, exits");

struct vendor_common vendor_common;

static int page_alloc(void **page, uint64_t *pa)
{
	*page = mem_page_alloc();
	if (*page && !mem_virt_to_phys(*page, pa))
		return 0;
	mem_page_free(*page);
	*page = NULL;
	return PLINTH_E_NOMEM;
}

int vendor_init(const struct plinth_boot *boot, const struct slat *slat)
{
	struct vendor_guest *host = &vendor_common.host;

	(void)boot;
	if (page_alloc(&host->msr_bitmap, &host->msr_bitmap_pa))
		return PLINTH_E_NOMEM;
	host->vpid = vendor_common.last_vpid = HOST_VPID;
	vendor_common.slat = slat;
	return 0;
}

void vendor_fini(void)
{
	mem_page_free(vendor_common.host.msr_bitmap);
	memset(&vendor_common, 0, sizeof(vendor_common));
}

int vendor_check(void)
{
	return caps_check(NULL);
}

/* -- a guest ------------------------------------------------------------------------------- */

int vendor_guest_create(struct guest *guest)
{
	struct vendor_guest *own = mem_alloc(sizeof(*own), 0);

	if (!own || page_alloc(&own->msr_bitmap, &own->msr_bitmap_pa)) {
		mem_free(own);
		return PLINTH_E_NOMEM;
	}
	memset(own->msr_bitmap, 0xff, MEM_PAGE);
	own->vpid = ++vendor_common.last_vpid;
	guest->vendor = own;
	return 0;
}

void vendor_guest_destroy(struct guest *guest)
{
	mem_page_free(guest->vendor->msr_bitmap);
	mem_free(guest->vendor);
	guest->vendor = NULL;
}

const struct vendor_guest *vendor_guest_of(const struct guest *guest)
{
	return guest->vendor ? guest->vendor : &vendor_common.host;
}

/* -- a CPU ---------------------------------------------------------------------------------- */

int vendor_cpu_create(struct cpu *cpu)
{
	struct vendor_cpu *own = mem_alloc(sizeof(*own), 0);

	if (!own || page_alloc(&own->vmxon, &own->vmxon_pa)) {
		mem_free(own);
		return PLINTH_E_NOMEM;
	}
	cpu->vendor = own;
	return 0;
}

void vendor_cpu_destroy(struct cpu *cpu)
{
	mem_page_free(cpu->vendor->vmxon);
	mem_free(cpu->vendor);
	cpu->vendor = NULL;
}

/* -- a vCPU --------------------------------------------------------------------------------- */

/* The CPU is told where the lists lie in its memory: so they are in one page. */
#define LISTS_ALIGN 64
_Static_assert(sizeof(struct vendor_private) + LISTS_ALIGN + sizeof(struct vendor_cpu) +
			       2 * PLINTH_HEAP_OVERHEAD <=
		       PLINTH_VENDOR_HEAP,
	       "the heap is sized for it");
_Static_assert(sizeof(struct msr_lists) <= LISTS_ALIGN && _Alignof(struct msr_lists) == LISTS_ALIGN,
	       "in one page");

static int regions_alloc(struct vendor_private *p)
{
	int err = page_alloc(&p->vmcs, &p->vmcs_pa);

	return err ? err : mem_virt_to_phys(&p->lists, &p->lists_pa);
}

int vendor_create(struct vcpu *vcpu)
{
	int err;

	vcpu->vendor = mem_alloc(sizeof(*vcpu->vendor), LISTS_ALIGN);
	err = vcpu->vendor ? regions_alloc(vcpu->vendor) : PLINTH_E_NOMEM;
	if (err) {
		vendor_destroy(vcpu);
		return err;
	}
	vcpu->on_exit = vcpu_on_exit;
	return 0;
}

void vendor_destroy(struct vcpu *vcpu)
{
	if (!vcpu->vendor)
		return;
	mem_page_free(vcpu->vendor->vmcs);
	mem_free(vcpu->vendor);
	vcpu->vendor = NULL;
}
