/* SPDX-License-Identifier: MIT */
/*
 * What the driver core hands to the entry module: the launch ABI.
 *
 * All addresses named _va are VMM virtual addresses (valid in the launch tables and
 * in the root tables), _pa are physical. The VMM owns one aligned 512 GiB slot of
 * the lower half (one entry of the top-level table, or of the fourth level when
 * CR4.LA57 is set); below it the same page tables serve launch and root tables.
 */
#ifndef PLINTH_BOOT_H
#define PLINTH_BOOT_H

#include <stdint.h>

/* A run of memory the VMM owns: what is contiguous both virtually and physically. */
struct plinth_descriptor {
	uint64_t va;
	uint64_t pa;
	uint64_t pages;
};

struct plinth_boot_module {
	char name[32];
	uint64_t base_va; /* load bias: run address = base_va + p_vaddr */
	uint64_t bytes;	  /* of the image, from base_va */
	/* For crash reports: the module's own tables, run addresses; 0 when absent. */
	uint64_t dynsym_va;
	uint64_t dynsym_count;
	uint64_t dynstr_va;
	uint64_t dynstr_bytes;
};

/* A run of the machine's memory at the load, in GiBs: one that has some counts whole. */
struct plinth_boot_memory {
	uint32_t first, count;
};

#define PLINTH_BOOT_MEMORY 32 /* runs; what lies in further ones is mapped when the guest touches it */

#define PLINTH_BOOT_LOW_GIBS 4 /* are among it on every machine: memory or devices */

/*
 * What the core adds to the pool for second-level translation, and what that may take: for what the guest
 * touches that was no memory at the load, or where memory types change; and a few seats, each for one CPU
 * that finds all those taken, but the last one where there are more CPUs than seats: it is lent for an
 * instruction at a time. Beside these a table for each part of memory that holds some of the VMM, and for the
 * memory itself: each of its GiBs where the CPU has no pages of 1 GiB, else each 512 of them, and those of
 * the low GiBs, which hold devices, are spare.
 */
#define PLINTH_SLAT_SPARE_PAGES		 12
#define PLINTH_SLAT_SPARE_FOR(gib_pages) (PLINTH_SLAT_SPARE_PAGES + ((gib_pages) ? PLINTH_BOOT_LOW_GIBS : 0))
#define PLINTH_SLAT_SEATS		 8
#define PLINTH_SLAT_SEAT_PAGES		 3
#define PLINTH_SLAT_SEATS_FOR(n_cpus)	 ((n_cpus) < PLINTH_SLAT_SEATS ? (n_cpus) : PLINTH_SLAT_SEATS)

/* An 8-bit UART register block. */
struct plinth_boot_uart {
	uint16_t io_base; /* 0: no UART */
	uint16_t reserved0;
	uint32_t baud; /* 0: leave the line settings alone */
};

struct plinth_boot {
	uint32_t size; /* sizeof(struct plinth_boot) of the core's header */
	uint32_t abi;  /* PLINTH_MODULE_ABI */
	uint32_t n_cpus;
	uint32_t levels; /* of page tables: 4, or 5 with CR4.LA57 */

	uint64_t slot_va; /* the VMM's 512 GiB slot */
	uint64_t free_va; /* first address above everything already placed in it */
	struct plinth_boot_uart uart;

	uint64_t launch_pgd_pa; /* VMM slot + the kernel's half; bit 12 is clear */
	uint64_t root_pgd_va;	/* VMM slot only; lies in the pool */
	uint64_t root_pgd_pa;

	uint64_t pool_va; /* pages the VMM lives from: RW, NX, zeroed */
	uint64_t pool_pages;
	uint64_t pool_used;  /* pages at the pool's start already taken by page tables */
	uint64_t heap_bytes; /* of the pool, for the heap; a multiple of 4096 */

	uint64_t descriptors_va; /* struct plinth_descriptor[], the pool's runs, ascending va */
	uint64_t n_descriptors;

	uint64_t shared_va; /* struct plinth_shared */
	uint64_t shared_bytes;
	uint64_t tuning_va; /* struct plinth_tuning; a page that a guest can write */

	uint64_t modules_va; /* struct plinth_boot_module[], in load order */
	uint64_t n_modules;

	/*
	 * The driver's landing: code in the kernel's half that the VMM jumps to when
	 * it gives a CPU back, running on the launch tables with interrupts off and
	 * the kernel's descriptor tables loaded. RDI = CR3 to load; on the guest's own
	 * stack lie, from the top: RDI, RFLAGS, RIP. The landing loads CR3 and pops them.
	 */
	uint64_t land;
	/*
	 * The same for a guest in user mode: on the stack that an interrupt would switch to
	 * (RSP0 of the task state) lie, from the top: RDI, RIP, CS, RFLAGS, RSP, SS, the last
	 * five being what IRETQ takes.
	 */
	uint64_t land_user;
	/* Bits of CR3 that are set on a user's page tables, where the kernel is not mapped; 0: no such. */
	uint64_t user_cr3;

	/*
	 * Stopping is a hypercall from this instruction's address (RIP at the exit)
	 * at CPL 0 with RAX = PLINTH_HYPERCALL_STOP, RCX and RDX = token.
	 */
	uint64_t stop_rip;
	uint64_t stop_token[2];

	uint64_t launch_pgd_va; /* of launch_pgd_pa, to be read only */
	uint64_t window_pages;	/* addresses from free_va on that the memory module gives out */

	/* Memory, ascending; what can be told of all machines, the first 4 GiB, is among it. */
	uint64_t n_memory;
	struct plinth_boot_memory memory[PLINTH_BOOT_MEMORY];

	uint64_t mailbox_va; /* struct plinth_mailbox; a guest can write it, like the tuning page */
};

#define PLINTH_HYPERCALL_STOP 0x504c4e5453544f50ull /* "PLNTSTOP" */

/*
 * What a running VMM has mapped, which nobody else can see: a hypercall at CPL 0 with RAX =
 * PLINTH_HYPERCALL_MAPS, RCX and RDX = stop_token, RDI = enum plinth_map_table, RSI = an
 * address. The answer is the first run of mappings with the same access at or above it:
 * RAX = 0, RDI = its address, RSI = its bytes, RDX = PLINTH_MAP_* of plinth/control.h; or RAX =
 * PLINTH_E_FAULT, there is none, or PLINTH_E_INVAL, no such table. Other registers stay.
 */
#define PLINTH_HYPERCALL_MAPS 0x504c4e544d415053ull /* "PLNTMAPS" */

/*
 * A message lies in the mailbox: a hypercall at CPL 0 with RAX = PLINTH_HYPERCALL_CALL, RCX and RDX =
 * stop_token. The answer is RAX = what entry_call() (plinth/entry.h) would return; the rest of it lies in the
 * mailbox. Other registers stay.
 */
#define PLINTH_HYPERCALL_CALL 0x504c4e5443414c4cull /* "PLNTCALL" */

#endif
