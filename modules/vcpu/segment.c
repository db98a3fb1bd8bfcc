/* SPDX-License-Identifier: MIT */
/* The running system's segment registers, and descriptors (SDM, "Segment Descriptors"). */
#include <string.h>

#include "internal.h"

#define SELECTOR_INDEX(s) ((s) & ~7u)

static uint64_t descriptor_base(const uint8_t *descriptor, bool system)
{
	uint64_t low, high = 0;

	memcpy(&low, descriptor, sizeof(low));
	if (system)
		memcpy(&high, descriptor + 8, sizeof(high));
	return (low >> 16 & 0xffffff) | (low >> 32 & 0xff000000) | high << 32;
}

static uint32_t descriptor_limit(uint64_t low)
{
	uint32_t limit = (uint32_t)((low & 0xffff) | (low >> 32 & 0xf0000));

	return low >> 55 & 1 ? limit << 12 | 0xfff : limit;
}

/* Type, S, DPL, P from byte 5; AVL, L, D/B, G from the upper half of byte 6. */
static uint32_t descriptor_rights(uint64_t low)
{
	return (uint32_t)(low >> 40 & 0xff) | (uint32_t)(low >> 40 & 0xf000);
}

uint64_t segment_descriptor(const struct vcpu_segment_state *segment)
{
	uint64_t base = segment->base & 0xffffffff, rights = segment->rights;
	uint64_t limit = rights >> 15 & 1 ? segment->limit >> 12 : segment->limit;

	return (limit & 0xffff) | (limit >> 16 & 0xf) << 48 | (base & 0xffffff) << 16 | (base >> 24) << 56 |
	       (rights & 0xff) << 40 | (rights & 0xf000) << 40;
}

static void capture(struct vcpu_segment_state *out, uint16_t selector, uint64_t table, bool system)
{
	const uint8_t *descriptor = (const uint8_t *)(table + SELECTOR_INDEX(selector));
	uint64_t low;

	*out = (struct vcpu_segment_state){.selector = selector, .rights = SEG_UNUSABLE};
	if (!SELECTOR_INDEX(selector) && !(selector & SELECTOR_TI))
		return;
	memcpy(&low, descriptor, sizeof(low));
	out->base = descriptor_base(descriptor, system);
	out->limit = descriptor_limit(low);
	out->rights = descriptor_rights(low);
}

void segments_capture(struct vcpu_segment_state *out, const struct cpu_table *gdt)
{
	struct cpu_selectors s;

	cpu_store_selectors(&s);
	capture(&out[SEG_LDTR], s.ldtr, gdt->base, true);
	capture(&out[SEG_TR], s.tr, gdt->base, true);
	for (unsigned int i = SEG_ES; i <= SEG_GS; i++) {
		const uint16_t selectors[] = {[SEG_ES] = s.es, [SEG_CS] = s.cs, [SEG_SS] = s.ss,
					      [SEG_DS] = s.ds, [SEG_FS] = s.fs, [SEG_GS] = s.gs};
		const bool in_ldt = selectors[i] & SELECTOR_TI;

		capture(&out[i], selectors[i], in_ldt ? out[SEG_LDTR].base : gdt->base, false);
	}
	/* In 64-bit mode the bases of FS and GS live in MSRs, not in descriptors. */
	out[SEG_FS].base = cpu_rdmsr(MSR_IA32_FS_BASE);
	out[SEG_GS].base = cpu_rdmsr(MSR_IA32_GS_BASE);
}
