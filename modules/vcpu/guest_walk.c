/* SPDX-License-Identifier: MIT */
/*
 * The guest's own page tables, walked as its CPU walks them (SDM, "4-Level Paging and 5-Level Paging",
 * "Access Rights", "Page-Fault Exceptions").
 *
 * Context: root mode, an exit of the current vCPU.
 */
#include <plinth/guest_memory.h>
#include <plinth/memory.h>

#include <pagetable.h>

#include "internal.h"

/* Of an error code; what was wanted stands there as GUEST_*. */
#define ERROR_PRESENT  0x1u
#define ERROR_RESERVED 0x8u
#define ERROR_WANTED   (GUEST_WRITE | GUEST_USER)

#define TABLE_BYTES 8u /* of an entry */

/* How the guest's tables are to be read. */
struct guest_paging {
	uint64_t root;
	uint64_t reserved; /* in every entry */
	unsigned int levels;
	bool large_1g, protects; /* protects: read-only pages are so for the kernel, too */
};

static unsigned int shift_of(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

static uint64_t address_bits_end(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(CPUID_ADDRESS_WIDTHS, 0, &leaf);
	return 1ull << (leaf.eax & 0xff);
}

static bool has_1g(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(CPUID_EXTENDED, 0, &leaf);
	return leaf.edx & CPUID_EXTENDED_EDX_1G;
}

static struct guest_paging paging_of(struct vcpu *vcpu)
{
	const uint64_t no_address = PT_BITS_ADDRESS & ~(address_bits_end() - 1);

	return (struct guest_paging){
		.root = vcpu_read(vcpu, VCPU_CR3) & PT_BITS_ADDRESS,
		.reserved = no_address | (vcpu_read(vcpu, VCPU_EFER) & EFER_NXE ? 0 : PT_BIT_NX),
		.levels = vcpu_read(vcpu, VCPU_CR4) & CR4_LA57 ? 5 : 4,
		.large_1g = has_1g(),
		.protects = vcpu_read(vcpu, VCPU_CR0) & CR0_WP,
	};
}

static bool can_name(const struct guest_paging *paging, uint64_t va)
{
	return x86_is_canonical(va, shift_of(paging->levels + 1));
}

static bool maps_page(uint64_t entry, unsigned int level)
{
	return level == 1 || (level <= 3 && entry & PT_BIT_LARGE);
}

/* A large page has its address above bit 12, which is of its memory type. */
static uint64_t reserved_in(const struct guest_paging *paging, uint64_t entry, unsigned int level)
{
	uint64_t reserved = paging->reserved;

	if (level > 3 || (level == 3 && !paging->large_1g))
		reserved |= PT_BIT_LARGE;
	else if (level > 1 && entry & PT_BIT_LARGE)
		reserved |= ((1ull << shift_of(level)) - 1) & ~((1ull << 13) - 1);
	return reserved;
}

static int entry_read(struct vcpu *vcpu, uint64_t table, uint64_t va, unsigned int level, uint64_t *entry)
{
	const uint64_t gpa = table + (va >> shift_of(level)) % PT_ENTRIES * TABLE_BYTES;
	uint64_t hpa;
	const uint64_t *slot = guest_ordinary(vcpu, gpa, SLAT_READ, &hpa);

	if (!slot)
		return PLINTH_E_PERM;
	*entry = __atomic_load_n(slot, __ATOMIC_RELAXED);
	return 0;
}

static int refuse(uint32_t access, uint32_t why, uint32_t *error)
{
	*error = (access & ERROR_WANTED) | why;
	return PLINTH_E_FAULT;
}

/* What all levels together allow. */
static bool allows(const struct guest_paging *paging, uint64_t rights, uint32_t access)
{
	if (access & GUEST_USER && !(rights & PT_BIT_USER))
		return false;
	return !(access & GUEST_WRITE) || rights & PT_BIT_WRITE ||
	       (!(access & GUEST_USER) && !paging->protects);
}

static int walk(struct vcpu *vcpu, const struct guest_paging *paging, uint64_t va, uint32_t access,
		uint64_t *gpa, uint32_t *error)
{
	uint64_t entry = paging->root, rights = ~0ull;
	unsigned int level = paging->levels + 1;

	do {
		int err = entry_read(vcpu, entry & PT_BITS_ADDRESS, va, --level, &entry);

		if (err)
			return err;
		if (!(entry & PT_BIT_PRESENT))
			return refuse(access, 0, error);
		if (entry & reserved_in(paging, entry, level))
			return refuse(access, ERROR_PRESENT | ERROR_RESERVED, error);
		rights &= entry;
	} while (!maps_page(entry, level));
	if (!allows(paging, rights, access))
		return refuse(access, ERROR_PRESENT, error);
	*gpa = (entry & PT_BITS_ADDRESS & ~((1ull << shift_of(level)) - 1)) |
	       (va & ((1ull << shift_of(level)) - 1));
	return 0;
}

int guest_translate(struct vcpu *vcpu, uint64_t va, uint32_t access, uint64_t *gpa, uint32_t *error)
{
	struct guest_paging paging;

	if (!vcpu_common.slat || !vcpu->guest->space || !(vcpu_read(vcpu, VCPU_EFER) & EFER_LMA))
		return PLINTH_E_NOTSUP;
	paging = paging_of(vcpu);
	return can_name(&paging, va) ? walk(vcpu, &paging, va, access, gpa, error) : PLINTH_E_INVAL;
}
