/* SPDX-License-Identifier: MIT */
/*
 * What second-level translation makes of an address, and flushes of it. Hypercalls that any program may make;
 * only for tests, the module is not built by default. Prefix debug_slat_.
 */
#ifndef PLINTH_DEBUG_SLAT_H
#define PLINTH_DEBUG_SLAT_H

/*
 * RAX of the hypercall; RCX: a guest-physical address.
 *
 * Answer, of the CPU that asks: RAX 0, RCX the memory type as the entry has it (0: uncached, 6: write-back),
 * RDX the level of that entry; RAX PLINTH_E_FAULT: it is not mapped, or not yet.
 */
#define DEBUG_SLAT_HYPERCALL 0x504c4e54534c4154ull /* "PLNTSLAT" */

/*
 * RAX of another: a flush on all CPUs. RBX 0; RCX not 0: vcpu_hasten() those that have not flushed; RDX: how
 * often to look whether all have, the guest going on in between.
 *
 * Answer: RAX 0; PLINTH_E_BUSY: not yet. The others are changed.
 */
#define DEBUG_SLAT_FLUSH 0x504c4e54534c464cull /* "PLNTSLFL" */

#endif
