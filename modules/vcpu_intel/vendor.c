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
	if (!*page)
		return PLINTH_E_NOMEM;
	return mem_virt_to_phys(*page, pa);
}

int vendor_init(const struct plinth_boot *boot, const struct slat *slat)
{
	int err = page_alloc(&vendor_common.msr_bitmap, &vendor_common.msr_bitmap_pa);

	(void)boot;
	if (err)
		return err;
	msr_bitmap_fill();
	vendor_common.slat = slat;
	return 0;
}

void vendor_fini(void)
{
	mem_page_free(vendor_common.msr_bitmap);
	memset(&vendor_common, 0, sizeof(vendor_common));
}

int vendor_check(void)
{
	return caps_check(NULL);
}

/* The CPU is told where the lists lie in its memory: so they are in one page. */
#define LISTS_ALIGN 64
_Static_assert(sizeof(struct vendor_private) + LISTS_ALIGN + PLINTH_HEAP_OVERHEAD <= PLINTH_VENDOR_HEAP,
	       "the heap is sized for it");
_Static_assert(sizeof(struct msr_lists) <= LISTS_ALIGN && _Alignof(struct msr_lists) == LISTS_ALIGN,
	       "in one page");

static int regions_alloc(struct vendor_private *p)
{
	int err = page_alloc(&p->vmxon, &p->vmxon_pa);

	if (!err)
		err = page_alloc(&p->vmcs, &p->vmcs_pa);
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
	mem_page_free(vcpu->vendor->vmxon);
	mem_page_free(vcpu->vendor->vmcs);
	mem_free(vcpu->vendor);
	vcpu->vendor = NULL;
}
