/* SPDX-License-Identifier: MIT */
/*
 * What second-level translation makes of an address. A hypercall that any program may make; only for tests,
 * the module is not built by default. Prefix debug_slat_.
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

#endif
