/* SPDX-License-Identifier: MIT */
/*
 * The heap: first fit over blocks that tile it. Each block has a header in front of
 * its payload and, while it is taken, a mark behind the bytes that were asked for:
 * overruns and double frees are found when the block is freed.
 */
#include <string.h>

#include <plinth/log.h>

#include "internal.h"

#define UNIT	   16u /* sizes and the usual alignment */
#define MARK_BYTES 8u

enum block_state { BLOCK_FREE = 0x4652, BLOCK_TAKEN = 0x544b };

struct block {
	uint32_t units;	   /* of the whole block, header included */
	uint32_t previous; /* units of the block before it; 0: the first */
	uint32_t bytes;	   /* asked for */
	uint16_t state;	   /* enum block_state */
	uint16_t owner;	   /* of a taken one: owner_of() */
};

_Static_assert(sizeof(struct block) == UNIT, "a payload that follows its header is aligned");

static struct {
	char *base, *end;
	size_t used;
	struct plinth_shared *shared;
} heap;

static struct block *next_of(struct block *b)
{
	return (struct block *)((char *)b + (size_t)b->units * UNIT);
}

static bool is_last(struct block *b)
{
	return (char *)next_of(b) >= heap.end;
}

/* Does the header still tile the heap? Whoever writes beyond a block, or before it, overwrites one. */
static bool is_sound(struct block *b)
{
	if ((char *)(b + 1) > heap.end || !b->units || b->units > (size_t)(heap.end - (char *)b) / UNIT ||
	    (b->state != BLOCK_FREE && b->state != BLOCK_TAKEN) ||
	    b->previous > (size_t)((char *)b - heap.base) / UNIT)
		return false;
	if (b->previous ? (b - b->previous)->units != b->previous : (char *)b != heap.base)
		return false;
	return is_last(b) || next_of(b)->previous == b->units;
}

/* Unlikely to be there by chance, and different for every block. */
static uint64_t mark_of(const struct block *b)
{
	return 0x9d1c6e5f3a8b7245ull ^ (uint64_t)b;
}

void heap_init(void *base, size_t bytes, struct plinth_shared *shared)
{
	struct block *first = base;

	heap.base = base;
	heap.end = heap.base + bytes;
	heap.used = 0;
	heap.shared = shared;
	shared->heap_bytes = bytes;
	shared->heap_used = 0;
	shared->heap_peak = 0;
	if (bytes)
		*first = (struct block){.units = (uint32_t)(bytes / UNIT), .state = BLOCK_FREE};
}

static void heap_count(const struct block *b, int64_t units)
{
	owner_heap(b->owner, units * UNIT);
	heap.used += (size_t)(units * UNIT);
	plinth_set(&heap.shared->heap_used, heap.used);
	if (heap.used > heap.shared->heap_peak)
		plinth_set(&heap.shared->heap_peak, heap.used);
}

/* Split @b after @units; the rest becomes a free block. */
static void split(struct block *b, uint32_t units)
{
	struct block *rest;
	uint32_t left = b->units - units;

	if (!left)
		return;
	b->units = units;
	rest = next_of(b);
	*rest = (struct block){.units = left, .previous = units, .state = BLOCK_FREE};
	if (!is_last(rest))
		next_of(rest)->previous = left;
}

/*
 * Units to leave free in front so that the payload is aligned; a gap is at least one
 * unit, which is a free block of its own.
 */
static uint32_t gap_for(const struct block *b, size_t align)
{
	uint64_t payload = (uint64_t)b + UNIT;

	return (uint32_t)(((payload + align - 1) & ~(uint64_t)(align - 1)) - payload) / UNIT;
}

/* NULL: there is no such block, or the heap is overwritten, which is another complaint. */
static struct block *block_find(uint32_t units, size_t align, uint32_t owner)
{
	for (struct block *b = (struct block *)heap.base; (char *)b < heap.end; b = next_of(b)) {
		uint32_t gap;

		if (!is_sound(b)) {
			LOG_ERR("the heap's block at %p is overwritten: nothing behind it is given out any "
				"more",
				(void *)b);
			return NULL;
		}
		if (b->state != BLOCK_FREE)
			continue;
		gap = gap_for(b, align);
		if (b->units < units || b->units - units < gap)
			continue;
		if (gap) {
			split(b, gap);
			b = next_of(b);
		}
		split(b, units);
		return b;
	}
	owner_refused(owner, PLINTH_SHORTAGE_HEAP, (uint64_t)units * UNIT);
	return NULL;
}

void *heap_alloc_locked(size_t bytes, size_t align, uint32_t owner)
{
	struct block *b;
	uint64_t mark;
	char *payload;

	if (!align)
		align = UNIT;
	if (!bytes || align & (align - 1) || align > MEM_PAGE)
		return NULL;
	if (bytes > (size_t)(heap.end - heap.base)) {
		owner_refused(owner, PLINTH_SHORTAGE_HEAP, bytes);
		return NULL;
	}
	b = block_find((uint32_t)((UNIT + bytes + MARK_BYTES + UNIT - 1) / UNIT), align < UNIT ? UNIT : align,
		       owner);
	if (!b)
		return NULL;
	b->state = BLOCK_TAKEN;
	b->owner = (uint16_t)owner;
	b->bytes = (uint32_t)bytes;
	heap_count(b, b->units);
	payload = (char *)(b + 1);
	memset(payload, 0, bytes);
	mark = mark_of(b);
	memcpy(payload + bytes, &mark, MARK_BYTES);
	return payload;
}

static void merge_with_next(struct block *b)
{
	struct block *next;

	if (is_last(b))
		return;
	next = next_of(b);
	if (next->state != BLOCK_FREE || !is_sound(next))
		return;
	b->units += next->units;
	if (!is_last(b))
		next_of(b)->previous = b->units;
}

/* NULL, or what is wrong with freeing @b. */
static const char *complaint(struct block *b)
{
	uint64_t mark;

	if ((char *)b < heap.base || (char *)(b + 1) >= heap.end || (uint64_t)b % UNIT)
		return "is not the heap's";
	if (b->state == BLOCK_FREE)
		return "is free already";
	if (b->state != BLOCK_TAKEN || (size_t)b->bytes + MARK_BYTES > (size_t)(heap.end - (char *)(b + 1)))
		return "was not allocated, or its header is overwritten";
	memcpy(&mark, (char *)(b + 1) + b->bytes, MARK_BYTES);
	if (mark != mark_of(b))
		return "was written beyond its end";
	return is_sound(b) ? NULL : "lies between headers that are overwritten";
}

void heap_free_locked(void *p)
{
	struct block *b = (struct block *)p - 1;
	const char *why = complaint(b);

	if (why) {
		LOG_ERR("free of %p: the block %s; it stays allocated", p, why);
		return;
	}
	heap_count(b, -(int64_t)b->units);
	b->state = BLOCK_FREE;
	merge_with_next(b);
	if (b->previous) {
		struct block *before = (struct block *)((char *)b - (size_t)b->previous * UNIT);

		if (before->state == BLOCK_FREE && is_sound(before))
			merge_with_next(before);
	}
}

size_t heap_used(void)
{
	return heap.used;
}
