/* SPDX-License-Identifier: MIT */
#include "pages.h"

#include <stddef.h>
#include <stdint.h>

#include <plinth/control.h>

#define PAGES	  (PLINTH_INTROSPECT_BYTES / PAGES_BYTES)
#define WORD_BITS 64u
#define FULL	  UINT64_MAX

static unsigned char *begin;
static bool lost;
static uint64_t taken[PAGES / WORD_BITS]; /* a bit each; beside the pages, which may show anything */

void pages_begin(void *window)
{
	begin = window;
}

void pages_lose(void)
{
	lost = begin != NULL;
}

bool pages_are_lost(void)
{
	return lost;
}

bool pages_can_be_had(void)
{
	return begin && !lost;
}

bool pages_have(const void *address)
{
	return begin && (uintptr_t)address - (uintptr_t)begin < PLINTH_INTROSPECT_BYTES;
}

/* The lowest bit of a word that is 0, which is 1 then; -1: there is none. */
static int take_bit(uint64_t *word)
{
	uint64_t now = __atomic_load_n(word, __ATOMIC_RELAXED);
	int bit;

	do {
		if (now == FULL)
			return -1;
		bit = __builtin_ctzll(~now);
	} while (!__atomic_compare_exchange_n(word, &now, now | 1ull << bit, false, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return bit;
}

void *pages_take(void)
{
	for (size_t i = 0; i < PAGES / WORD_BITS; i++) {
		const int bit = take_bit(&taken[i]);

		if (bit >= 0)
			return begin + (i * WORD_BITS + (size_t)bit) * PAGES_BYTES;
	}
	return NULL;
}

bool pages_give(void *page)
{
	const size_t offset = (uintptr_t)page - (uintptr_t)begin, i = offset / PAGES_BYTES;
	const uint64_t bit = 1ull << i % WORD_BITS;

	if (!pages_have(page) || offset % PAGES_BYTES)
		return false;
	return __atomic_fetch_and(&taken[i / WORD_BITS], ~bit, __ATOMIC_RELEASE) & bit;
}
