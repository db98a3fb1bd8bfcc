/* SPDX-License-Identifier: MIT */
/*
 * The memory types the firmware and the kernel gave to physical memory (SDM, "Memory
 * Type Range Registers", "MTRR Precedences").
 */
#include <string.h>

#include <plinth/intrinsics.h>

#include "internal.h"

#define MSR_MTRRCAP	 0xfeu
#define MSR_MTRR_BASE(n) (0x200u + 2 * (n))
#define MSR_MTRR_MASK(n) (0x201u + 2 * (n))
#define MSR_MTRR_DEFAULT 0x2ffu
#define CPUID_1_EDX_MTRR (1u << 12)
#define CAP_COUNT(cap)	 ((cap)&0xff)
#define CAP_FIXED	 (1ull << 8)
#define DEFAULT_ENABLED	 (1ull << 11)
#define DEFAULT_FIXED	 (1ull << 10)
#define MASK_VALID	 (1ull << 11)
#define FIXED_END	 0x100000ull

static struct mtrr_state mtrr;

static const uint32_t fixed_msrs[MTRR_FIXED] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
						0x26b, 0x26c, 0x26d, 0x26e, 0x26f};

/* An entry with a type that does not exist would be a misconfiguration, and those are fatal. */
static uint8_t known(uint64_t type)
{
	type &= 0xff;
	return type == TYPE_WC || (type >= TYPE_WT && type <= TYPE_WB) ? (uint8_t)type : (uint8_t)TYPE_UC;
}

static void variable_read(struct mtrr_state *m, uint32_t i, uint64_t address_mask)
{
	struct mtrr_variable *v = &m->variable[m->n];
	uint64_t base, mask;

	if (cpu_rdmsr_safe(MSR_MTRR_BASE(i), &base) || cpu_rdmsr_safe(MSR_MTRR_MASK(i), &mask) ||
	    !(mask & MASK_VALID))
		return;
	v->type = known(base);
	v->mask = mask & address_mask;
	v->base = base & v->mask;
	m->n++;
}

static bool has_mtrrs(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(1, 0, &leaf);
	return leaf.edx & CPUID_1_EDX_MTRR;
}

void mtrr_read(struct mtrr_state *m)
{
	uint64_t address_mask = ((1ull << caps_address_bits()) - 1) & ~(PAGE_4K - 1);
	uint64_t cap, def;

	memset(m, 0, sizeof(*m));
	/* Nothing but the guest's page tables decides about types then, as if all memory were write-back. */
	if (!has_mtrrs() || cpu_rdmsr_safe(MSR_MTRRCAP, &cap) || cpu_rdmsr_safe(MSR_MTRR_DEFAULT, &def)) {
		m->enabled = true;
		m->default_type = TYPE_WB;
		return;
	}
	m->enabled = def & DEFAULT_ENABLED ? 1 : 0;
	m->fixed_enabled = cap & CAP_FIXED && def & DEFAULT_FIXED ? 1 : 0;
	m->default_type = known(def);
	for (uint32_t i = 0; i < CAP_COUNT(cap) && i < MTRR_VARIABLE_MAX; i++)
		variable_read(m, i, address_mask);
	for (uint32_t i = 0; m->fixed_enabled && i < MTRR_FIXED; i++)
		if (cpu_rdmsr_safe(fixed_msrs[i], &m->fixed[i]))
			m->fixed[i] = 0;
}

bool mtrr_use(const struct mtrr_state *state)
{
	if (!memcmp(&mtrr, state, sizeof(mtrr)))
		return false;
	mtrr = *state;
	return true;
}

/* 64 KiB steps below 512 KiB, 16 KiB below 768 KiB, 4 KiB below 1 MiB. */
static uint8_t fixed_type(uint64_t pa)
{
	uint64_t i;

	if (pa < 0x80000)
		i = pa >> 16;
	else if (pa < 0xc0000)
		i = 8 + ((pa - 0x80000) >> 14);
	else
		i = 24 + ((pa - 0xc0000) >> 12);
	return known(mtrr.fixed[i / 8] >> (i % 8 * 8));
}

/* Two ranges over the same memory. */
static uint64_t combine(uint64_t a, uint64_t b)
{
	if (a == b)
		return a;
	if ((a == TYPE_WT && b == TYPE_WB) || (a == TYPE_WB && b == TYPE_WT))
		return TYPE_WT;
	return TYPE_UC; /* UC wins; other pairs are undefined, and UC is never wrong */
}

enum cover { COVER_NONE, COVER_PART, COVER_ALL };

/*
 * Of the addresses in the region some match the mask and some do not if it looks at bits that differ among
 * them.
 */
static enum cover covers(const struct mtrr_variable *v, uint64_t pa, uint64_t bytes)
{
	if ((pa ^ v->base) & v->mask & ~(bytes - 1))
		return COVER_NONE;
	return v->mask & (bytes - 1) ? COVER_PART : COVER_ALL;
}

static enum memory_type variable_type(uint64_t pa, uint64_t bytes)
{
	bool found = false;
	uint64_t type = mtrr.default_type;

	for (uint64_t i = 0; i < mtrr.n; i++) {
		const struct mtrr_variable *v = &mtrr.variable[i];
		enum cover cover = covers(v, pa, bytes);

		if (cover == COVER_PART)
			return TYPE_MIXED;
		if (cover == COVER_NONE)
			continue;
		type = found ? combine(type, v->type) : v->type;
		found = true;
	}
	return (enum memory_type)type;
}

enum memory_type mtrr_type(uint64_t pa, uint64_t bytes)
{
	if (!mtrr.enabled)
		return TYPE_UC;
	if (mtrr.fixed_enabled && pa < FIXED_END)
		return bytes > PAGE_4K ? TYPE_MIXED : (enum memory_type)fixed_type(pa);
	return variable_type(pa, bytes);
}
