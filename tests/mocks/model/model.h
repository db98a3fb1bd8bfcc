/* SPDX-License-Identifier: MIT */
/*
 * A model of an x86-64 CPU, as far as the intrinsics show one: N logical CPUs with control registers, MSRs,
 * segments, root mode and guests. It runs no guest instructions: a test says which exit happens, and looks at
 * the state in which the guest goes on. How a CPU runs guests is its vendor's (vendor.h).
 *
 * It demands what the manuals demand. What software must not do is a violation, kept by text, besides what
 * the real CPU would do.
 */
#ifndef TESTS_MOCKS_MODEL_H
#define TESTS_MOCKS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/shared.h>
#include <plinth/vcpu.h>
#include <plinth/x86.h>

#include "kind.h"

#define MODEL_CPUS 1024u

struct model_guest_ops;
struct pretence;

/*
 * The kernel's half: an address of this process with the upper bits set. Whoever touches it
 * faults, and the machine lets it touch the address without them.
 */
#define MODEL_HIGH 0xffff800000000000ull

static inline uint64_t model_high(uint64_t address)
{
	return address | MODEL_HIGH;
}

static inline uint64_t model_low(uint64_t address)
{
	return address & ~MODEL_HIGH;
}

/*
 * Where a kernel with page-table isolation maps the LDT of the process that runs: the one part of the
 * kernel's half that is not the same in all page tables.
 */
#define MODEL_LDT	  0xffffc00000000000ull
#define MODEL_LDT_ENTRIES 16u
#define MODEL_PROCESSES	  8u

enum model_seg {
	MODEL_ES,
	MODEL_CS,
	MODEL_SS,
	MODEL_DS,
	MODEL_FS,
	MODEL_GS,
	MODEL_LDTR,
	MODEL_TR,
	MODEL_SEGS
};

struct model_segment {
	uint64_t base;
	uint32_t limit, rights;
	uint64_t selector;
};

struct model_table {
	uint64_t base, limit;
};

enum model_msr {
#define MSR(name, index, rule, value) MODEL_MSR_##name,
#include "msrs.def"
#undef MSR
	MODEL_MSRS,
};

/* What software sees; all members are 64-bit words or made of them, so it compares as bytes. */
struct model_state {
	uint64_t cr0, cr2, cr3, cr4, dr7, rflags, xcr0;
	uint64_t msr[MODEL_MSRS];
	struct model_table gdt, idt;
	struct model_segment seg[MODEL_SEGS];
};

/* An event that was injected with the last entry; info 0: none. */
struct model_event {
	uint32_t info, error, length;
	bool resumes; /* RF in the image of RFLAGS that its delivery pushes */
};

#define MODEL_WAIT_FOR_SIPI 3 /* an activity */

struct model_cpu {
	struct model_state st;
	struct vcpu_regs regs; /* of the guest or of the OS that got its CPU back */
	uint64_t rip, rsp;
	uint64_t interruptibility, activity, pending_debug;
	struct model_event event;
	bool guest, halted, reset;
	bool virt_on;	      /* virtual machines are switched on: root mode, or a guest */
	bool init_pending;    /* held back in root operation, and by this CPU even after an exit told of it */
	bool in_vmm;	      /* a stack of the VMM is in use */
	uint64_t virt_region; /* memory that the CPU has for that */
	int current; /* the guest state that it has at hand, as the vendor's part numbers them; -1: none */
	const struct model_guest_ops *guest_ops; /* the vendor's, or pretend.c's */
	struct vcpu *pretending;		 /* of pretend.c */
	struct pretence *pretence;
	struct model_state guests; /* its tables and segments, while root mode has its own */
	bool arrived;		   /* they are there */
	uint64_t ticks;
	uint64_t ssp;			    /* of user mode */
	uint32_t process;		    /* that runs, or did when the kernel was entered */
	uint64_t nmis_sent, nmis_delivered; /* delivered: to the OS, as guest or not */
	bool nmi_sent;			    /* by another CPU's local APIC, and not arrived: a test lets it */
	uint32_t in_nmi;
	uint64_t mc_ticks;		  /* ticks, those within handlers of NMIs included */
	uint64_t mcs_sent, mcs_delivered; /* machine checks, likewise */
	uint32_t in_mc;
	uint64_t exceptions;	/* injected */
	uint64_t invalidations; /* of what is remembered by tags, and of the second level */
	uint64_t wbinvds, cr3_loads;
};

/* How a run of VMM code ended. */
enum model_end {
	MODEL_RETURNED, /* the function returned */
	MODEL_GUEST,	/* the guest runs */
	MODEL_BACK,	/* the OS has its CPU back */
	MODEL_HALTED,	/* HLT with interrupts off */
	MODEL_RESET,	/* the machine was reset */
	MODEL_INIT,	/* an INIT took the CPU: it waits for a SIPI */
	MODEL_CRASHED,	/* an exception nobody could handle */
	MODEL_EXIT,	/* (inside the model only) an exit waits to be handled */
};

struct model_exit {
	uint32_t kind;	 /* enum plinth_exit_kind; 0: that of @reason */
	uint32_t access; /* of a violation by a linear address: what the guest wanted (translation.h); 0:
			    @detail says */
	/* As the vendor's hardware has it; @detail of what has no neutral words. */
	uint64_t reason, detail, length;
	uint32_t info, error;		     /* interruption that caused it */
	uint32_t vectoring, vectoring_error; /* event that was being delivered */
	uint64_t physical, linear;
};

struct model {
	const struct model_kind *kind;
	uint32_t n_cpus, here; /* here: the CPU that "runs" */
	/* Memory as the CPU sees it by physical address; NULL: nothing there. */
	void *(*physical)(uint64_t pa);
	/* What physical address a linear one of the VMM's has; 0: none. */
	uint64_t (*translate)(uint64_t va);
	/* An address is not to be translated as before; may be NULL. */
	void (*invalidate)(uint64_t va);

	/* Whose LDT those page tables show at MODEL_LDT; below 0: nobody's. May be NULL. */
	int (*process_of)(uint64_t cr3);

	uint64_t nmi_at_tick; /* of the CPU here; 0: never */
	uint64_t mc_at_tick;  /* a machine check, by mc_ticks */
	bool mc_fatal;	      /* and what it interrupts cannot go on */
	bool mc_at_entry;     /* one comes in the middle of the next entry, which fails for it */
	uint32_t uart;	      /* base port of the UART; 0: none */
	bool uart_stuck;      /* never ready to send */
	char serial[65536];   /* what it sent */
	/* What software made of the MTRRs that it may write here: 202h, 203h, 2FFh. */
	struct {
		uint64_t value;
		bool written;
	} mtrr[3];
	uint32_t n_serial;
	uint8_t uart_scratch;
	bool uart_faults;     /* whoever touches it gets #GP */
	uint32_t uart_raised; /* how often */

	uint32_t hypercalls; /* that the hypervisor beneath got */
	uint32_t violations;
	char violation[8][200]; /* the first few */

	uint64_t land_user; /* the landing that ends with IRETQ */
	/* What the last hand-over gave. */
	struct cpu_handback back;
	uint64_t back_cr3;

	struct model_cpu cpu[MODEL_CPUS]; /* the last member: of those that are not there nothing is set */
};

extern struct model model;

/**
 * model_init() - power on.
 * @kind:   what CPUs there are
 * @n_cpus: at most MODEL_CPUS
 *
 * Every CPU is as a 64-bit kernel has set it up, interrupts off. Faults are disarmed.
 */
void model_init(const struct model_kind *kind, uint32_t n_cpus);

/** model_call() - run a function of the VMM on a CPU and a stack; its result is stored if it returns. */
enum model_end model_call(uint32_t cpu, uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b, uint64_t c,
			  uint64_t d, uint64_t *result);

/**
 * model_exit() - a guest leaves for the VMM; runs until it goes on somewhere.
 *
 * The guest's state is that in model.cpu[@cpu], which the test may have changed.
 */
enum model_end model_exit(uint32_t cpu, const struct model_exit *exit);

/**
 * model_guest_msr() - the guest executes RDMSR or WRMSR, with the operands in its registers.
 *
 * Where root mode has said so it exits; else the CPU does it, and a fault is the guest's event.
 */
enum model_end model_guest_msr(uint32_t cpu, bool is_write);
/**
 * model_guest_cr() - the guest executes MOV to CR0, CR3 or CR4 (@cr: 0, 3, 4) from RAX.
 *
 * Where root mode has said so it exits; else the CPU does it, and a fault is the guest's event.
 */
enum model_end model_guest_cr(uint32_t cpu, uint32_t cr);
/** model_msr_exits() - would it exit? */
bool model_msr_exits(uint32_t cpu, uint32_t msr, bool is_write);

/**
 * model_switch_process() - that process runs on a CPU: LDTR leads to its LDT, in which there is nothing after
 * model_init().
 * @isolated: at MODEL_LDT, as with page-table isolation; otherwise where all page tables of the kernel have
 * it
 */
void model_switch_process(uint32_t cpu, uint32_t process, bool isolated);
/** model_ldt() - the MODEL_LDT_ENTRIES descriptors of a process, to be written. */
uint64_t *model_ldt(uint32_t process);
/** model_load_user_data() - that process loads a segment register (enum model_seg); false: #GP. */
bool model_load_user_data(uint32_t cpu, unsigned int which, uint16_t selector);

/** model_nmi() - an NMI arrives while the guest runs, or (see nmi_at_tick) in the VMM. */
enum model_end model_nmi(uint32_t cpu);

/**
 * model_due() - does the guest leave by itself now, because root mode wants it back? *@out: by which exit.
 */
bool model_due(uint32_t cpu, struct model_exit *out);

/** model_steps() - does the guest exit behind its next instruction, as root mode has asked for? */
bool model_steps(uint32_t cpu);

/**
 * model_exit_kind() - of which kind is this exit? MODEL_EXIT_ENTRY_MC: an entry that failed for a machine
 * check.
 */
uint32_t model_exit_kind(const struct model_exit *exit);
#define MODEL_EXIT_ENTRY_MC ((uint32_t)PLINTH_EXIT_KINDS)

/** model_visible() - what software on that CPU sees: of a guest, what root mode shows it. */
void model_visible(uint32_t cpu, struct model_state *out);
/** model_show() - the guest sees these from now on, as far as root mode decides what it sees. */
void model_show(uint32_t cpu, uint64_t cr0, uint64_t cr4);
/** model_differs() - the name of the first member in which two states differ, or NULL. */
const char *model_differs(const struct model_state *a, const struct model_state *b);

/** model_active() - number of guest states that some CPU has, whether in use or not. */
unsigned int model_active(void);

/* -- faults: every fallible call asks; see also the machine's calls --------------- */

/** model_arm() - calls number @first and @second (from 1; 0: none) that may fail will. */
void model_arm(uint32_t first, uint32_t second);
/** model_disarm() - how many of the two happened. */
uint32_t model_disarm(void);
/** model_fault() - does this call fail? Counted. */
bool model_fault(const char *what);
/** model_fault_name() - of the call that failed last; "" if none did. */
const char *model_fault_name(void);
/** model_faults_seen() - calls that asked since model_arm(). */
uint32_t model_faults_seen(void);

/** model_set_native() - the modules are part of this process. */
struct native_entry;
void model_set_native(const struct native_entry *native);

/** model_violation() - software did what it must not. */
void model_violation(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
