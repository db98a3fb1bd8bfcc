/* SPDX-License-Identifier: MIT */
/* What peek, poke, v2p and events have in common: whose memory, and where. */
#ifndef PLINTHCTL_TARGET_H
#define PLINTHCTL_TARGET_H

#include <plinth/peek.h>

void option_pid(const char *word, void *to);	  /* struct plinth_target */
void option_physical(const char *word, void *to); /* struct plinth_target */

/* Rows of an option table, about a struct plinth_target. */
#define TARGET_PID(target)                                                                                   \
	{                                                                                                    \
		"pid", 'p', "N", "addresses are this process's (default: the kernel's)", option_pid, target, \
			0                                                                                    \
	}
#define TARGET_PHYSICAL(target)                                                                              \
	{                                                                                                    \
		"physical", 'P', NULL, "addresses are physical ones", option_physical, target, 0             \
	}

/* A word that is an address, or 1 to @most bytes, with K, M or G; anything else is wrong usage. */
uint64_t target_address(const char *word);
uint64_t target_bytes(const char *word, uint64_t most);

/* target_failed() - say why a call of plinth/peek.h on this device failed. */
void target_failed(int device);

#endif
