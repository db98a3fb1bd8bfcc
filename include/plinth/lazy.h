/* SPDX-License-Identifier: MIT */
/*
 * Jump slots that are filled at the first call: what the linker leaves for the binder,
 * and the module "lazy", which is the binder. Loaded only with `plinthctl load --lazy`.
 *
 * A slot that is not filled leads to its PLT entry, which pushes the slot's number and
 * the module's table and goes to lazy_entry(). Source: psABI x86-64, "Procedure Linkage Table".
 */
#ifndef PLINTH_LAZY_H
#define PLINTH_LAZY_H

#include <stdint.h>

#include <plinth/abi.h>

/* One jump slot. */
struct plinth_lazy_slot {
	uint64_t at;	/* where it lies */
	uint64_t value; /* where it will lead */
};

/*
 * What the binder reads of a module: GOT[1] points here. All addresses are of run time.
 * It has to be read-only to the code that runs: it says where calls go.
 */
struct plinth_lazy_table {
	uint64_t slots;	     /* so many, as DT_JMPREL counts them, */
	uint64_t slots_va;   /* struct plinth_lazy_slot[slots] */
	uint64_t claimed_va; /* uint8_t[slots], written: of each slot, a CPU fills it or has done so */
	uint64_t bound_va;   /* uint32_t, written: slots filled so far */
	uint64_t pages_va;   /* pages that hold nothing but slots, */
	uint64_t pages;	     /* so many of them, */
	uint64_t entries_va; /* and uint64_t[pages]: where the page-table entry of each can be written */
	uint64_t use_va;     /* struct plinth_lazy_use (plinth/shared.h) to be kept up to date; 0: none */
};

/**
 * lazy_entry() - fill a slot, then go where it leads; GOT[2] of each module with such slots.
 *
 * On the stack, from the top: the table, the slot's number, the caller's return address. All
 * registers but R11 (the psABI's scratch register for this), and the flags, are as the caller
 * left them when the function is entered. When the last slot of a module has been filled, its
 * pages of slots become read-only.
 *
 * Context: any VMM code with 256 bytes of stack, NMI handlers included: it waits for nobody.
 *          Any number of CPUs at once; each slot is written by one of them, once.
 */
PLINTH_EXPORT void lazy_entry(void);

#endif
