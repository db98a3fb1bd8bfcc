/* SPDX-License-Identifier: MIT */
/*
 * How a program controls Plinth: ioctl() on /dev/plinth.
 *
 * Every argument is a structure whose first member, size, is the number of bytes the
 * program knows of it. Members are only ever appended. The driver takes a smaller
 * structure (what is missing counts as 0) and a larger one if all it does not know is 0
 * (otherwise E2BIG); it writes back at most size bytes. Reserved members are 0.
 *
 * A failing call returns -1 with errno; PLINTH_CTL_ERROR then gives the reason in words.
 * The device can be opened with CAP_SYS_ADMIN only. Calls are serialised: one waits
 * for another, whoever makes it.
 */
#ifndef PLINTH_CONTROL_H
#define PLINTH_CONTROL_H

#include <stdint.h>

#define PLINTH_CTL_DEVICE "/dev/plinth"

/* The request numbers: no direction and no size in them, because sizes may grow. */
#define PLINTH_CTL_TYPE	      0xb5u
#define PLINTH_CTL_NR(nr)     ((PLINTH_CTL_TYPE << 8) | (nr))
#define PLINTH_CTL_LOAD	      PLINTH_CTL_NR(1u)	 /* struct plinth_ctl_load */
#define PLINTH_CTL_START      PLINTH_CTL_NR(2u)	 /* struct plinth_ctl_plain */
#define PLINTH_CTL_STOP	      PLINTH_CTL_NR(3u)	 /* struct plinth_ctl_plain */
#define PLINTH_CTL_UNLOAD     PLINTH_CTL_NR(4u)	 /* struct plinth_ctl_plain */
#define PLINTH_CTL_STATUS     PLINTH_CTL_NR(5u)	 /* struct plinth_ctl_status */
#define PLINTH_CTL_MODULES    PLINTH_CTL_NR(6u)	 /* struct plinth_ctl_list of plinth_ctl_module */
#define PLINTH_CTL_SHARED     PLINTH_CTL_NR(7u)	 /* struct plinth_ctl_list of bytes */
#define PLINTH_CTL_ERROR      PLINTH_CTL_NR(8u)	 /* struct plinth_ctl_list of char */
#define PLINTH_CTL_MAPS	      PLINTH_CTL_NR(9u)	 /* struct plinth_ctl_list of plinth_ctl_map */
#define PLINTH_CTL_LEVEL      PLINTH_CTL_NR(16u) /* struct plinth_ctl_level */
#define PLINTH_CTL_TRACE      PLINTH_CTL_NR(17u) /* struct plinth_ctl_trace */
#define PLINTH_CTL_CALL	      PLINTH_CTL_NR(18u) /* struct plinth_ctl_call */
#define PLINTH_CTL_INTROSPECT PLINTH_CTL_NR(19u) /* struct plinth_ctl_introspect */
#define PLINTH_CTL_PEEK	      PLINTH_CTL_NR(20u) /* struct plinth_ctl_peek */

#define PLINTH_CTL_MAX_FILES	  64u
#define PLINTH_CTL_MAX_FILE_BYTES (16u << 20)
#define PLINTH_CTL_MAX_PLAN_BYTES (1u << 20)
#define PLINTH_CTL_MIN_HEAP	  (32ull << 10)
#define PLINTH_CTL_MAX_HEAP	  (1ull << 30)
#define PLINTH_CTL_DEFAULT_HEAP	  (32ull << 10) /* and PLINTH_CPU_HEAP for each CPU */

/* Where the driver stands. */
enum plinth_ctl_state {
	PLINTH_UNLOADED = 0, /* nothing is there */
	PLINTH_LOADED = 1,   /* modules are linked and initialised */
	PLINTH_RUNNING = 2,  /* every online CPU is a guest */
	PLINTH_CORRUPT = 3,  /* undoing failed: only a restart of the machine helps */
	PLINTH_STATES,
};

/* START, STOP and UNLOAD take no arguments yet. */
struct plinth_ctl_plain {
	uint32_t size;
	uint32_t flags; /* 0 */
};

struct plinth_ctl_file {
	uint64_t name;	  /* const char *, for messages; at most 255 bytes and a NUL */
	uint64_t bytes;	  /* const void *, the file's contents */
	uint64_t n_bytes; /* at most PLINTH_CTL_MAX_FILE_BYTES */
};

#define PLINTH_LOAD_NO_ASLR 1u /* fixed addresses instead of random ones */
#define PLINTH_LOAD_LAZY    2u /* jump slots made for it wait for the first call; wants the module "lazy" */

struct plinth_ctl_load {
	uint32_t size;
	uint32_t flags; /* PLINTH_LOAD_* */
	uint64_t files; /* const struct plinth_ctl_file * */
	uint32_t n_files;
	uint32_t log_level;  /* enum plinth_log_level */
	uint64_t heap_bytes; /* 0: PLINTH_CTL_DEFAULT_HEAP; rounded up to pages */
	uint32_t uart_port;  /* I/O port of a UART for the log; 0: none */
	uint32_t uart_baud;  /* 0: leave the line as it is */
	/*
	 * A link plan of the files in this order, as `plinthctl plan` writes it; 0: none. One that does
	 * not fit costs time only: PLINTH_CTL_STATUS then says PLINTH_PLAN_UNFIT.
	 */
	uint64_t plan;	       /* const void * */
	uint64_t n_plan_bytes; /* at most PLINTH_CTL_MAX_PLAN_BYTES */
};

/* What became of the link plan given to LOAD. */
enum plinth_ctl_plan { PLINTH_PLAN_NONE, PLINTH_PLAN_USED, PLINTH_PLAN_UNFIT, PLINTH_PLANS };

#define PLINTH_LEVEL_DEFAULT 0xffu /* for a component: that of all others again */

/* How much a component logs from now on. */
struct plinth_ctl_level {
	uint32_t size;
	uint32_t level; /* enum plinth_log_level, or PLINTH_LEVEL_DEFAULT */
	char tag[8];	/* the component, NUL-padded; empty: all that have no level of their own */
};

/* Which exits a tracer records from now on; in force until the next one or the unload. */
struct plinth_ctl_trace {
	uint32_t size;
	uint32_t reserved0;
	uint64_t kinds; /* bit by enum plinth_exit_kind, at least one */
};

#define PLINTH_CALL_NAME  32u	/* bytes of an extension's name, the NUL that ends it among them */
#define PLINTH_CALL_BYTES 4032u /* of a message, and of an answer, at the most */
#define PLINTH_CALL_HERE  ~0u	/* struct plinth_ctl_call.cpu: the CPU that the ioctl() happens to run on */

/*
 * A message to an extension that was loaded, and its answer: bytes, whose meaning is between the program and
 * the extension (plinth/call.h is the other side). In LOADED the extension answers before any CPU is a guest,
 * in RUNNING beneath the CPU that was chosen. An answer that does not fit @room is none: the extension is
 * told @room, and decides.
 *
 * errno: EBADFD nothing is loaded, or the CPU is not online or no guest; ENOENT no extension has this name:
 * the reason in words lists those there are; ERANGE more than PLINTH_CALL_BYTES are to be sent; EBUSY another
 * call is in progress; EPERM the name is the driver's; ENOTRECOVERABLE the VMM has died; and what the
 * extension answered instead, by PLINTH_E_*. out_bytes is 0 then.
 */
struct plinth_ctl_call {
	uint32_t size;
	uint32_t cpu;		     /* a CPU's number, or PLINTH_CALL_HERE */
	char name[PLINTH_CALL_NAME]; /* whom it is for, NUL-padded */
	uint64_t in;		     /* const void *; may be 0 when in_bytes is 0 */
	uint64_t in_bytes;	     /* at most PLINTH_CALL_BYTES */
	uint64_t out;		     /* void *; may be 0 when room is 0 */
	uint64_t room;		     /* bytes there; more than PLINTH_CALL_BYTES are never used */
	uint64_t out_bytes;	     /* out: of the answer */
};

/* Names that begin so are answered to the driver alone. */
#define PLINTH_CALL_DRIVER "driver:"

/*
 * A name that the VMM itself answers to: an empty message is answered with all that modules have registered,
 * an array of struct plinth_ctl_registration, of each sort in the order of registration. Where ranges
 * overlap, who came later stands above who came before. Whose a row is tells the handler's address, which
 * lies in the image of one module.
 */
#define PLINTH_CALL_REGISTRATIONS "registrations"

enum plinth_registered {
	PLINTH_REGISTERED_EXIT,	     /* kinds of exits: enum plinth_exit_kind */
	PLINTH_REGISTERED_CPUID,     /* a leaf in the upper half, a subleaf in the lower */
	PLINTH_REGISTERED_MSR,	     /* what: PLINTH_REGISTERED_READ, _WRITE or both */
	PLINTH_REGISTERED_HYPERCALL, /* what: PLINTH_REGISTERED_KERNEL, _PROCESS or both */
	PLINTH_REGISTERED_NAME,	     /* of messages, a single one: no range */
	PLINTH_REGISTERED_SORTS,
};

#define PLINTH_REGISTERED_READ	  1u
#define PLINTH_REGISTERED_WRITE	  2u
#define PLINTH_REGISTERED_KERNEL  1u
#define PLINTH_REGISTERED_PROCESS 2u

struct plinth_ctl_registration {
	uint32_t sort; /* enum plinth_registered */
	uint32_t what;
	uint64_t handler; /* its address in the VMM */
	union {
		uint64_t range[2];	     /* the first and the last, both included */
		char name[PLINTH_CALL_NAME]; /* of PLINTH_REGISTERED_NAME */
	};
};

#define PLINTH_INTROSPECT_BYTES (2u << 20) /* of a window */
#define PLINTH_INTROSPECT_WRITE 1u	   /* memory may be changed, and registers */

/*
 * The process that calls may introspect the machine, by the hypercalls of plinth/introspection.h. Before
 * that it maps its window: all PLINTH_INTROSPECT_BYTES of this open file, from offset 0 on, MAP_SHARED, and
 * without PROT_EXEC: ordinary memory, which no child inherits, whose pages it may then have lead elsewhere.
 * An open file has one window in its life, and a window one process. What ends it is that the window is
 * unmapped, as it is by the end of the process, however it ends, and by execve(); or that the VMM stops or
 * dies: the window is empty then, and whoever looks at it gets SIGBUS.
 *
 * errno: EPERM this wants CAP_SYS_RAWIO, and a kernel that is not locked down; EINVAL the process has no
 * window here; EBUSY it introspects already; EBADFD the VMM is not running; ENOENT no module that is loaded
 * serves this; ERANGE there are as many processes as it can serve, or more pieces of memory; and what the
 * module answered, as for CALL.
 */
struct plinth_ctl_introspect {
	uint32_t size;
	uint32_t flags; /* PLINTH_INTROSPECT_* */
};

enum plinth_peek_op {
	PLINTH_PEEK_READ = 1,
	PLINTH_PEEK_WRITE,
	PLINTH_PEEK_LOCATE,    /* where an address lies: its physical one */
	PLINTH_PEEK_REGISTERS, /* of a CPU */
};

/* Whose an address is. */
enum plinth_space {
	PLINTH_SPACE_KERNEL,   /* the kernel's: one of the upper half */
	PLINTH_SPACE_PROCESS,  /* as that process has it, and the kernel for it */
	PLINTH_SPACE_PHYSICAL, /* the machine's: of what the kernel calls System RAM */
};

#define PLINTH_PEEK_BYTES 2048u /* of one READ or WRITE at the most */

/*
 * Memory of the machine, and registers of a CPU, by the extension `introspection`: what its page tables say
 * at that moment. Nothing is fetched for it that is swapped out or not there yet. READ and WRITE are done as
 * a whole or not at all. What the page tables do not let be written, the kernel does not write either: text,
 * and pages that are shared until somebody writes to them. Accessed and dirty bits stay as they are. A
 * process lives on meanwhile; its page tables are held. Registers are those of the driver at its hypercall,
 * CR3 that of whoever ran on this CPU.
 *
 * errno: EPERM this wants CAP_SYS_RAWIO and a kernel that is not locked down, or the address leads to the
 * VMM, a device, or no memory; ENOENT no such process, or no module that is loaded serves this; EFAULT the
 * address is not mapped, or not to be written; EINVAL it cannot be one of this space, or a member is wrong;
 * EBADFD the VMM is not running, or not on this CPU; EBUSY the CPU was at something else all the time.
 */
struct plinth_ctl_peek {
	uint32_t size;
	uint32_t op;	   /* enum plinth_peek_op */
	uint32_t space;	   /* enum plinth_space; 0 for REGISTERS */
	uint32_t pid;	   /* of PLINTH_SPACE_PROCESS, else 0 */
	uint64_t address;  /* 0 for REGISTERS */
	uint64_t buffer;   /* void *: to READ to, to WRITE from, or for a struct plinth_ctl_registers */
	uint64_t bytes;	   /* there: of READ and WRITE, else 0 */
	uint64_t physical; /* out, of LOCATE */
	uint32_t cpu;	   /* of REGISTERS, else 0 */
	uint32_t reserved0;
};

struct plinth_ctl_registers {
	uint64_t cr0, cr2, cr3, cr4;
	uint64_t rax, rbx, rcx, rdx, rbp, rsi, rdi, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, efer;
};

struct plinth_ctl_status {
	uint32_t size;
	uint32_t state;	     /* enum plinth_ctl_state */
	uint32_t module_abi; /* PLINTH_MODULE_ABI the driver serves */
	uint32_t n_cpus;     /* possible ones: highest number + 1 */
	uint32_t n_online;
	uint32_t n_guests; /* CPUs that are guests now */
	uint32_t n_modules;
	uint32_t link_plan; /* enum plinth_ctl_plan */
	uint64_t slot_va;   /* the VMM's 512 GiB slot; 0 when unloaded, like the rest */
	uint64_t base_va;   /* of the first module */
	uint64_t end_va;    /* above all that the driver placed */
	uint64_t image_bytes;
	uint64_t heap_bytes;
	uint64_t pool_bytes; /* heap and page tables are parts of it */
	uint64_t shared_bytes;
	uint64_t memory_bytes; /* all that the driver took from the system */
	/* TSC ticks; 0 until it happened. */
	uint64_t link_ticks;  /* resolve, copy and relocate */
	uint64_t load_ticks;  /* the whole of the last LOAD */
	uint64_t start_ticks; /* the whole of the last START, all CPUs */
	uint64_t stop_ticks;  /* the whole of the last STOP, all CPUs */
};

/* MODULES, SHARED and ERROR fill the program's memory. */
struct plinth_ctl_list {
	uint32_t size;
	uint32_t item_bytes; /* of one item as the program knows it; 1 for bytes and text */
	uint64_t items;	     /* where to; may be 0 when room is 0 */
	uint64_t room;	     /* in items */
	uint64_t count;	     /* out: how many there are, whatever the room was */
};

/* What a run of pages allows, and in which of the VMM's page tables. */
#define PLINTH_MAP_WRITE  1u
#define PLINTH_MAP_EXEC	  2u
#define PLINTH_MAP_USER	  4u
#define PLINTH_MAP_GLOBAL 8u

enum plinth_map_table { PLINTH_MAP_ROOT, PLINTH_MAP_LAUNCH, PLINTH_MAP_TABLES };

/* Ascending per table; empty unless LOADED or RUNNING. */
struct plinth_ctl_map {
	uint64_t va;
	uint64_t bytes;
	uint32_t flags; /* PLINTH_MAP_* */
	uint32_t table; /* enum plinth_map_table */
	char name[32];	/* of the module or region */
};

struct plinth_ctl_module {
	char role[32]; /* what it is to other modules (DT_SONAME) */
	char name[32]; /* from its note, like the next two */
	char version[16];
	char description[96];
	uint32_t abi;
	uint32_t reserved0;
	uint64_t base_va; /* of its lowest page */
	uint64_t bytes;
	uint64_t needs; /* bit i: it calls the i-th module of the list */
	char file[256]; /* what it was loaded from, in the program's words */
	/* Jump slots that are filled at the first call; 0 if the module's are filled at load. */
	uint32_t lazy_slots, lazy_bound;
	uint32_t lazy_pages, lazy_sealed; /* pages that hold only such slots, and those read-only by now */
};

#endif
