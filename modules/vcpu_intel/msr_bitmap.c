/* SPDX-License-Identifier: MIT */
/*
 * Which accesses of MSRs exit: a page of bits, one for each MSR of two ranges, for reads and for writes (SDM,
 * "MSR-Bitmap Address"). All other MSRs always exit. Who wants what is kept by whoever asks: here are only
 * the bits.
 */
#include <plinth/memory.h>

#include "internal.h"

#define RANGE_MSRS  0x2000u /* of each of the two */
#define RANGE_BYTES (RANGE_MSRS / 8)
#define HIGH_FIRST  0xc0000000u

/* In the order of the hardware: reads of low MSRs, of high ones, writes of low MSRs, of high ones. */
static const struct part {
	uint32_t first, what;
} parts[] = {
	{0, VCPU_MSR_READ},
	{HIGH_FIRST, VCPU_MSR_READ},
	{0, VCPU_MSR_WRITE},
	{HIGH_FIRST, VCPU_MSR_WRITE},
};

#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

_Static_assert(N_PARTS *RANGE_BYTES == MEM_PAGE, "one page");

static void bits_set(uint8_t *bits, uint32_t first, uint32_t last, bool on)
{
	for (uint32_t i = first; i <= last; i++)
		bits[i / 8] = (uint8_t)((bits[i / 8] & ~(1u << i % 8)) | (uint32_t)on << i % 8);
}

static void part_set(uint8_t *bitmap, uint32_t i, uint32_t first, uint32_t last, bool on)
{
	const uint32_t from = parts[i].first, to = from + RANGE_MSRS - 1;

	if (last < from || first > to)
		return;
	bits_set(bitmap + i * RANGE_BYTES, (first > from ? first : from) - from,
		 (last < to ? last : to) - from, on);
}

int vcpu_msr_exits(struct guest *guest, uint32_t first, uint32_t last, uint32_t what, bool exits)
{
	uint8_t *bitmap = vendor_guest_of(guest)->msr_bitmap;

	if (first > last || !what || what & ~(VCPU_MSR_READ | VCPU_MSR_WRITE))
		return PLINTH_E_INVAL;
	if (exits && what & VCPU_MSR_WRITE && !msr_writes_can_exit(first, last))
		return PLINTH_E_NOTSUP;
	/* The host has one from vendor_init() on. */
	for (uint32_t i = 0; bitmap && i < N_PARTS; i++)
		if (parts[i].what & what)
			part_set(bitmap, i, first, last, exits);
	return 0;
}
