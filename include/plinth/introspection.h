/* SPDX-License-Identifier: MIT */
/*
 * Introspection: processes that the driver has registered read the machine's memory by hypercalls, in the
 * way that LibVMI's Bareflank driver asks for it. Provided by the extension `introspection`; what the driver
 * tells it goes as messages (plinth/call.h) to INTROSPECTION_NAME, in LOADED as well as in RUNNING.
 *
 * A registration is an address space with a window: 2 MiB of machine's memory in one piece, which the driver
 * owns, so that they neither move nor get another owner. Only pages of its own window are made to lead
 * elsewhere.
 */
#ifndef PLINTH_INTROSPECTION_H
#define PLINTH_INTROSPECTION_H

#include <stdint.h>

#include <plinth/control.h>

#define INTROSPECTION_NAME "driver:introspection"

#define INTROSPECTION_WINDOW_BYTES (2u << 20)
#define INTROSPECTION_CLIENTS	   8u	/* registrations at a time */
#define INTROSPECTION_MEMORY	   128u /* runs of the machine's memory */

/* A run of the machine's memory: RAM, from @start on, and none of it from @end on. */
struct introspection_memory {
	uint64_t start, end;
};

enum introspection_op {
	/*
	 * An address space may ask from now on. No answer. PLINTH_E_LIMIT: INTROSPECTION_CLIENTS are there;
	 * PLINTH_E_INVAL: what it says cannot be, as a line in the log says; PLINTH_E_NOTSUP: this CPU has no
	 * second-level translation. The runs are those of the whole machine: they replace what was said
	 * before.
	 */
	INTROSPECTION_ADMIT = 1,
	/*
	 * Its calls are nobody's from now on, and its window shows itself again. The answer is a struct
	 * introspection_answer. Whom nobody knows is done with.
	 */
	INTROSPECTION_END = 2,
	/*
	 * The driver looks for somebody: what is sent is a struct introspection_access, and the answer a
	 * struct introspection_reply, cut behind what is used of either. All are about the page tables that
	 * the CPU is on, of which @root says which they have to be, and have the kernel's rights there. The
	 * CPU takes no interrupt meanwhile, so that a kernel that waits for all CPUs to forget a page before
	 * it gives that to somebody else waits for this one, too.
	 *
	 * PLINTH_E_STATE: no CPU is a guest; PLINTH_E_BUSY: the CPU is on other page tables; PLINTH_E_INVAL,
	 * PLINTH_E_LIMIT: there is too little room for the answer.
	 */
	INTROSPECTION_READ = 16,
	INTROSPECTION_WRITE = 17,
	INTROSPECTION_LOCATE = 18,
	INTROSPECTION_REGISTERS = 19,
};

/* Of @flags, of ADMIT. */
#define INTROSPECTION_MAY_WRITE 1u /* memory and registers, too */
#define INTROSPECTION_ISOLATED	2u /* the page behind @cr3 is its top level in user mode */

/* What the driver sends; what an operation does not use is 0. */
struct introspection_message {
	uint32_t op; /* enum introspection_op */
	uint32_t flags;
	uint64_t id;	 /* of the registration: the driver's choice, not 0 */
	uint64_t cr3;	 /* physical address of the top level of the kernel's page tables for it */
	uint64_t window; /* physical address: a multiple of its size, in the machine's memory */
	uint32_t n_memory;
	uint32_t reserved0;
	struct introspection_memory memory[INTROSPECTION_MEMORY];
};

/* To INTROSPECTION_END. */
struct introspection_answer {
	/*
	 * 1: a CPU may still go by what the window showed before: make each exit, by CPUID, and send END
	 * again; the window is to be freed only after 0.
	 */
	uint32_t pending;
	uint32_t reserved0;
};

/* READ, WRITE, LOCATE and REGISTERS. What an operation does not use is 0. */
struct introspection_access {
	uint32_t op;			 /* enum introspection_op */
	uint32_t bytes;			 /* to be read or written: 1 to PLINTH_PEEK_BYTES */
	uint64_t root;			 /* physical address of the top level; 0: any */
	uint64_t address;		 /* virtual */
	uint8_t data[PLINTH_PEEK_BYTES]; /* of WRITE: as many as are written */
};

struct introspection_reply {
	/* 0, or why not: as guest_read(), guest_write() and guest_translate() (plinth/guest_memory.h). */
	int32_t result;
	uint32_t error; /* of PLINTH_E_FAULT: the page fault's error code */
	/* Of PLINTH_E_FAULT: whose page it is; of LOCATE: the physical address; else the one that was sent.
	 */
	uint64_t address;
	union {
		uint8_t data[PLINTH_PEEK_BYTES]; /* of READ */
		struct plinth_ctl_registers registers;
	};
};

/* -- what a registered process sees ----------------------------------------------------------------- */

#define INTROSPECTION_LEAF 0x40001337u /* of CPUID: EAX, EBX, ECX and EDX are INTROSPECTION_HERE */
#define INTROSPECTION_HERE 42u

/*
 * Hypercalls, by RAX, of 64-bit code at privilege level 3. RAX is 0 afterwards if it was done, else 1; no
 * other register changes but where it is said. For everybody else the instruction is what it was.
 */
enum introspection_call {
	/* Nothing: is somebody there? */
	INTROSPECTION_ACKNOWLEDGE = 0x01,
	/*
	 * RDI: a buffer of RSI bytes, which gets a JSON object and a NUL: CR0 CR2 CR3 CR4 RAX RBX RCX RDX RBP
	 * RSI RDI RSP R08 R09 R10 R11 R12 R13 R14 R15 RIP RFL MSR_EFER, of the caller, as signed decimals.
	 */
	INTROSPECTION_GET_REGISTERS = 0x02,
	/*
	 * RDI: such an object, which ends with a NUL within RSI bytes. All or nothing; who may not write is
	 * refused. RAX is the result, whatever is asked for; without RIP, or with that of this very
	 * instruction, the caller goes on behind it. Control registers, MSR_EFER, and the bits of RFL that a
	 * process does not choose have to be as they are, if they are there at all.
	 */
	INTROSPECTION_SET_REGISTERS = 0x03,
	/* RDI: an address of the caller's; afterwards the physical one, 0 if there is none. */
	INTROSPECTION_TRANSLATE = 0x04,
	/*
	 * RDI: an address in the caller's window; RSI: a physical one, whose page is seen there from now on,
	 * by every CPU. The page's own: it shows itself again.
	 */
	INTROSPECTION_MAP = 0x05,
};

#define INTROSPECTION_CALLS	 0xbf05000000000000ull /* + enum introspection_call: RAX */
#define INTROSPECTION_CALLS_LAST 0xbf050000000000ffull /* all of these are this module's */

#endif
