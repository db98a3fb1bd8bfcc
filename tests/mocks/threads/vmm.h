/* SPDX-License-Identifier: MIT */
/*
 * A module of the VMM that does what the scenarios ask for by hypercall: RBX says what, the answer is in RAX.
 */
#ifndef TESTS_MOCKS_THREADS_VMM_H
#define TESTS_MOCKS_THREADS_VMM_H

#include <stdint.h>

#define VMM_CALL 0x706c696e74685000ull

enum vmm_order {
	VMM_MEMORY,	/* RCX: a random number: allocate something, or give something back */
	VMM_MEMORY_END, /* give all back that this CPU has */
	VMM_LOG,	/* RCX: level, and from bit 8 on how many lines; RDX: a number for the text */
	VMM_PAGE,	/* RCX: a guest's page; RDX: access: ept_set_page(), and look */
};

/* A page with nothing allowed, by VMM_PAGE: the module does the accesses, and counts them. */
#define VMM_TRAPPED 0x1f0000000ull

/** vmm_trapped() - how many there were. */
uint64_t vmm_trapped(void);

/** vmm_forget() - the memory that it has went with the last unload. */
void vmm_forget(void);

/* What a hypercall answers; of VMM_OK nothing need be told. */
enum vmm_answer { VMM_OK, VMM_FULL, VMM_DAMAGED, VMM_NOT_ZERO, VMM_WRONG_PAGE };

#endif
