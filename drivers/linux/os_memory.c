// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* os.h: memory for the core, what the machine has of it, and the kernel's page tables. */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/vmx.h>

#include "drivers/common/os.h"
#include "drivers/linux/kernel.h"

/* Contiguous: alloc_pages_exact() aligns to the power of two it rounds up to. */
static void *alloc_contiguous(size_t bytes, size_t align)
{
	size_t whole = max(bytes, align);
	u8 *memory = alloc_pages_exact(whole, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);

	if (memory && whole > bytes)
		free_pages_exact(memory + bytes, whole - bytes);
	return memory;
}

/* Nobody is made to move for it. NULL if memory is too fragmented, or too little. */
static void *alloc_easily(size_t bytes)
{
	if (get_order(bytes) > KERNEL_MAX_PAGE_ORDER)
		return NULL;
	return alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY);
}

void *os_alloc_pages(size_t pages, size_t align)
{
	size_t bytes = pages * PAGE_SIZE;
	void *memory;

	if (align > PAGE_SIZE)
		return alloc_contiguous(bytes, align);
	/* In one piece it takes fewer page tables to hide it from the guest. */
	memory = alloc_easily(bytes);
	if (memory)
		return memory;
	/* Rather no memory for us than the OOM killer for others. */
	return __vmalloc(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
}

void os_free_pages(void *memory, size_t pages)
{
	if (is_vmalloc_addr(memory))
		vfree(memory);
	else
		free_pages_exact(memory, pages * PAGE_SIZE);
}

uint64_t os_virt_to_phys(const void *memory)
{
	if (is_vmalloc_addr(memory))
		return PFN_PHYS(vmalloc_to_pfn(memory)) + offset_in_page(memory);
	return virt_to_phys((void *)memory);
}

/* The kernel counts memory in sections; one that is online has some. */
static unsigned long next_section(unsigned long from)
{
	unsigned long best = ULONG_MAX, pfn;
	int node;

	for_each_online_node(node)
	{
		pfn = max(from, node_start_pfn(node)) & PAGE_SECTION_MASK;
		for (; pfn < min(node_end_pfn(node), best); pfn += PAGES_PER_SECTION) {
			if (pfn_to_online_page(pfn)) {
				best = pfn;
				break;
			}
		}
	}
	return best;
}

bool os_next_memory(uint64_t from, uint64_t *start, uint64_t *end)
{
	unsigned long pfn = next_section(PHYS_PFN(from));

	if (pfn == ULONG_MAX)
		return false;
	*start = PFN_PHYS(pfn);
	while (pfn_to_online_page(pfn))
		pfn += PAGES_PER_SECTION;
	*end = PFN_PHYS(pfn);
	return true;
}

/* The register is there with EPT or VPID alone; whoever has neither faults, and has no such pages. */
bool os_slat_gib_pages(void)
{
	u64 capabilities;

	return !kernel_rdmsr_safe(MSR_IA32_VMX_EPT_VPID_CAP, &capabilities) &&
	       capabilities & VMX_EPT_1GB_PAGE_BIT;
}

uint32_t os_paging_levels(void)
{
	return pgtable_l5_enabled() ? 5 : 4;
}

void os_kernel_half(uint64_t *table)
{
	const u64 *kernel = __va(read_cr3_pa());
	size_t i;

	for (i = PTRS_PER_PGD / 2; i < PTRS_PER_PGD; i++) {
		u64 entry = READ_ONCE(kernel[i]);

		if (READ_ONCE(table[i]) != entry)
			WRITE_ONCE(table[i], entry);
	}
}
