/* SPDX-License-Identifier: MIT */
/*
 * The memory types the firmware and the kernel gave to physical memory (SDM, "Memory
 * Type Range Registers", "MTRR Precedences").
 */
#include <plinth/intrinsics.h>

#include "internal.h"

#define MSR_MTRRCAP	  0xfeu
#define MSR_MTRR_BASE(n)  (0x200u + 2 * (n))
#define MSR_MTRR_MASK(n)  (0x201u + 2 * (n))
#define MSR_MTRR_DEFAULT  0x2ffu
#define CAP_COUNT(cap)	  ((cap)&0xff)
#define CAP_FIXED	  (1ull << 8)
#define DEFAULT_ENABLED	  (1ull << 11)
#define DEFAULT_FIXED	  (1ull << 10)
#define MASK_VALID	  (1ull << 11)
#define FIXED_END	  0x100000ull
#define VARIABLE_MAX	  32u

struct variable {
	uint64_t base, mask; /* of the address bits */
	uint64_t bytes;	     /* of the region, 0: the mask has holes */
	uint8_t type;
};

static struct {
	bool enabled, fixed_enabled;
	uint8_t default_type;
	uint32_t n;
	struct variable variable[VARIABLE_MAX];
	uint64_t fixed[11]; /* one byte per sub-range, in the order of fixed_msrs */
} mtrr;

static const uint32_t fixed_msrs[11] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f };

static void variable_read(uint32_t i, uint64_t address_mask)
{
	uint64_t base = cpu_rdmsr(MSR_MTRR_BASE(i)), mask = cpu_rdmsr(MSR_MTRR_MASK(i));
	struct variable *v = &mtrr.variable[mtrr.n];
	uint64_t size;

	if (!(mask & MASK_VALID))
		return;
	v->type = (uint8_t)base;
	v->mask = mask & address_mask;
	v->base = base & v->mask;
	size = (~v->mask & (address_mask | (PAGE_4K - 1))) + 1;
	v->bytes = size & (size - 1) ? 0 : size;
	mtrr.n++;
}

void mtrr_read(unsigned int address_bits)
{
	uint64_t address_mask = ((1ull << address_bits) - 1) & ~(PAGE_4K - 1);
	uint64_t cap = cpu_rdmsr(MSR_MTRRCAP), def = cpu_rdmsr(MSR_MTRR_DEFAULT);

	mtrr.enabled = def & DEFAULT_ENABLED;
	mtrr.fixed_enabled = (cap & CAP_FIXED) && (def & DEFAULT_FIXED);
	mtrr.default_type = (uint8_t)def;
	mtrr.n = 0;
	for (uint32_t i = 0; i < CAP_COUNT(cap) && i < VARIABLE_MAX; i++)
		variable_read(i, address_mask);
	for (uint32_t i = 0; mtrr.fixed_enabled && i < 11; i++)
		mtrr.fixed[i] = cpu_rdmsr(fixed_msrs[i]);
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
	return (uint8_t)(mtrr.fixed[i / 8] >> (i % 8 * 8));
}

/* Two ranges over the same memory. */
static uint8_t combine(uint8_t a, uint8_t b)
{
	if (a == b)
		return a;
	if ((a == TYPE_WT && b == TYPE_WB) || (a == TYPE_WB && b == TYPE_WT))
		return TYPE_WT;
	return TYPE_UC; /* UC wins; other pairs are undefined, and UC is never wrong */
}

enum cover { COVER_NONE, COVER_PART, COVER_ALL };

static enum cover covers(const struct variable *v, uint64_t pa, uint64_t bytes)
{
	if (bytes == PAGE_4K)
		return (pa & v->mask) == v->base ? COVER_ALL : COVER_NONE;
	if (!v->bytes)
		return COVER_PART;
	if (pa + bytes <= v->base || pa >= v->base + v->bytes)
		return COVER_NONE;
	return pa >= v->base && pa + bytes <= v->base + v->bytes ? COVER_ALL : COVER_PART;
}

static enum memory_type variable_type(uint64_t pa, uint64_t bytes)
{
	bool found = false;
	uint8_t type = mtrr.default_type;

	for (uint32_t i = 0; i < mtrr.n; i++) {
		const struct variable *v = &mtrr.variable[i];
		enum cover cover = covers(v, pa, bytes);

		if (cover == COVER_PART)
			return TYPE_MIXED;
		if (cover == COVER_NONE)
			continue;
		type = found ? combine(type, v->type) : v->type;
		found = true;
	}
	return type;
}

enum memory_type mtrr_type(uint64_t pa, uint64_t bytes)
{
	if (!mtrr.enabled)
		return TYPE_UC;
	if (mtrr.fixed_enabled && pa < FIXED_END)
		return bytes > PAGE_4K ? TYPE_MIXED : fixed_type(pa);
	return variable_type(pa, bytes);
}
