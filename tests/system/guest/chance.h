/* SPDX-License-Identifier: MIT */
/* Numbers of chance, the same for the same seed: xorshift64*. For one file of one program. */
#ifndef PLINTH_GUEST_CHANCE_H
#define PLINTH_GUEST_CHANCE_H

#include <stdint.h>

static uint64_t chance_state;

static inline void chance_seed(uint64_t seed)
{
	chance_state = seed * 0x9e3779b97f4a7c15ull | 1; /* 0 would stay 0 */
}

static inline uint64_t chance_word(void)
{
	chance_state ^= chance_state >> 12;
	chance_state ^= chance_state << 25;
	chance_state ^= chance_state >> 27;
	return chance_state * 0x2545f4914f6cdd1dull;
}

/* From 0 to n - 1. */
static inline uint64_t chance_below(uint64_t n)
{
	return (chance_word() >> 11) % n;
}

#endif
