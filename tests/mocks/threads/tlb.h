/* SPDX-License-Identifier: MIT */
/*
 * What CPUs remember of the VMM's addresses, at the worst: each remembers every address that is mapped, and
 * goes on with it until it flushes. The one that takes a mapping away has invalidated it for itself.
 */
#ifndef TESTS_MOCKS_THREADS_TLB_H
#define TESTS_MOCKS_THREADS_TLB_H

#include <stddef.h>

/**
 * tlb_given() - these addresses lead somewhere else from now on: does a CPU still remember where they led?
 */
void tlb_given(const void *at, size_t pages);
/** tlb_taken() - they are about to be taken back, by the CPU that runs. */
void tlb_taken(const void *at, size_t pages);
/** tlb_forget() - as after power on. */
void tlb_forget(void);

#endif
